#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_prefetch.h>

#include <array>
#include <bit>
#include <cstring>
#include <span>

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

// The packets of `packets` for which `belongs` is true, by the routes of a VRF.
template <typename Belongs>
void look_up(const Replica& replica, ipc::VrfId vrf, std::span<Packet> packets, const Belongs& belongs) {
  const VrfTables& tables = replica.vrfs[vrf.value()];
  const void* table4 = rte_fib_get_dp(tables.fib4.get());
  const void* table6 = rte_fib6_get_dp(tables.fib6.get());
  Lookup<uint32_t> v4;
  Lookup<uint8_t[16]> v6;
  for (Packet& packet : packets) {
    if (!belongs(packet)) continue;
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
  if (v4.count > 0) rte_fib_lookup_bulk(tables.fib4.get(), v4.keys, v4.found, v4.count);
  if (v6.count > 0) rte_fib6_lookup_bulk(tables.fib6.get(), v6.keys, v6.found, v6.count);
  v4.hand_out(replica);
  v6.hand_out(replica);
}

// VRF by VRF: where all packets are of one, still one bulk lookup a family.
[[gnu::noinline]] void look_up_by_vrf(const Context& context, std::span<Packet> packets) {
  std::array<ipc::VrfId, burst_size> vrfs;
  uint32_t present = 0;  // a bit a VRF
  static_assert(ipc::max_vrfs <= 32);
  for (size_t i = 0; i < packets.size(); ++i) {
    vrfs[i] = vrf_of(context, packets[i]);
    present |= uint32_t{1} << vrfs[i].value();
  }
  for (; present != 0; present &= present - 1) {
    const ipc::VrfId vrf(static_cast<uint8_t>(std::countr_zero(present)));
    look_up(*context.replica, vrf, packets, [&, first = packets.data()](const Packet& packet) {
      return vrfs[static_cast<size_t>(&packet - first)] == vrf;
    });
  }
}

}  // namespace

void fib_lookup(Context& context, Burst& in) {
  const Replica& replica = *context.replica;
  if (replica.several_vrfs.load(std::memory_order_relaxed)) [[unlikely]]
    return look_up_by_vrf(context, in.items());
  look_up(replica, ipc::front_door, in.items(), [](const Packet&) { return true; });
}

}  // namespace sekisho::dataplane
