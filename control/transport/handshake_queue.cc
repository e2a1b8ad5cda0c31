#include "control/transport/handshake_queue.h"

#include <algorithm>

namespace sekisho::control {
namespace {

// Of IKE's header, the same in both versions (RFC 7296 section 3.1, RFC 2408 section 3.1).
struct Header {
  bool opening = false;  // the responder has not spoken yet
  uint8_t major_version = 0, exchange = 0, flags = 0;
};

std::optional<Header> read_header(ByteView message) {
  ByteReader reader(message);
  reader.skip(8);
  Header header{.opening = reader.u64() == 0};
  reader.skip(1);
  header.major_version = static_cast<uint8_t>(reader.u8() >> 4);
  header.exchange = reader.u8();
  header.flags = reader.u8();
  if (!reader.ok()) return {};
  return header;
}

// Answers to requests of our own are not among them: nobody else knows the SPI that we chose.
bool is_handshake(const Header& header) {
  constexpr uint8_t main_mode = 2, aggressive_mode = 4, ike_sa_init = 34, ike_auth = 35, response = 0x20;
  if (header.major_version > 2) return false;  // takes no more than an answer of which there are few
  if (header.major_version == 1) return header.exchange == main_mode || header.exchange == aggressive_mode;
  return (header.exchange == ike_sa_init || header.exchange == ike_auth) && !(header.flags & response);
}

}  // namespace

HandshakeQueue::Verdict HandshakeQueue::offer(const Endpoint& local, const Endpoint& remote, ByteView message) {
  const auto header = read_header(message);
  if (!header || !is_handshake(*header)) return Verdict::elsewhere;
  if (!header->opening && !known_(message)) {
    ++counters_.refused;
    return Verdict::refused;
  }
  std::deque<Datagram>& queue = header->opening ? opening_ : going_on_;
  const auto same = [&](const Datagram& other) {
    return other.remote == remote && other.local == local && std::ranges::equal(other.data, message);
  };
  if (std::ranges::any_of(queue, same)) {
    ++counters_.repeated;
    return Verdict::repeated;
  }
  if (queue.size() == capacity || message.size() > longest_datagram) {
    ++counters_.dropped;
    return Verdict::dropped;
  }
  queue.push_back({local, remote, Bytes(message.begin(), message.end())});
  ++counters_.queued;
  return Verdict::queued;
}

std::optional<HandshakeQueue::Datagram> HandshakeQueue::take() {
  constexpr unsigned most_in_a_row = 3;
  const bool opens = going_on_.empty() || (!opening_.empty() && since_opening_ >= most_in_a_row);
  std::deque<Datagram>& queue = opens ? opening_ : going_on_;
  if (queue.empty()) return {};
  since_opening_ = opens ? 0 : since_opening_ + 1;
  Datagram first = std::move(queue.front());
  queue.pop_front();
  return first;
}

}  // namespace sekisho::control
