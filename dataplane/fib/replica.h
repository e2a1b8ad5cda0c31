// What a worker reads to forward: one of the two copies that the Fib keeps. While it is active nobody writes it, with
// two exceptions: the entry in `outer` of an SA that is about to be published, and the tables of a VRF that no port or
// tunnel is in yet.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "dataplane/fib/next_hop_group.h"
#include "ipc/schema.h"

struct rte_fib;
struct rte_fib6;

namespace sekisho::dataplane {

// Where a packet goes. Index 0 of the table is drop; an index nobody set is drop too. Indices of groups are `group`,
// always: what they are groups of is in a table of its own.
struct NextHop {
  ipc::NextHopKind kind = ipc::NextHopKind::drop;
  ipc::PortId port;              // adjacency
  ipc::TunnelId tunnel;          // tunnel
  std::array<uint8_t, 6> mac{};  // adjacency: destination

  friend bool operator==(const NextHop&, const NextHop&) = default;
};
static_assert(sizeof(NextHop) <= 16);

// The routes of one VRF: both tables or none.
struct VrfTables {
  struct Free {
    void operator()(rte_fib* fib) const;
    void operator()(rte_fib6* fib) const;
  };
  std::unique_ptr<rte_fib, Free> fib4;
  std::unique_ptr<rte_fib6, Free> fib6;
};

struct Replica {
  // False: no VRF but the front door has ever had tables, and nobody need ask for a packet's VRF.
  std::atomic<bool> several_vrfs{false};
  // By VrfId. The front door has its tables from the beginning, another VRF from before the first port or tunnel of it
  // is published.
  std::array<VrfTables, ipc::max_vrfs> vrfs;
  std::array<NextHop, ipc::max_route_targets> next_hops;
  std::array<NextHopGroup, ipc::max_next_hop_groups> groups;
  uint64_t flow_seed = 0;  // of the hash that picks from a group
  // By outbound SaId: the next hop of the outer destination, resolved when the replica was made; of a group, one for
  // all packets of the SA, which are one flow.
  std::array<std::atomic<uint16_t>, ipc::max_sas> outer;

  NextHopGroup& group(ipc::NextHopId id) { return groups[id.value() - ipc::max_next_hops]; }
  const NextHopGroup& group(ipc::NextHopId id) const { return groups[id.value() - ipc::max_next_hops]; }
};

}  // namespace sekisho::dataplane
