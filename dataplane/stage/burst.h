// What the stages hand to each other: a packet with what is known about it so far, and bursts of packets.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "dataplane/fib/replica.h"
#include "dataplane/stage/ip_header.h"

struct rte_mbuf;

namespace sekisho::dataplane {

inline constexpr unsigned burst_size = 64;

// Where a packet came from, which is where the kernel is to see it come from too if it is punted.
enum class Origin : uint8_t {
  port,    // the frame is whole: the Ethernet header stands before l3
  tunnel,  // decapsulated: the mbuf starts at l3
  kernel,  // out of a TUN: nobody to punt it to
};

struct Packet {
  rte_mbuf* mbuf;
  uint8_t* l3;              // the IP header, within the mbuf's one segment
  const NextHop* next_hop;  // from fib_lookup on
  IpHeader header;          // from ip_input on
  uint16_t origin_id;       // PortId or TunnelId
  Origin origin;
};

// At most burst_size items, in storage that costs nothing to make.
template <typename Item>
class BurstOf {
 public:
  BurstOf() {}
  unsigned count() const { return count_; }
  bool empty() const { return count_ == 0; }
  void add(const Item& item) { std::construct_at(items_ + count_++, item); }
  std::span<Item> items() { return {items_, count_}; }

 private:
  static_assert(std::is_trivially_copyable_v<Item>);
  unsigned count_ = 0;
  union {
    Item items_[burst_size];
  };
};
using Burst = BurstOf<Packet>;

}  // namespace sekisho::dataplane
