#include "control/main/route_views.h"

#include "control/twin/reconcile.h"

namespace sekisho::control {
namespace {

// `own` is the type of the routes that zebra is told.
std::string origin(const routing::PlannedRoute& route, zserv::RouteType own) {
  if (route.neighbour) return "neighbour";
  if (route.learnt) return route.learnt->type == own ? "tunnel" : std::string(zserv::name(route.learnt->type));
  if (route.next_hop.kind == ipc::NextHopKind::local) return "local";
  if (route.protocol == kernel::own_protocol) {
    if (route.metric == guard_metric) return "guard";
    return route.next_hop.kind == ipc::NextHopKind::tunnel ? "tunnel" : "static";
  }
  const std::string_view maker = kernel::protocol_name(route.protocol);
  return std::string(maker == "kernel" ? "connected" : maker);
}

}  // namespace

rpc::RouteView RouteViews::view(const VrfRoutes& vrf, const Prefix& prefix, const routing::PlannedRoute& route) const {
  const auto link_name = [&](int index) {
    const auto link = vrf.kernel.links.find(index);
    return link == vrf.kernel.links.end() ? std::string() : link->second.name;
  };
  const auto kind = [&](const routing::NextHopKey& key) { return vrf.plan.next_hops.at(key).kind; };
  rpc::RouteView view{.vrf = vrf.name, .prefix = prefix};
  if (route.group && route.group->size() > 1 && !lacks_room_(*route.group)) {
    view.kind = ipc::NextHopKind::group;
    for (const routing::PlannedHop& hop : *route.group)
      view.hops.push_back({kind(hop.next_hop), link_name(hop.link), hop.via, hop.weight});
  } else {
    view.kind = kind(route.next_hop);
    view.interface = link_name(route.link);
    view.via = route.via;
  }
  if (route.protocol != 0 || route.learnt) view.metric = route.metric;
  if (route.learnt) view.distance = route.learnt->distance;
  view.origin = origin(route, own_);
  return view;
}

rpc::RoutePart RouteViews::part(const std::optional<rpc::RoutePlace>& after, size_t most) const {
  rpc::RoutePart part;
  size_t taken = 0;
  for (const VrfRoutes& vrf : vrfs_) {
    if (after && vrf.name < after->vrf) continue;
    const auto& routes = vrf.plan.routes;
    auto route = after && vrf.name == after->vrf ? routes.upper_bound(after->prefix) : routes.begin();
    for (; route != routes.end(); ++route) {
      if (taken >= most) {
        part.last = false;
        return part;
      }
      part.routes.push_back(view(vrf, route->first, route->second));
      taken += 1 + part.routes.back().hops.size();
    }
  }
  return part;
}

std::vector<rpc::RouteView> RouteViews::to(const Prefix& prefix) const {
  std::vector<rpc::RouteView> views;
  for (const VrfRoutes& vrf : vrfs_)
    if (const auto found = vrf.plan.routes.find(prefix); found != vrf.plan.routes.end())
      views.push_back(view(vrf, found->first, found->second));
  return views;
}

std::vector<rpc::RouteView> RouteViews::taken_by(const IpAddress& address) const {
  std::vector<rpc::RouteView> views;
  for (const VrfRoutes& vrf : vrfs_)
    if (const auto* found = routing::find_route(vrf.plan, address))
      views.push_back(view(vrf, found->first, found->second));
  return views;
}

}  // namespace sekisho::control
