// What the stages hand to each other: a packet with what is known about it so far, and bursts of packets.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "dataplane/stage/ip_header.h"
#include "ipc/schema.h"

struct rte_mbuf;

namespace sekisho::dataplane {

inline constexpr unsigned burst_size = 64;

// Where a packet came from, which is where the kernel is to see it come from too if it is punted.
enum class Origin : uint8_t {
  port,    // the frame is whole: the mbuf starts with the Ethernet header, which stands before l3
  tunnel,  // decapsulated: what the mbuf holds before l3 and behind the packet is not its own
  kernel,  // out of a TUN: nobody to punt it to
};

struct Packet {
  rte_mbuf* mbuf;
  uint8_t* l3;              // the IP header, within the mbuf's one segment
  IpHeader header;          // l3 passed check_ip()
  ipc::NextHopId next_hop;  // from fib_lookup on
  uint16_t origin_id;       // PortId or TunnelId
  Origin origin;
  uint8_t place;  // within the burst that came from the port
};
static_assert(sizeof(Packet) == 32);

// At most burst_size items, in storage that costs nothing to make.
template <typename Item>
class BurstOf {
 public:
  BurstOf() {}
  unsigned count() const { return count_; }
  bool empty() const { return count_ == 0; }
  void clear() { count_ = 0; }
  void add(const Item& item) { std::construct_at(items_ + count_++, item); }
  // Makes the item in its place. A copy of a new item would be read in other pieces than it was written in, and wait
  // until those have left the store buffer.
  template <typename... Fields>
  void emplace(const Fields&... fields) {
    std::construct_at(items_ + count_++, fields...);
  }
  std::span<Item> items() { return {items_, count_}; }

  // To write an item in its place and then to keep it, or not.
  Item& next() { return items_[count_]; }
  void keep_next() { ++count_; }

  // Keeps the items for which `keep` is true, in their order.
  template <typename Keep>
  void filter(Keep keep) {
    unsigned kept = 0;
    for (unsigned i = 0; i < count_; ++i) {
      if (!keep(items_[i])) continue;
      if (kept != i) items_[kept] = items_[i];
      ++kept;
    }
    count_ = kept;
  }

 private:
  static_assert(std::is_trivially_copyable_v<Item>);
  unsigned count_ = 0;
  union {
    Item items_[burst_size];
  };
};
using Burst = BurstOf<Packet>;

}  // namespace sekisho::dataplane
