#include "ipc/channel.h"

#include <sys/socket.h>

#include <cerrno>
#include <span>
#include <vector>

#include "base/messages/dataplane.h"
#include "base/messages/system.h"
#include "base/secret_bytes.h"

namespace sekisho::ipc {

void ReceivedMessage::clear() {
  wipe(std::span(payload_).first(length_));
  type_ = length_ = 0;
}

Channel::Channel(UniqueFd socket, UniqueFd doorbell, SealedMemory own)
    : socket_(std::move(socket)), doorbell_(std::move(doorbell)), own_(std::move(own)) {}

Channel::~Channel() {
  if (producer_) producer_->wipe_all();
}

Result<std::unique_ptr<Channel>> Channel::open(UniqueFd socket, Side side, const CounterMemory* counters) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
    return fail(messages::system_call_failed, std::string("socketpair: ") + std::strerror(errno));
  UniqueFd doorbell(pair[0]);
  const UniqueFd doorbell_for_peer(pair[1]);
  auto own = SealedMemory::create("sekisho-outbox", sizeof(Outbox));
  if (!own) return std::unexpected(own.error());
  own->lock();

  std::vector<int> descriptors = {own->fd(), doorbell_for_peer.get()};
  if (side == Side::dataplane && counters) descriptors.push_back(counters->fd());
  auto hands = shake_hands(socket.get(), side, descriptors);
  if (!hands) return std::unexpected(hands.error());
  auto peer = SealedMemory::adopt(std::move(hands->outbox), sizeof(Outbox));
  if (!peer) return std::unexpected(peer.error());
  SealedMemory peer_counters;
  if (hands->counters) {
    auto adopted = SealedMemory::adopt(std::move(hands->counters), sizeof(CounterTable));
    if (!adopted) return std::unexpected(adopted.error());
    peer_counters = std::move(*adopted);
  }
  std::unique_ptr<Channel> channel(new Channel(std::move(socket), std::move(doorbell), std::move(*own)));
  channel->adopt(std::move(hands->doorbell), std::move(*peer), std::move(peer_counters));
  return channel;
}

void Channel::adopt(UniqueFd peer_doorbell, SealedMemory peer, SealedMemory counters) {
  peer_doorbell_ = std::move(peer_doorbell);
  peer_ = std::move(peer);
  counters_ = std::move(counters);
  auto& own = *static_cast<Outbox*>(own_.writable());
  const auto& other = *static_cast<const Outbox*>(peer_.data());
  producer_.emplace(own, other);
  consumer_.emplace(own, other);
}

bool Channel::send_bytes(uint16_t type, ByteView payload) {
  if (!producer_->send(type, payload)) return false;
  sent_ = true;
  return true;
}

size_t Channel::room() {
  producer_->reclaim();
  return static_cast<size_t>(producer_->room());
}

void Channel::flush() {
  if (!sent_ && !consumer_->owes_wake()) return;
  sent_ = false;
  ring_doorbell();
}

// A full buffer means that the peer has wakes to spare, any other failure that it goes or lies: then its socket or its
// messages tell.
void Channel::ring_doorbell() {
  const uint8_t ding = 1;
  (void)::send(peer_doorbell_.get(), &ding, sizeof ding, MSG_DONTWAIT | MSG_NOSIGNAL);
}

Result<bool> Channel::receive(ReceivedMessage& message) {
  producer_->reclaim();
  if (producer_->broken()) return fail(messages::channel_peer_violation, "impossible consumer index");
  message.clear();
  RingConsumer::Message header;
  switch (consumer_->receive(header, message.payload_)) {
    case RingConsumer::Outcome::message:
      message.type_ = header.type;
      message.length_ = header.length;
      return true;
    case RingConsumer::Outcome::empty:
      if (consumer_->owes_wake()) ring_doorbell();
      return false;
    case RingConsumer::Outcome::bad_index:
      return fail(messages::channel_peer_violation, "impossible producer index");
    case RingConsumer::Outcome::bad_length:
      break;
  }
  return fail(messages::channel_peer_violation, "message of " + std::to_string(header.length) + " bytes");
}

// One read empties what an honest peer can have rung; a peer that rings without end gets no loop out of us, the
// descriptor just stays readable.
void Channel::drain() {
  std::array<uint8_t, 4096> rings;
  (void)::recv(doorbell_.get(), rings.data(), rings.size(), MSG_DONTWAIT);
  producer_->reclaim();
}

}  // namespace sekisho::ipc
