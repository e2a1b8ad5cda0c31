#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_prefetch.h>

#include <cstring>

#include "dataplane/stage/stages.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {
namespace {

// The destinations of one family, and which packets they belong to. Beyond `count` nothing is written, or read.
template <typename Key>
struct Lookup {
  int count = 0;
  Key keys[burst_size];
  uint64_t found[burst_size];
  Packet* packets[burst_size];
  void hand_out(const Replica& replica) {
    for (int i = 0; i < count; ++i) {
      rte_prefetch0(&replica.next_hops[found[i]]);
      packets[i]->next_hop = ipc::NextHopId(static_cast<uint16_t>(found[i]));
    }
  }
};

// Where the entry of an address is in the first-level table, as DPDK 22.11 lays both tables out: two bytes for each
// value of an address's first 24 bits, behind a line of other things. The tables are larger than the caches; asking for
// all entries of a burst at once hides most of the way to memory. With another layout that would be useless, and
// harmless.
const uint8_t* first_level(const void* table, uint32_t start_of_address) {
  return static_cast<const uint8_t*>(table) + 64 + 2 * (start_of_address >> 8);
}

}  // namespace

void fib_lookup(Context& context, Burst& in) {
  const Replica& replica = *context.replica;
  const void* table4 = rte_fib_get_dp(replica.fib4.get());
  const void* table6 = rte_fib6_get_dp(replica.fib6.get());
  Lookup<uint32_t> v4;
  Lookup<uint8_t[16]> v6;
  for (Packet& packet : in.items()) {
    if (packet.header.family == 4) {
      v4.packets[v4.count] = &packet;
      const uint32_t address = load32(packet.l3 + 16);
      rte_prefetch0(first_level(table4, address));
      v4.keys[v4.count++] = address;
    } else {
      rte_prefetch0(first_level(table6, load32(packet.l3 + 24)));
      v6.packets[v6.count] = &packet;
      std::memcpy(v6.keys[v6.count++], packet.l3 + 24, 16);
    }
  }
  if (v4.count > 0) rte_fib_lookup_bulk(replica.fib4.get(), v4.keys, v4.found, v4.count);
  if (v6.count > 0) rte_fib6_lookup_bulk(replica.fib6.get(), v6.keys, v6.found, v6.count);
  v4.hand_out(replica);
  v6.hand_out(replica);
}

}  // namespace sekisho::dataplane
