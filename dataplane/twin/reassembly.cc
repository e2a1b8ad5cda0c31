#include "dataplane/twin/reassembly.h"

#include <rte_ether.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>

#include "dataplane/port/packet_pool.h"
#include "dataplane/stage/esp_packet.h"

namespace sekisho::dataplane {
namespace {

uint8_t* l3_of(rte_mbuf* frame) { return rte_pktmbuf_mtod_offset(frame, uint8_t*, RTE_ETHER_HDR_LEN); }

// What stands before the payload in the whole packet, and in a fragment.
size_t header_size(const IpAddress& source) { return source.is_v4() ? ipv4_header_size : ipv6_header_size; }
size_t fragment_start(const IpAddress& source) {
  return source.is_v4() ? ipv4_header_size : ipv6_header_size + fragment_header_size;
}

// Makes the header of a fragment that of the whole packet.
void write_header(uint8_t* l3, const IpAddress& source, size_t payload, uint8_t protocol, bool congested) {
  if (source.is_v4()) {
    // Congestion that one fragment met is the packet's (RFC 3168 section 5.3).
    if (congested) l3[1] |= ecn_ce;
    store16(l3 + 2, static_cast<uint16_t>(ipv4_header_size + payload));
    store16(l3 + 6, 0);
    store16(l3 + 10, 0);
    store_raw(l3 + 10, static_cast<uint16_t>(~header_sum(l3, ipv4_header_size)));
  } else {
    if (congested) l3[1] |= ecn_ce << 4;
    store16(l3 + 4, static_cast<uint16_t>(payload));
    l3[6] = protocol;
  }
}

}  // namespace

// A fragment, taken apart.
struct Reassembly::Arrival {
  explicit Arrival(rte_mbuf* frame) : frame(frame) {
    const uint8_t* l3 = l3_of(frame);
    if (l3[0] >> 4 == 4) {
      const uint16_t word = load16(l3 + 6);
      key = {*IpAddress::from_bytes({l3 + 12, 4}), *IpAddress::from_bytes({l3 + 16, 4}), load16(l3 + 4), l3[9]};
      offset = size_t{8} * (word & ipv4_fragment_offset);
      length = load16(l3 + 2) - ipv4_header_size;
      last = (word & ipv4_more_fragments) == 0;
    } else {
      constexpr uint16_t more_fragments = 1, offset_mask = 0xfff8;  // the offset in octets
      const uint8_t* fragment = l3 + ipv6_header_size;
      const uint16_t word = load16(fragment + 2);
      key = {*IpAddress::from_bytes({l3 + 8, 16}), *IpAddress::from_bytes({l3 + 24, 16}), load32(fragment + 4),
             fragment[0]};
      offset = word & offset_mask;
      length = load16(l3 + 4) - fragment_header_size;
      last = (word & more_fragments) == 0;
    }
  }
  size_t end() const { return offset + length; }
  // By the first fragment: what the whole will be. UDP whose first fragment hides what it is is the kernel's.
  Fate fate() const {
    if (key.protocol == protocol_esp) return Fate::ours;
    if (offset != 0) return Fate::undecided;
    const uint8_t* l3 = l3_of(frame);
    IpHeader header;
    EspLocation esp;
    if (check_ip(l3, frame->data_len - size_t{RTE_ETHER_HDR_LEN}, header) == IpVerdict::malformed) return Fate::kernels;
    return find_esp(l3, fragment_header(l3, header), esp) == EspFind::fragment ? Fate::ours : Fate::kernels;
  }

