#include "dataplane/filter/flow_table.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/messages/dataplane.h"
#include "base/random.h"
#include "dataplane/stage/ip_header.h"

namespace sekisho::dataplane {
namespace {

// A value: expiry, generation, state, initiator, and how often the place was taken, which tells a flow from the one
// before it in the same place.
constexpr unsigned generation_shift = 32, state_shift = 48, initiator_shift = 52, taken_shift = 56;

constexpr uint64_t pack(const FlowEntry& flow, uint64_t taken) {
  return uint64_t{flow.expiry} | uint64_t{flow.generation} << generation_shift |
         uint64_t{static_cast<uint8_t>(flow.state)} << state_shift |
         uint64_t{static_cast<uint8_t>(flow.initiator)} << initiator_shift | taken << taken_shift;
}
constexpr FlowState state_of(uint64_t word) { return static_cast<FlowState>(word >> state_shift & 0xf); }
constexpr Ticks expiry_of(uint64_t word) { return static_cast<Ticks>(word); }
constexpr uint64_t taken_of(uint64_t word) { return word >> taken_shift; }
constexpr FlowEntry unpack(uint64_t word) {
  return {expiry_of(word), static_cast<uint16_t>(word >> generation_shift), state_of(word),
          static_cast<ipc::Direction>(word >> initiator_shift & 1)};
}

constexpr bool holds_flow(uint64_t word, Ticks now) {
  return state_of(word) > FlowState::claimed && expiry_of(word) > now;
}

}  // namespace

Result<std::unique_ptr<FlowTable>> FlowTable::create(size_t places, Ticks ticks_per_second,
                                                     const FlowTimeouts& timeouts) {
  // Pages that no flow has touched are none.
  void* memory = mmap(nullptr, places * sizeof(Place), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return fail(messages::packet_memory_exhausted, std::string("the table of flows: ") + std::strerror(errno));
  madvise(memory, places * sizeof(Place), MADV_HUGEPAGE);
  return std::unique_ptr<FlowTable>(new FlowTable(static_cast<Bucket*>(memory), places, ticks_per_second, timeouts));
}

FlowTable::FlowTable(Bucket* buckets, size_t places, Ticks ticks_per_second, const FlowTimeouts& timeouts)
    : buckets_(buckets),
      places_(places),
      mask_(places / bucket_size - 1),
      ticks_per_second_(ticks_per_second),
      timeouts_(timeouts) {
  SystemRandom random;
  key_ = {random.next_u64(), random.next_u64()};
}

FlowTable::~FlowTable() { munmap(buckets_, places_ * sizeof(Place)); }

void FlowTable::prefetch(uint64_t hash) const {
  for (const Bucket* bucket : buckets_of(hash)) __builtin_prefetch(bucket);
}

// The value is believed if the tag is the same before and after it was read: who takes a place claims the value, then
// writes the tag, then the new value.
FlowTable::Found FlowTable::find(uint64_t hash, Ticks now) {
  Found found;
  for (Bucket* bucket : buckets_of(hash)) {
    for (Place& place : bucket->places) {
      if (place.tag.load(std::memory_order_acquire) != hash) continue;
      const uint64_t word = place.value.load(std::memory_order_acquire);
      if (!holds_flow(word, now) || place.tag.load(std::memory_order_relaxed) != hash) continue;
      found.flow = unpack(word);
      found.value_ = &place.value;
      found.word_ = word;
      return found;
    }
  }
  return found;
}

void FlowTable::replace(const Found& found, const FlowEntry& flow) {
  uint64_t before = found.word_;
  found.value_->compare_exchange_strong(before, pack(flow, taken_of(before)), std::memory_order_acq_rel,
                                        std::memory_order_relaxed);
}

void FlowTable::erase(const Found& found) {
  FlowEntry gone = found.flow;
  gone.state = FlowState::none;
  replace(found, gone);
}

// The best place for a new flow: a free one of the emptier bucket, or else one whose flow is to go.
struct FlowTable::Choice {
  Place* place = nullptr;
  uint64_t word = 0;

  static Choice of(const std::array<Bucket*, 2>& buckets, Ticks now) {
    Choice free, spare;
    size_t most = 0;
    for (Bucket* bucket : buckets) {
      Choice here;
      size_t count = 0;
      for (Place& place : bucket->places) {
        const uint64_t word = place.value.load(std::memory_order_relaxed);
        const FlowState state = state_of(word);
        if (state == FlowState::claimed) continue;
        if (!holds_flow(word, now)) {
          here = {&place, word};
          ++count;
        } else if (state != FlowState::established &&
                   (spare.place == nullptr || expiry_of(word) < expiry_of(spare.word))) {
          spare = {&place, word};
        }
      }
      if (count <= most) continue;
      most = count;
      free = here;
    }
    return free.place != nullptr ? free : spare;
  }
};

bool FlowTable::insert(uint64_t hash, const FlowEntry& flow, Ticks now) {
  if (const Found found = find(hash, now)) {
    replace(found, flow);
    return true;
  }
  const auto buckets = buckets_of(hash);
  // Somebody else may take the place meanwhile, but not for ever each one.
  for (unsigned turn = 0; turn < 2 * bucket_size; ++turn) {
    Choice choice = Choice::of(buckets, now);
    if (choice.place == nullptr) return false;
    const uint64_t taken = (taken_of(choice.word) + 1) & 0xff;
    const uint64_t claim = pack({.state = FlowState::claimed}, taken);
    if (!choice.place->value.compare_exchange_strong(choice.word, claim, std::memory_order_acq_rel,
                                                     std::memory_order_relaxed))
      continue;
    choice.place->tag.store(hash, std::memory_order_release);
    choice.place->value.store(pack(flow, taken), std::memory_order_release);
    return true;
  }
  return false;
}

Ticks FlowTable::lifetime(uint8_t protocol, FlowState state) const {
  // As long as its ends may believe that it is there.
  const bool lasting = state == FlowState::established || state == FlowState::initiator_ended ||
                       state == FlowState::responder_ended || state == FlowState::denied;
  const auto seconds = [&] {
    if (state == FlowState::fragments) return timeouts_.fragments;
    switch (protocol) {
      case protocol_tcp:
        return lasting ? timeouts_.tcp_established : timeouts_.tcp_transitory;
      case protocol_udp:
        return lasting ? timeouts_.udp : timeouts_.udp_opening;
      case protocol_icmp:
      case protocol_icmpv6:
        return timeouts_.icmp;
      default:
        return timeouts_.other;
    }
  };
  return seconds() * ticks_per_second_;
}

size_t FlowTable::count(size_t from, size_t to, Ticks now) const {
  size_t flows = 0;
  for (size_t i = from; i < std::min(to, places_); ++i) {
    const Place& place = buckets_[i / bucket_size].places[i % bucket_size];
    flows += holds_flow(place.value.load(std::memory_order_relaxed), now);
  }
  return flows;
}

}  // namespace sekisho::dataplane
