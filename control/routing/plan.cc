#include "control/routing/plan.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <set>

namespace sekisho::routing {
namespace {

using ipc::NextHopKind;

class Planner {
 public:
  Planner(const kernel::State& kernel, const Attachments& attachments) : kernel_(kernel) {
    for (const auto& [index, link] : kernel.links)
      if (const auto found = attachments.find(link.name); found != attachments.end())
        attached_.emplace(index, found->second);
  }

  Plan run() {
    add_fixed();
    // Of equal prefixes the better route comes first: see order().
    for (const kernel::Route* route : order()) add(*route);
    add_neighbours();
    return std::move(plan_);
  }

 private:
  // Multicast and link-local destinations mean different things on each link, which one table cannot tell apart.
  void add_fixed() {
    // IPv4 link-local addresses are not among them: tunnels carry them as ordinary ones (169.254.1.1/30).
    for (const char* prefix : {"224.0.0.0/4", "255.255.255.255/32", "fe80::/10", "ff00::/8"})
      fixed_.push_back(*Prefix::parse(prefix));
    for (const Prefix& prefix : fixed_) put(prefix, {.kind = NextHopKind::punt}, {});
  }

  std::vector<const kernel::Route*> order() const {
    std::vector<const kernel::Route*> routes;
    for (const auto& [key, same_key] : kernel_.routes)
      for (const kernel::Route& route : same_key) routes.push_back(&route);
    std::ranges::stable_sort(routes, [](const kernel::Route* a, const kernel::Route* b) {
      const bool a_local = a->key.table == RT_TABLE_LOCAL;
      const bool b_local = b->key.table == RT_TABLE_LOCAL;
      return std::tuple(!a_local, a->key.metric) < std::tuple(!b_local, b->key.metric);
    });
    return routes;
  }

  const Attachment* attachment(int link) const {
    const auto found = attached_.find(link);
    return found == attached_.end() ? nullptr : &found->second;
  }

  const kernel::Hop* usable_hop(const kernel::Route& route) const {
    for (const kernel::Hop& hop : route.hops) {
      const auto link = kernel_.links.find(hop.link);
      if (!hop.dead && link != kernel_.links.end() && link->second.up) return &hop;
    }
    return nullptr;
  }

  void add(const kernel::Route& route) {
    // Routes by type of service are the kernel's business alone; the dataplane looks at destinations.
    if (route.key.tos != 0 || plan_.routes.contains(route.key.prefix)) return;
    if (std::ranges::any_of(fixed_, [&](const Prefix& fixed) { return fixed.contains(route.key.prefix); })) return;
    const PlannedRoute origin{.metric = route.key.metric, .protocol = route.protocol};
    switch (route.type) {
      case kernel::RouteType::local:
        return put(route.key.prefix, {.kind = NextHopKind::local}, origin);
      case kernel::RouteType::blackhole:
      case kernel::RouteType::unreachable:
        return put(route.key.prefix, {.kind = NextHopKind::drop}, origin);
      case kernel::RouteType::broadcast:
      case kernel::RouteType::multicast:
        return put(route.key.prefix, {.kind = NextHopKind::punt}, origin);
      case kernel::RouteType::unicast:
        if (const kernel::Hop* hop = usable_hop(route)) put(route.key.prefix, next_hop(*hop), with_hop(origin, *hop));
        return;
      case kernel::RouteType::other:
        return;
    }
  }

  static PlannedRoute with_hop(PlannedRoute origin, const kernel::Hop& hop) {
    origin.link = hop.link;
    origin.via = hop.via;
    return origin;
  }

  NextHopKey next_hop(const kernel::Hop& hop) const {
    const Attachment* twin = attachment(hop.link);
    if (!twin) return {.kind = NextHopKind::punt};
    if (const auto* tunnel = std::get_if<ipc::TunnelId>(twin)) return {.kind = NextHopKind::tunnel, .tunnel = *tunnel};
    if (!hop.via) return {.kind = NextHopKind::punt};
    return {.kind = NextHopKind::adjacency, .port = std::get<ipc::PortId>(*twin), .address = *hop.via};
  }

  void put(const Prefix& prefix, const NextHopKey& key, PlannedRoute route) {
    route.next_hop = key;
    plan_.routes.emplace(prefix, route);
    if (!plan_.next_hops.contains(key)) plan_.next_hops.emplace(key, content(key, route.link));
  }

  NextHop content(const NextHopKey& key, int link) {
    if (key.kind != NextHopKind::adjacency) return {.kind = key.kind, .tunnel = key.tunnel};
    const auto found = kernel_.neighbours.find({link, key.address});
    if (found != kernel_.neighbours.end() && found->second.usable())
      return {.kind = NextHopKind::adjacency, .port = key.port, .mac = *found->second.mac};
    plan_.unresolved.push_back({link, key.address});
    return {.kind = NextHopKind::punt};
  }

  // Only where the kernel itself would send to the neighbour directly.
  void add_neighbours() {
    for (const auto& [key, neighbour] : kernel_.neighbours) {
      const Attachment* twin = attachment(key.link);
      if (!twin || !std::holds_alternative<ipc::PortId>(*twin) || !neighbour.usable()) continue;
      const auto* covering = find_route(plan_, key.address);
      if (!covering || covering->second.link != key.link || covering->second.via || covering->second.neighbour)
        continue;
      PlannedRoute route = covering->second;
      route.neighbour = true;
      const Prefix host(key.address, key.address.bits());
      plan_.routes.erase(host);  // an on-link host route, which the adjacency stands for
      put(host, {.kind = NextHopKind::adjacency, .port = std::get<ipc::PortId>(*twin), .address = key.address}, route);
    }
  }

  const kernel::State& kernel_;
  std::map<int, Attachment> attached_;
  std::vector<Prefix> fixed_;
  Plan plan_;
};

}  // namespace

Plan plan_routes(const kernel::State& kernel, const Attachments& attachments) {
  return Planner(kernel, attachments).run();
}

const std::pair<const Prefix, PlannedRoute>* find_route(const Plan& plan, const IpAddress& address) {
  for (int length = static_cast<int>(address.bits()); length >= 0; --length) {
    const auto found = plan.routes.find(Prefix(address, static_cast<unsigned>(length)));
    if (found != plan.routes.end()) return &*found;
  }
  return nullptr;
}

}  // namespace sekisho::routing