  rte_mbuf* frame;
  Key key;
  size_t offset, length;
  bool last;
};

Reassembly::~Reassembly() {
  for (auto& [key, gathering] : gatherings_)
    for (const Fragment& fragment : gathering.fragments) rte_pktmbuf_free(fragment.frame);
}

void Reassembly::forget(Gatherings::iterator gathering) {
  for (const Fragment& fragment : gathering->second.fragments) rte_pktmbuf_free(fragment.frame);
  held_ -= gathering->second.fragments.size();
  const auto source = of_source_.find(gathering->first.holder());
  if (--source->second == 0) of_source_.erase(source);
  ages_.erase(gathering->second.age);
  gatherings_.erase(gathering);
}

void Reassembly::drop(Gatherings::iterator gathering, ipc::DropReason reason, Outcome& out) {
  out.drops.insert(out.drops.end(), gathering->second.fragments.size(), reason);
  forget(gathering);
}

// Where there are too many, the oldest one makes room: what becomes whole does so at once, so the oldest one hardly
// will any more. A source that is refused instead could be shut out by anybody who sends a few fragments in its name.
Reassembly::Gatherings::iterator Reassembly::find_or_begin(const Key& key, Instant now, Outcome& out) {
  if (const auto found = gatherings_.find(key); found != gatherings_.end()) return found;
  if (of_source_[key.holder()] >= max_packets_of_source)
    drop(gatherings_.find(*std::ranges::find(ages_, key.holder(), &Key::holder)), ipc::DropReason::fragment_limit, out);
  else if (gatherings_.size() >= max_packets)
    drop(gatherings_.find(ages_.front()), ipc::DropReason::fragment_limit, out);
  ++of_source_[key.holder()];
  const auto age = ages_.insert(ages_.end(), key);
  return gatherings_.emplace(key, Gathering{.until = now + patience, .fragments = {}, .age = age}).first;
}

// What is the kernel's holds nothing: to forget it makes no room, and its other fragments would wait for its first.
Reassembly::Gatherings::iterator Reassembly::oldest_held() {
  return gatherings_.find(
      *std::ranges::find_if(ages_, [this](const Key& key) { return !gatherings_.at(key).fragments.empty(); }));
}

bool Reassembly::is_duplicate(const Gathering& gathering, const Arrival& arrival) {
  return std::ranges::any_of(gathering.fragments, [&](const Fragment& other) {
    return other.offset == arrival.offset && other.length == arrival.length;
  });
}

// What condemns the whole packet.
std::optional<ipc::DropReason> Reassembly::fault(const Gathering& gathering, const Arrival& arrival) {
  using ipc::DropReason;
  if (arrival.length == 0 || (!arrival.last && arrival.length % 8 != 0)) return DropReason::fragment_malformed;
  if (arrival.end() > max_packet - header_size(arrival.key.source)) return DropReason::fragment_limit;
  if (gathering.fragments.size() >= max_fragments) return DropReason::fragment_limit;
  if (gathering.end && (arrival.end() > *gathering.end || (arrival.last && arrival.end() != *gathering.end)))
    return DropReason::fragment_malformed;
  for (const Fragment& other : gathering.fragments) {
    const size_t other_end = size_t{other.offset} + other.length;
    const bool apart = arrival.end() <= other.offset || other_end <= arrival.offset;
    if (!apart || (arrival.last && other_end > arrival.end())) return DropReason::fragment_malformed;
  }
  return {};
}

void Reassembly::add(uint16_t port, rte_mbuf* frame, Instant now, Outcome& out) {
  const Arrival arrival(frame);
  while (held_ >= max_held) drop(oldest_held(), ipc::DropReason::fragment_limit, out);
  const auto found = find_or_begin(arrival.key, now, out);
  Gathering& gathering = found->second;
  if (gathering.fate != Fate::kernels) {
    if (is_duplicate(gathering, arrival)) return refuse(frame, ipc::DropReason::fragment_malformed, out);
    if (const auto reason = fault(gathering, arrival)) {
      refuse(frame, *reason, out);
      return drop(found, *reason, out);
    }
  }
  const Fragment fragment{static_cast<uint16_t>(arrival.offset), static_cast<uint16_t>(arrival.length), port, frame};
  auto& fragments = gathering.fragments;
  fragments.insert(std::ranges::upper_bound(fragments, fragment.offset, {}, &Fragment::offset), fragment);
  ++held_;
  gathering.gathered += arrival.length;
  if (arrival.last) gathering.end = arrival.end();
  if (gathering.fate == Fate::undecided) gathering.fate = arrival.fate();
  if (gathering.fate == Fate::kernels) pass(gathering, out);
  if (gathering.fate == Fate::undecided || !gathering.end || gathering.gathered < *gathering.end) return;
  if (gathering.fate == Fate::ours) finish(found->first, gathering, out);
  forget(found);
}

void Reassembly::refuse(rte_mbuf* frame, ipc::DropReason reason, Outcome& out) {
  rte_pktmbuf_free(frame);
  out.drops.push_back(reason);
}

void Reassembly::pass(Gathering& gathering, Outcome& out) {
  for (const Fragment& fragment : gathering.fragments) out.kernel.push_back({fragment.frame, fragment.port, Via::port});
  held_ -= gathering.fragments.size();
  gathering.fragments.clear();
}

void Reassembly::finish(const Key& key, const Gathering& gathering, Outcome& out) {
  const size_t payload_start = RTE_ETHER_HDR_LEN + header_size(key.source);
  const size_t length = payload_start + gathering.gathered;
  rte_mbuf* whole = rte_pktmbuf_alloc(length + packet_tail_room <= packet_room ? packets_ : large_);
  if (whole == nullptr) return out.drops.push_back(ipc::DropReason::no_memory);
  auto* frame = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(whole, static_cast<uint16_t>(length)));
  rte_mbuf* first = gathering.fragments.front().frame;
  std::memcpy(frame, rte_pktmbuf_mtod(first, const uint8_t*), payload_start);
  bool congested = false;
  for (const Fragment& fragment : gathering.fragments) {
    const uint8_t* l3 = l3_of(fragment.frame);
    std::memcpy(frame + payload_start + fragment.offset, l3 + fragment_start(key.source), fragment.length);
    congested |= (traffic_class(l3, l3[0] >> 4) & ecn_mask) == ecn_ce;
  }
  write_header(frame + RTE_ETHER_HDR_LEN, key.source, gathering.gathered, key.protocol, congested);
  out.whole.push_back({whole, gathering.fragments.front().port, Via::reassembled});
}

void Reassembly::expire(Instant now, Outcome& out) {
  while (!ages_.empty()) {
    const auto oldest = gatherings_.find(ages_.front());
    if (now < oldest->second.until) return;
    drop(oldest, ipc::DropReason::fragment_timeout, out);
  }
}

std::optional<Instant> Reassembly::next_expiry() const {
  if (ages_.empty()) return {};
  return gatherings_.find(ages_.front())->second.until;
}

}  // namespace sekisho::dataplane
