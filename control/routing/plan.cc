#include "control/routing/plan.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <limits>

#include "control/routing/zserv/resolve.h"

namespace sekisho::routing {
namespace {

using ipc::NextHopKind;

// Those of links, and what others than routing protocols have made, the kernel knows best.
bool is_learnt(zserv::RouteType type) {
  switch (type) {
    case zserv::RouteType::system:
    case zserv::RouteType::kernel:
    case zserv::RouteType::connect:
    case zserv::RouteType::local:
      return false;
    default:
      return true;
  }
}

class Planner {
 public:
  Planner(const kernel::State& kernel, const Attachments& attachments, const zserv::Table* learnt,
          const std::set<Prefix>& left_out)
      : kernel_(kernel), learnt_(learnt), left_out_(left_out) {
    for (const auto& [index, link] : kernel.links)
      if (const auto found = attachments.find(link.name); found != attachments.end())
        attached_.emplace(index, found->second);
  }

  Plan run() {
    add_fixed();
    // Of equal prefixes the better route comes first.
    const std::vector<const kernel::Route*> routes = order();
    const auto others = std::ranges::find_if_not(routes, is_local);
    std::for_each(routes.begin(), others, [this](const kernel::Route* route) { add(*route); });
    if (learnt_) {
      for (const kernel::Route* route : routes)
        if (is_preferred(*route)) add(*route);
      add_learnt();
    }
    std::for_each(others, routes.end(), [this](const kernel::Route* route) { add(*route); });
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

  // Our own with distance 0 in zebra's eyes, better than a protocol's: what zebra had before may not know of it yet.
  static bool is_preferred(const kernel::Route& route) {
    return route.protocol == kernel::own_protocol && route.key.metric >> 24 == 0;
  }

  // While zebra's word is known its routes in the kernel are the same a moment later. They count where we found no way
  // for what it says: it knows more of its gateways than it tells.
  bool counts(const kernel::Route& route) const {
    if (!kernel::made_by_frr(route.protocol)) return true;
    if (left_out_.contains(route.key.prefix)) return false;
    if (!learnt_) return true;
    const auto said = learnt_->routes().find(route.key.prefix);
    return said != learnt_->routes().end() && is_learnt(said->second.route.type);
  }

  static bool is_local(const kernel::Route* route) { return route->key.table == RT_TABLE_LOCAL; }

  std::vector<const kernel::Route*> order() const {
    std::vector<const kernel::Route*> routes;
    for (const auto& [key, same_key] : kernel_.routes)
      for (const kernel::Route& route : same_key)
        if (counts(route)) routes.push_back(&route);
    std::ranges::stable_sort(routes, [](const kernel::Route* a, const kernel::Route* b) {
      return std::tuple(!is_local(a), a->key.metric) < std::tuple(!is_local(b), b->key.metric);
    });
    return routes;
  }

  void add_learnt() {
    zserv::Resolver resolver(*learnt_);
    for (const auto& [prefix, entry] : learnt_->routes()) {
      const zserv::Route& route = entry.route;
      if (!is_learnt(route.type) || taken(prefix) || left_out_.contains(prefix)) continue;
      const PlannedRoute origin{.metric = route.metric, .learnt = PlannedRoute::Learnt{route.type, route.distance}};
      if (!route.next_hops.empty() && route.next_hops.front().blackhole)
        put(prefix, {.kind = NextHopKind::drop}, origin);
      else
        add_by_hop(prefix, to_hops(resolver.ways(route)), origin);
    }
  }

  static std::vector<kernel::Hop> to_hops(const std::vector<zserv::Way>& ways) {
    std::vector<kernel::Hop> hops;
    for (const zserv::Way& way : ways)
      if (way.link <= std::numeric_limits<int>::max())
        hops.push_back({.link = static_cast<int>(way.link), .via = way.via});
    return hops;
  }

  const Attachment* attachment(int link) const {
    const auto found = attached_.find(link);
    return found == attached_.end() ? nullptr : &found->second;
  }

  const kernel::Hop* usable_hop(const std::vector<kernel::Hop>& hops) const {
    for (const kernel::Hop& hop : hops) {
      const auto link = kernel_.links.find(hop.link);
      if (!hop.dead && link != kernel_.links.end() && link->second.up) return &hop;
    }
    return nullptr;
  }

  bool taken(const Prefix& prefix) const {
    return plan_.routes.contains(prefix) ||
           std::ranges::any_of(fixed_, [&](const Prefix& fixed) { return fixed.contains(prefix); });
  }

  void add_by_hop(const Prefix& prefix, const std::vector<kernel::Hop>& hops, const PlannedRoute& origin) {
    if (const kernel::Hop* hop = usable_hop(hops)) put(prefix, next_hop(*hop), with_hop(origin, *hop));
  }

  void add(const kernel::Route& route) {
    // Routes by type of service are the kernel's business alone; the dataplane looks at destinations.
    if (route.key.tos != 0 || taken(route.key.prefix)) return;
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
        return add_by_hop(route.key.prefix, route.hops, origin);
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
  const zserv::Table* learnt_;
  const std::set<Prefix>& left_out_;
  std::map<int, Attachment> attached_;
  std::vector<Prefix> fixed_;
  Plan plan_;
};

}  // namespace

Plan plan_routes(const kernel::State& kernel, const Attachments& attachments, const zserv::Table* learnt,
                 const std::set<Prefix>& left_out) {
  return Planner(kernel, attachments, learnt, left_out).run();
}

const std::pair<const Prefix, PlannedRoute>* find_route(const Plan& plan, const IpAddress& address) {
  for (int length = static_cast<int>(address.bits()); length >= 0; --length) {
    const auto found = plan.routes.find(Prefix(address, static_cast<unsigned>(length)));
    if (found != plan.routes.end()) return &*found;
  }
  return nullptr;
}

}  // namespace sekisho::routing
