// Reassembly of fragments to our own addresses that may be ESP (RFC 791 section 3.2, RFC 8200 section 4.5, RFC 3948): a
// peer may fragment what it sealed, and only the whole can be opened. It is done in one place, for the fragments of one
// packet may come by different queues.
//
// Of UDP only the first fragment shows the port. Until that is here all are held; where it is not ESP in UDP, what is
// held goes to the kernel as it came, and so does the rest.
//
// Whoever can send us packets can fill this, so all of it is bounded: octets of a packet, fragments of a packet,
// packets of a source, packets and fragments in all (then the oldest packet makes room), and time. What overlaps is no
// accident of the network: the whole packet is dropped; an exact duplicate alone is dropped by itself.
#pragma once

#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "dataplane/worker/rings.h"
#include "ipc/counters.h"

struct rte_mempool;

namespace sekisho::dataplane {

class Reassembly {
 public:
  static constexpr Duration patience = std::chrono::seconds(5);
  static constexpr size_t max_packets = 256, max_packets_of_source = 32, max_fragments = 64;
  static constexpr size_t max_held = 1024;    // fragments in all: each takes a buffer away from the ports
  static constexpr size_t max_packet = 9600;  // octets of the whole IP packet

  // What became of fragments. Who gets it owns the mbufs.
  struct Outcome {
    std::vector<Handed> whole;   // frames with a packet put together, Via::reassembled
    std::vector<Handed> kernel;  // frames that are not ours to put together, Via::port
    std::vector<ipc::DropReason> drops;
  };

  // Whole packets are made of the first of these whose mbufs have room.
  Reassembly(rte_mempool* packets, rte_mempool* large) : packets_(packets), large_(large) {}
  Reassembly(const Reassembly&) = delete;
  Reassembly& operator=(const Reassembly&) = delete;
  ~Reassembly();

  // Takes a frame over: Ethernet, then an IP packet that passed check_ip() and is_esp_or_udp_fragment(). `port` is
  // where it came in.
  void add(uint16_t port, rte_mbuf* frame, Instant now, Outcome& out);
  // Gives up what has waited too long.
  void expire(Instant now, Outcome& out);
  std::optional<Instant> next_expiry() const;

 private:
  // What tells packets apart. (Over IPv6 the protocol need not: but a sender that has another one in a fragment than in
  // the first has no use for it.)
  struct Key {
    IpAddress source, destination;
    uint32_t identification;
    uint8_t protocol;
    friend auto operator<=>(const Key&, const Key&) = default;
    // Whoever has an IPv6 address has the other ones of its /64.
    Prefix holder() const { return {source, source.is_v4() ? 32u : 64u}; }
  };
  struct Fragment {
    uint16_t offset, length;  // of the payload
    uint16_t port;            // where it came in: those of one packet may come by several
    rte_mbuf* frame;
  };
  enum class Fate : uint8_t { undecided, ours, kernels };
  struct Gathering {
    Instant until;
    Fate fate = Fate::undecided;
    std::optional<size_t> end;        // of the whole payload, once the last fragment is here
    size_t gathered = 0;              // octets
    std::vector<Fragment> fragments;  // held, by offset
    std::list<Key>::iterator age;
  };
  using Gatherings = std::map<Key, Gathering>;
  struct Arrival;

  Gatherings::iterator find_or_begin(const Key& key, Instant now, Outcome& out);
  Gatherings::iterator oldest_held();  // there is one
  static bool is_duplicate(const Gathering& gathering, const Arrival& arrival);
  static std::optional<ipc::DropReason> fault(const Gathering& gathering, const Arrival& arrival);
  static void refuse(rte_mbuf* frame, ipc::DropReason reason, Outcome& out);
  void pass(Gathering& gathering, Outcome& out);
  void finish(const Key& key, const Gathering& gathering, Outcome& out);
  void drop(Gatherings::iterator gathering, ipc::DropReason reason, Outcome& out);
  void forget(Gatherings::iterator gathering);

  rte_mempool* packets_;
  rte_mempool* large_;
  Gatherings gatherings_;
  std::list<Key> ages_;  // the oldest first
  std::map<Prefix, size_t> of_source_;
  size_t held_ = 0;  // fragments
};

}  // namespace sekisho::dataplane
