#include "dataplane/fib/fib.h"

#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_memory.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

#include "base/messages/dataplane.h"
#include "dataplane/fib/second_level.h"
#include "dataplane/fib/table.h"

namespace sekisho::dataplane {
namespace {

// Tables live in a process-wide list of DPDK's and need names of their own.
std::string next_table_name() {
  static std::atomic<unsigned> count{0};
  return "fib" + std::to_string(count++);
}

constexpr FibLimits limits_of(ipc::VrfId vrf, const FibLimits& limits) {
  if (vrf == ipc::front_door) return limits;
  return {limits.ipv4_routes / 8, limits.ipv4_tables / 8, limits.ipv6_routes / 8, limits.ipv6_tables / 8};
}

std::string name(ipc::VrfId vrf) { return "VRF " + std::to_string(vrf.value()); }

Result<VrfTables> make_tables(const FibLimits& limits, ipc::VrfId vrf) {
  VrfTables tables;
  rte_fib_conf conf4{};
  conf4.type = RTE_FIB_DIR24_8;
  conf4.max_routes = static_cast<int>(limits.ipv4_routes + 1);
  conf4.dir24_8 = {RTE_FIB_DIR24_8_2B, limits.ipv4_tables};
  tables.fib4.reset(rte_fib_create(next_table_name().c_str(), SOCKET_ID_ANY, &conf4));
  rte_fib6_conf conf6{};
  conf6.type = RTE_FIB6_TRIE;
  conf6.max_routes = static_cast<int>(limits.ipv6_routes + 1);
  conf6.trie = {RTE_FIB6_TRIE_2B, limits.ipv6_tables};
  tables.fib6.reset(rte_fib6_create(next_table_name().c_str(), SOCKET_ID_ANY, &conf6));
  if (!tables.fib4 || !tables.fib6)
    return fail(messages::packet_memory_exhausted, "the forwarding tables of " + name(vrf));
  return tables;
}

std::unexpected<Error> no_room(const Fib::RouteKey& key) {
  const std::string prefix = key.prefix.text();
  return fail(messages::forwarding_table_full, key.vrf == ipc::front_door ? prefix : prefix + " in " + name(key.vrf));
}

// The member for that hash or, where nothing sealed leaves that way, the next one with which it does.
ipc::NextHopId outer_member(const Replica& replica, const NextHopGroup& group, uint64_t hash) {
  const auto carries = [&replica](ipc::NextHopId member) {
    const ipc::NextHopKind kind = replica.next_hops[member.value()].kind;
    return kind == ipc::NextHopKind::adjacency || kind == ipc::NextHopKind::punt;
  };
  constexpr uint64_t bucket = uint64_t{1} << (64 - std::countr_zero(ipc::group_buckets));
  for (unsigned i = 0; i < ipc::group_buckets; ++i, hash += bucket)
    if (const ipc::NextHopId member = group.member(hash); carries(member)) return member;
  return group.member(hash);  // come round
}

}  // namespace

void VrfTables::Free::operator()(rte_fib* fib) const { rte_fib_free(fib); }
void VrfTables::Free::operator()(rte_fib6* fib) const { rte_fib6_free(fib); }

Result<std::unique_ptr<Fib>> Fib::create(const FibLimits& limits, Qsbr& qsbr, uint64_t flow_seed) {
  std::unique_ptr<Fib> fib(new Fib(limits, qsbr));
  for (auto& replica : fib->replicas_) {
    replica = std::make_unique<Replica>();
    replica->flow_seed = flow_seed;
    for (uint16_t i = 0; i < ipc::max_next_hop_groups; ++i)
      replica->next_hops[ipc::group_id(i).value()].kind = ipc::NextHopKind::group;
  }
  if (auto added = fib->add_vrf(ipc::front_door); !added) return std::unexpected(std::move(added.error()));
  fib->active_.store(fib->replicas_[0].get(), std::memory_order_release);
  return fib;
}

// Both replicas get their tables, the active one too: no worker looks for them before something is in the VRF.
Result<void> Fib::add_vrf(ipc::VrfId vrf) {
  const FibLimits limits = limits_of(vrf, limits_);
  for (auto& replica : replicas_) {
    auto made = make_tables(limits, vrf);
    if (!made) {
      drop_vrf(vrf);
      return std::unexpected(std::move(made.error()));
    }
    replica->vrfs[vrf.value()] = std::move(*made);
  }
  if (vrf != ipc::front_door)
    for (auto& replica : replicas_) replica->several_vrfs.store(true, std::memory_order_release);
  return {};
}

void Fib::drop_vrf(ipc::VrfId vrf) {
  for (auto& replica : replicas_) replica->vrfs[vrf.value()] = {};
}

// ------------------------------------------------------------------------------------------------------------ staging

void Fib::begin(bool replace) {
  discard();
  replace_ = replace;
}

void Fib::discard() {
  staged_routes_.clear();
  staged_next_hops_.clear();
  staged_groups_.clear();
}

Result<void> Fib::set_next_hop(ipc::NextHopId id, const NextHop& next_hop) {
  if (id.value() == 0 || id.value() >= ipc::max_next_hops) return fail(messages::route_refused, "next hop id");
  if (next_hop.kind > ipc::NextHopKind::tunnel) return fail(messages::route_refused, "next hop kind");
  if (next_hop.kind == ipc::NextHopKind::adjacency && next_hop.port.value() >= ipc::max_ports)
    return fail(messages::route_refused, "port id of a next hop");
  if (next_hop.kind == ipc::NextHopKind::tunnel && next_hop.tunnel.value() >= ipc::max_tunnels)
    return fail(messages::route_refused, "tunnel id of a next hop");
  staged_next_hops_[id] = next_hop;
  return {};
}

// What is named, or was there before and stays.
bool Fib::known(ipc::NextHopId id) const {
  if (id.value() == 0) return true;
  if (ipc::is_group(id)) return staged_groups_.contains(id) || (!replace_ && groups_.contains(id));
  return staged_next_hops_.contains(id) || (!replace_ && next_hops_.contains(id));
}

Result<void> Fib::set_group(ipc::NextHopId id, const NextHopGroup& group) {
  if (!ipc::is_group(id)) return fail(messages::route_refused, "id of a group of next hops");
  for (const ipc::NextHopId member : group.buckets)
    if (ipc::is_group(member) || !known(member))
      return fail(messages::route_refused,
                  "group " + std::to_string(id.value()) + ": there is no next hop " + std::to_string(member.value()));
  staged_groups_[id] = group;
  return {};
}

Result<void> Fib::set_route(const Prefix& prefix, ipc::NextHopId next_hop, ipc::VrfId vrf) {
  if (vrf.value() >= ipc::max_vrfs || !has_vrf(vrf))
    return fail(messages::route_refused, prefix.text() + ": there is no " + name(vrf));
  if (!known(next_hop)) return fail(messages::route_refused, prefix.text() + ": no such next hop");
  staged_routes_[{vrf, prefix}] = next_hop;
  return {};
}

Result<void> Fib::remove_route(const Prefix& prefix, ipc::VrfId vrf) {
  staged_routes_[{vrf, prefix}] = std::nullopt;
  return {};
}

Fib::Changes Fib::staged_changes() const {
  Changes changes;
  const auto current = [this](const RouteKey& key) -> std::optional<ipc::NextHopId> {
    const auto found = routes_.find(key);
    return found == routes_.end() ? std::nullopt : std::optional(found->second);
  };
  // What goes, goes first: it may free the room that the rest needs.
  if (replace_)
    for (const auto& [key, next_hop] : routes_)
      if (!staged_routes_.contains(key)) changes.routes.push_back({key, next_hop, std::nullopt});
  for (const bool removals : {true, false})
    for (const auto& [key, after] : staged_routes_)
      if (const auto before = current(key); before != after && removals == !after)
        changes.routes.push_back({key, before, after});
  if (replace_)
    for (const auto& [id, next_hop] : next_hops_)
      if (!staged_next_hops_.contains(id)) changes.next_hops.emplace_back(id, NextHop{});
  changes.next_hops.insert(changes.next_hops.end(), staged_next_hops_.begin(), staged_next_hops_.end());
  if (replace_)
    for (const ipc::NextHopId id : groups_)
      if (!staged_groups_.contains(id)) changes.groups.emplace_back(id, NextHopGroup{});
  changes.groups.insert(changes.groups.end(), staged_groups_.begin(), staged_groups_.end());
  return changes;
}

// --------------------------------------------------------------------------------------------------------------- room
//
// Whether routes fit is decided by counting, before a replica is touched. What DPDK has in use is never more than that,
// in either replica and at any moment of a change:
//
// - A tree of n routes has up to 2n - 1 nodes, DPDK makes room for twice the routes, and one more than there may be are
//   asked for: table.h puts a piece of a route beside it for a moment.
// - A second-level table whose entries are all the same is given back at once, and they are the same unless a prefix
//   lies in what the table stands for and is longer. So no table is kept that is not counted.
// - While a range is written, one table more may be in use (rte_fib6), or has to be free (rte_fib).
// - What goes is removed before anything is added, so all that is in a replica meanwhile is in what was before or in
//   what comes.

// The second-level tables that no other route needs. In the order of the map, what a prefix shares with any other it
// shares with a neighbour.
uint32_t Fib::own_tables(std::map<RouteKey, ipc::NextHopId>::const_iterator route) const {
  const auto& [vrf, prefix] = route->first;
  unsigned shared = 0;
  const auto share_with = [&](const RouteKey& other) {
    if (other.vrf == vrf) shared = std::max(shared, shared_tables(prefix, other.prefix));
  };
  if (route != routes_.begin()) share_with(std::prev(route)->first);
  if (const auto next = std::next(route); next != routes_.end()) share_with(next->first);
  return second_level_tables(prefix) - shared;
}

void Fib::note(const RouteKey& key, std::optional<ipc::NextHopId> next_hop) {
  VrfLoad& loads = loads_[key.vrf.value()];
  Load& load = key.prefix.family() == Family::ipv4 ? loads.ipv4 : loads.ipv6;
  if (next_hop) {
    const auto [route, added] = routes_.insert_or_assign(key, *next_hop);
    if (!added) return;
    ++load.routes;
    load.tables += own_tables(route);
  } else if (const auto route = routes_.find(key); route != routes_.end()) {
    --load.routes;
    load.tables -= own_tables(route);
    routes_.erase(route);
  }
}

// All that the route's VRF has of its family.
bool Fib::fits(const RouteKey& key) const {
  const FibLimits limits = limits_of(key.vrf, limits_);
  const VrfLoad& loads = loads_[key.vrf.value()];
  if (key.prefix.family() == Family::ipv4)
    return loads.ipv4.routes <= limits.ipv4_routes && loads.ipv4.tables < limits.ipv4_tables;
  return loads.ipv6.routes <= limits.ipv6_routes && loads.ipv6.tables < limits.ipv6_tables;
}

// ----------------------------------------------------------------------------------------------------------- applying

Result<void> Fib::set(Replica& replica, const RouteKey& key, std::optional<ipc::NextHopId> next_hop) {
  const auto& [vrf, prefix] = key;
  const VrfTables& tables = replica.vrfs[vrf.value()];
  const auto change = [&](auto* fib) {
    return next_hop ? dataplane::set_route(fib, prefix, *next_hop) : dataplane::remove_route(fib, prefix);
  };
  if (!(prefix.family() == Family::ipv4 ? change(tables.fib4.get()) : change(tables.fib6.get()))) return no_room(key);
  return {};
}

// All or nothing: what was done before a failure is undone, which needs no more room than there was.
Result<void> Fib::apply(Replica& replica, const Changes& changes) {
  for (size_t done = 0; done < changes.routes.size(); ++done) {
    const RouteChange& change = changes.routes[done];
    auto result = set(replica, change.key, change.after);
    if (result) continue;
    while (done-- > 0) (void)set(replica, changes.routes[done].key, changes.routes[done].before);
    return result;
  }
  for (const auto& [id, next_hop] : changes.next_hops) replica.next_hops[id.value()] = next_hop;
  for (const auto& [id, group] : changes.groups) replica.group(id) = group;
  return {};
}

Result<void> Fib::commit() {
  if (stuck_) return fail(messages::forwarding_table_full, "an earlier change is in one copy only");
  Changes changes = staged_changes();
  Result<void> done;
  for (const RouteChange& change : changes.routes) {
    note(change.key, change.after);
    if (done && !fits(change.key)) done = no_room(change.key);
  }
  if (done) done = apply(standby(), changes);
  if (!done) {
    for (const RouteChange& change : changes.routes) note(change.key, change.before);
    return done;
  }
  if (replace_) next_hops_.clear();
  for (const auto& [id, next_hop] : staged_next_hops_) next_hops_[id] = next_hop;
  if (replace_) groups_.clear();
  for (const auto& [id, group] : staged_groups_) groups_.insert(id);
  discard();
  resolve_outer(standby());
  active_.store(&standby(), std::memory_order_release);
  pending_ = std::move(changes);
  grace_ = qsbr_.start();
  return {};
}

Result<void> Fib::poll() {
  if (!grace_ || !qsbr_.passed(*grace_)) return {};
  grace_.reset();
  auto applied = apply(standby(), std::exchange(pending_, {}));
  if (applied)
    resolve_outer(standby());
  else
    stuck_ = true;
  return applied;
}

// ------------------------------------------------------------------------------------------------------------- lookup

ipc::NextHopId Fib::lookup(const VrfTables& tables, const IpAddress& address) {
  uint64_t next_hop = 0;
  if (address.is_v4()) {
    uint32_t ip = address.as_v4().host();
    rte_fib_lookup_bulk(tables.fib4.get(), &ip, &next_hop, 1);
  } else {
    uint8_t ip[1][16];
    std::memcpy(ip[0], address.bytes().data(), sizeof ip[0]);
    rte_fib6_lookup_bulk(tables.fib6.get(), ip, &next_hop, 1);
  }
  return ipc::NextHopId(static_cast<uint16_t>(next_hop));
}

ipc::NextHopId Fib::lookup(const IpAddress& address, ipc::VrfId vrf) const {
  return lookup(active()->vrfs[vrf.value()], address);
}

const NextHop& Fib::next_hop(ipc::NextHopId id) const { return active()->next_hops[id.value()]; }

void Fib::resolve_outer(Replica& replica, ipc::SaId sa, const IpAddress& destination) {
  ipc::NextHopId next_hop = lookup(replica.vrfs[ipc::front_door.value()], destination);
  // Control hands ids out in turn, so they are spread before they choose.
  if (ipc::is_group(next_hop))
    next_hop = outer_member(replica, replica.group(next_hop), mix(replica.flow_seed ^ sa.value(), mix_constant));
  replica.outer[sa.value()].store(next_hop.value(), std::memory_order_relaxed);
}

void Fib::resolve_outer(Replica& replica) const {
  for (const auto& [sa, destination] : outer_) resolve_outer(replica, sa, destination);
}

void Fib::set_outer(ipc::SaId sa, const IpAddress& destination) {
  outer_[sa] = destination;
  for (auto& replica : replicas_) resolve_outer(*replica, sa, destination);
}

void Fib::clear_outer(ipc::SaId sa) {
  outer_.erase(sa);
  for (auto& replica : replicas_) replica->outer[sa.value()].store(0, std::memory_order_relaxed);
}

}  // namespace sekisho::dataplane
