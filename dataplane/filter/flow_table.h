// The flows that security groups have let through, shared by all workers without a lock.
//
// A flow is a tag, which is a keyed hash of what identifies it (FlowKey), and a value of one word. Its place is in one
// of two buckets of four, a cache line each, that the hash names. That two flows meet in all 64 bits of the hash is as
// likely as guessing: nobody outside knows the key.
//
// Memory: 16 octets a flow. Whoever inserts takes the place of what has expired; where there is none, that of a flow
// that is not established, the one that expires first: a flood of openings pushes out openings first, then what one end
// has ended, and nothing else. Where all eight are established the new flow is refused.
//
// Two workers that insert the same flow at the same moment may leave it there twice; the spare one expires.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "base/message.h"
#include "dataplane/filter/sip_hash.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

// What a flow is known by. Of two ends `remote` is the one beyond the interface, whatever way a packet goes.
struct FlowKey {
  enum class Kind : uint8_t {
    flow,
    fragments_inbound,  // of one packet; the ports hold its identification
    fragments_outbound,
  };
  uint64_t filter = 0;                        // Filter::identity
  std::array<uint64_t, 2> remote{}, local{};  // addresses, host order; IPv4 in the second word
  uint16_t remote_port = 0, local_port = 0;   // 0 without ports; ICMP queries: identifier, and type of the request
  uint8_t protocol = 0, family = 0;
  Kind kind{};
  uint8_t zero = 0;
};
static_assert(sizeof(FlowKey) == 48 && std::has_unique_object_representations_v<FlowKey>);

enum class FlowState : uint8_t {
  none,             // the place is free
  claimed,          // somebody writes it
  opening,          // only its initiator has sent
  answered,         // TCP: both have; not yet the initiator again
  established,      // both have
  initiator_ended,  // TCP: it was established, and one end has sent FIN or RST
  responder_ended,
  closing,  // TCP: both have, or one before it was established
  fragments,
  denied,  // the rules as they are now would not have let it begin: none of its packets passes
};

// Time in steps that the table's owner chooses, since its beginning: 2^32 of them must last.
using Ticks = uint32_t;

struct FlowEntry {
  Ticks expiry = 0;
  uint16_t generation = 0;  // of the filter's rules that its first packet passed last
  FlowState state = FlowState::none;
  ipc::Direction initiator{};  // inbound: the first packet came in by the interface

  friend bool operator==(const FlowEntry&, const FlowEntry&) = default;
};

// How long a flow lives without a packet, in seconds. TCP: RFC 5382 REQ-5. UDP: RFC 4787 REQ-5 recommends 300.
// ICMP: RFC 5508 REQ-2 asks for 60 at least. Fragments: as long as this gateway holds any in reassembly.
struct FlowTimeouts {
  unsigned tcp_transitory = 240, tcp_established = 2 * 3600 + 240, udp_opening = 30, udp = 300, icmp = 60, other = 600,
           fragments = 5;
};

class FlowTable {
 public:
  // `places` is a power of two, 8 at least. The key is random.
  static Result<std::unique_ptr<FlowTable>> create(size_t places, Ticks ticks_per_second,
                                                   const FlowTimeouts& timeouts = {});
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;
  ~FlowTable();

  uint64_t hash(const FlowKey& key) const { return sip_hash(key_, &key, sizeof key); }
  void prefetch(uint64_t hash) const;

  // A flow that has not expired, as it was when it was found.
  class Found {
   public:
    FlowEntry flow;
    explicit operator bool() const { return value_ != nullptr; }

   private:
    friend class FlowTable;
    std::atomic<uint64_t>* value_ = nullptr;
    uint64_t word_ = 0;
  };
  Found find(uint64_t hash, Ticks now);
  // Either does nothing where somebody else has changed the flow since it was found.
  void replace(const Found& found, const FlowEntry& flow);
  void erase(const Found& found);
  // False: no place. One that is there already is written over.
  [[nodiscard]] bool insert(uint64_t hash, const FlowEntry& flow, Ticks now);

  Ticks lifetime(uint8_t protocol, FlowState state) const;
  // Below this a flow's life is not prolonged: not each of its packets is to write the shared line.
  Ticks least_prolongation() const { return ticks_per_second_; }

  size_t places() const { return places_; }
  // How many of the places from..to-1 hold a flow.
  size_t count(size_t from, size_t to, Ticks now) const;

 private:
  struct Place {
    std::atomic<uint64_t> tag, value;
  };
  static constexpr size_t bucket_size = 4;
  struct alignas(64) Bucket {
    std::array<Place, bucket_size> places;
  };
  struct Choice;

  FlowTable(Bucket* buckets, size_t places, Ticks ticks_per_second, const FlowTimeouts& timeouts);
  std::array<Bucket*, 2> buckets_of(uint64_t hash) const {
    return {&buckets_[hash & mask_], &buckets_[(hash >> 32) & mask_]};
  }

  Bucket* buckets_;
  size_t places_;
  size_t mask_;
  Ticks ticks_per_second_;
  FlowTimeouts timeouts_;
  SipKey key_;
};

}  // namespace sekisho::dataplane
