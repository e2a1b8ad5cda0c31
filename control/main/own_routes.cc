// What zebra is told in the daemon: the routes of tunnels and groups, and how the kernel's stand to them.
#include "control/main/daemon.h"

namespace sekisho::control {
namespace {

zserv::RouteType to_route_type(config::Frr::RoutesAs name) {
  switch (name) {
    case config::Frr::RoutesAs::babel:
      return zserv::RouteType::babel;
    case config::Frr::RoutesAs::openfabric:
      return zserv::RouteType::openfabric;
    case config::Frr::RoutesAs::nhrp:
      return zserv::RouteType::nhrp;
  }
  return {};
}

// As the kernel's routes bear it.
std::string_view protocol_name(config::Frr::RoutesAs name) {
  switch (name) {
    case config::Frr::RoutesAs::babel:
      return "babel";
    case config::Frr::RoutesAs::openfabric:
      return "openfabric";
    case config::Frr::RoutesAs::nhrp:
      return "nhrp";
  }
  return {};
}

}  // namespace

void Daemon::open_zebra() {
  const auto own_type = config_.frr ? std::optional(to_route_type(config_.frr->routes_as)) : std::nullopt;
  if (zebra_ && own_type == zebra_->own_type()) return zebra_->set_hold(config_.frr->hold_time);
  if (zebra_) zebra_->farewell();
  zebra_.reset();
  if (!own_type) return;
  const auto connect = [this](zserv::Door door) {
    return frr_.connect(door == zserv::Door::zserv ? FrrDoor::zserv : FrrDoor::zebra_vty);
  };
  ZebraHost& host = *this;
  zebra_ = std::make_unique<Zebra>(loop_, connect, host,
                                   Zebra::Settings{.own_type = *own_type, .hold = config_.frr->hold_time});
}

// Where zebra judges a tunnel's routes, the kernel's are spare ones. Where it does not, a protocol's route to the same
// prefix must not lead past a tunnel that is meant to be better; where it is not meant to be, zebra's last word stands.
void Daemon::stand_behind_zebra(auto& routes, const config::Propagation& propagation, bool leads) const {
  if (!propagation.wanted || !zebra_) return;
  const bool told = leads && zebra_->state() == Zebra::State::synchronized;
  routes.behind_zebra = told || propagation.distance > 1;
  routes.behind_protocol = protocol_name(config_.frr->routes_as);
}

template void Daemon::stand_behind_zebra(TwinSpec&, const config::Propagation&, bool) const;
template void Daemon::stand_behind_zebra(GroupRoutes&, const config::Propagation&, bool) const;

// Of the front door, through the interfaces of tunnels that are up: zebra refuses a route by any other.
Zebra::OwnRoutes Daemon::routes_for_zebra() const {
  Zebra::OwnRoutes routes;
  std::map<std::string_view, int> up;
  for (const auto& [index, link] : network_->state().links)
    if (link.up) up.emplace(link.name, index);
  const auto add = [&](const std::vector<Carrier>& carriers, const std::vector<Prefix>& prefixes,
                       const config::Propagation& propagation) {
    std::vector<zserv::NextHop> hops;
    for (const auto& [tunnel, weight] : carriers)
      if (const auto link = up.find(tunnel->interface.name); tunnel->interface.vrf.empty() && link != up.end())
        hops.push_back({.link = static_cast<uint32_t>(link->second), .blackhole = {}, .weight = weight});
    if (!propagation.wanted || hops.empty()) return;
    // A weight is a share beside others.
    if (hops.size() == 1) hops.front().weight = 1;
    std::vector<zserv::NextHop> hops6 = hops;
    if (hops6.size() > 1)
      for (zserv::NextHop& hop : hops6) hop.gateway = any_gateway;
    for (const Prefix& prefix : prefixes)
      routes[prefix] = {.prefix = prefix,
                        .next_hops = prefix.family() == Family::ipv6 ? hops6 : hops,
                        .distance = propagation.distance,
                        .metric = propagation.metric,
                        .tag = propagation.tag};
  };
  for (const auto& [name, tunnel] : config_.tunnels)
    if (usable(name)) add({{&tunnel, 1}}, tunnel.routes, tunnel.propagation);
  for (const auto& [name, group] : config_.groups) add(carriers(name), group.routes, group.propagation);
  return routes;
}

// zebra's word on ways that are others by now is void before the plan is made. While a dataplane's tunnels are taken
// over one by one after a start, what is known of ours is not all: zebra would drop the rest.
void Daemon::network_settles() {
  if (zebra_ && ready() && zebra_->own_known()) zebra_->want(routes_for_zebra());
}

}  // namespace sekisho::control
