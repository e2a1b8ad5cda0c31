// The forwarding tables. The Fib keeps the routes as they are desired (an ordered map, for comparison and replacement)
// and two Replicas made from them, of which the workers read one.
//
// rte_fib of DPDK 22.11 zeroes a recycled second-level table at once and knows no RCU, so an active replica is never
// written: a commit changes the idle one, makes it active, waits a grace period (polled), and repeats the changes on
// the other. Until that is done idle() is false, and the next commit has to wait.
//
// All of this belongs to the manager thread; workers call active() alone.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/address.h"
#include "base/message.h"
#include "dataplane/fib/replica.h"
#include "dataplane/rcu/qsbr.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

// Memory: each replica takes 64 MB for the two first-level tables of each VRF and 512 bytes for each second-level
// table (second_level.h), one of which is kept free. These are the front door's limits; another VRF has an eighth of
// each.
struct FibLimits {
  uint32_t ipv4_routes = 1 << 20;
  uint32_t ipv4_tables = 8192;
  uint32_t ipv6_routes = 1 << 16;
  uint32_t ipv6_tables = 16384;
};

class Fib {
 public:
  // `flow_seed`: a random number, by which flows choose their way where there are several.
  static Result<std::unique_ptr<Fib>> create(const FibLimits& limits, Qsbr& qsbr, uint64_t flow_seed);

  // Makes the tables of a VRF, which take some tens of milliseconds and stay as long as the Fib; before the VRF's first
  // route, port and tunnel. Requires idle() and vrf < max_vrfs. An Error (packet_memory_exhausted) leaves nothing.
  Result<void> add_vrf(ipc::VrfId vrf);
  // Takes back what add_vrf() made, as long as no route, port or tunnel is in it.
  void drop_vrf(ipc::VrfId vrf);
  bool has_vrf(ipc::VrfId vrf) const { return replicas_[0]->vrfs[vrf.value()].fib4 != nullptr; }

  // One transaction at a time: begin, stage, then commit or discard. Staging checks and remembers, nothing else.
  // With `replace`, next hops and routes (of all VRFs) that are not staged go.
  void begin(bool replace);
  Result<void> set_next_hop(ipc::NextHopId id, const NextHop& next_hop);
  // Whose next hops exist already, or are staged. They stay until a replacement takes them away, and then the group
  // has to be named anew or goes too.
  Result<void> set_group(ipc::NextHopId id, const NextHopGroup& group);
  Result<void> set_route(const Prefix& prefix, ipc::NextHopId next_hop, ipc::VrfId vrf = ipc::front_door);
  Result<void> remove_route(const Prefix& prefix, ipc::VrfId vrf = ipc::front_door);
  // All or nothing; the workers see it when this returns. Requires idle(). An Error (forwarding_table_full) names the
  // first route that found no room.
  Result<void> commit();
  void discard();

  // The second replica has caught up.
  bool idle() const { return !grace_; }
  // Goes on with what a grace period held up; to be called from the manager's loop while !idle().
  // An error, said once, leaves the complete replica in use for good: every later commit is refused, and the process is
  // to be restarted.
  Result<void> poll();

  // The outer destination of an outbound SA, kept resolved by the front door's routes from now on. Before the SA is
  // published.
  void set_outer(ipc::SaId sa, const IpAddress& destination);
  // After the SA's grace period.
  void clear_outer(ipc::SaId sa);

  // Longest match, as the workers see it; may be a group.
  ipc::NextHopId lookup(const IpAddress& address, ipc::VrfId vrf = ipc::front_door) const;
  const NextHop& next_hop(ipc::NextHopId id) const;
  struct RouteKey {
    ipc::VrfId vrf;
    Prefix prefix;
    friend auto operator<=>(const RouteKey&, const RouteKey&) = default;
  };
  const std::map<RouteKey, ipc::NextHopId>& routes() const { return routes_; }

  // For workers: valid until their next quiescent report.
  const Replica* active() const { return active_.load(std::memory_order_acquire); }

 private:
  struct RouteChange {
    RouteKey key;
    std::optional<ipc::NextHopId> before, after;
  };
  struct Changes {
    std::vector<RouteChange> routes;
    std::vector<std::pair<ipc::NextHopId, NextHop>> next_hops;
    std::vector<std::pair<ipc::NextHopId, NextHopGroup>> groups;
  };

  Fib(const FibLimits& limits, Qsbr& qsbr) : limits_(limits), qsbr_(qsbr) {}
  bool known(ipc::NextHopId id) const;
  Changes staged_changes() const;
  void note(const RouteKey& key, std::optional<ipc::NextHopId> next_hop);
  uint32_t own_tables(std::map<RouteKey, ipc::NextHopId>::const_iterator route) const;
  bool fits(const RouteKey& key) const;
  Result<void> apply(Replica& replica, const Changes& changes);
  static Result<void> set(Replica& replica, const RouteKey& key, std::optional<ipc::NextHopId> next_hop);
  static ipc::NextHopId lookup(const VrfTables& tables, const IpAddress& address);
  static void resolve_outer(Replica& replica, ipc::SaId sa, const IpAddress& destination);
  void resolve_outer(Replica& replica) const;
  Replica& standby() { return *replicas_[active_.load(std::memory_order_relaxed) == replicas_[0].get() ? 1 : 0]; }

  const FibLimits limits_;
  Qsbr& qsbr_;
  std::array<std::unique_ptr<Replica>, 2> replicas_;
  std::atomic<const Replica*> active_{nullptr};

  std::map<RouteKey, ipc::NextHopId> routes_;
  // What the routes of a family need of a VRF's tables.
  struct Load {
    uint32_t routes = 0;
    uint32_t tables = 0;  // second-level
  };
  struct VrfLoad {
    Load ipv4, ipv6;
  };
  std::array<VrfLoad, ipc::max_vrfs> loads_;
  std::unordered_map<ipc::NextHopId, NextHop> next_hops_;
  std::unordered_set<ipc::NextHopId> groups_;
  std::unordered_map<ipc::SaId, IpAddress> outer_;

  bool replace_ = false;
  std::map<RouteKey, std::optional<ipc::NextHopId>> staged_routes_;
  std::unordered_map<ipc::NextHopId, NextHop> staged_next_hops_;
  std::unordered_map<ipc::NextHopId, NextHopGroup> staged_groups_;

  std::optional<Qsbr::Token> grace_;
  Changes pending_;     // applied to the active replica, not yet to the other
  bool stuck_ = false;  // the other could not follow
};

}  // namespace sekisho::dataplane
