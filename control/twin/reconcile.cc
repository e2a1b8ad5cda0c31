#include "control/twin/reconcile.h"

#include <algorithm>

namespace sekisho::control {
namespace {

// By an interface that is up, else the kernel would refuse a route.
bool reachable(const kernel::State& kernel, const IpAddress& gateway) {
  return std::ranges::any_of(kernel.addresses, [&](const kernel::LinkAddress& each) {
    const auto link = kernel.links.find(each.link);
    const InterfaceAddress& address = each.address;
    return link != kernel.links.end() && link->second.up && address.address.family() == gateway.family() &&
           Prefix(address.address, address.length).contains(gateway);
  });
}

class Reconciler {
 public:
  Reconciler(const KernelSpec& wanted, const OwnAddresses& own, const kernel::State& kernel)
      : wanted_(wanted), own_(own), kernel_(kernel) {}

  std::vector<KernelChange> run() {
    for (const auto& [name, vrf] : wanted_.elsewhere)
      if (const kernel::Link* link = kernel_.find_link(name)) changes_.emplace_back(MoveLink{link->index, name, vrf});
    for (const Prefix& prefix : wanted_.guards)
      want_route({.prefix = prefix, .metric = guard_metric, .blackhole = true});
    for (const auto& [name, twin] : wanted_.twins)
      if (const kernel::Link* link = kernel_.find_link(name)) configure(*link, name, twin);
    for (const GroupRoutes& group : wanted_.groups) add_group(group);
    for (const StaticRoute& route : wanted_.routes)
      if (reachable(kernel_, route.via))
        want_route({.prefix = route.prefix, .metric = static_route_metric, .via = route.via});
    remove_routes();
    changes_.insert(changes_.end(), links_down_.begin(), links_down_.end());
    return std::move(changes_);
  }

 private:
  void configure(const kernel::Link& link, const std::string& name, const TwinSpec& twin) {
    if (twin.mtu && link.mtu != *twin.mtu) changes_.emplace_back(SetMtu{link.index, *twin.mtu});
    for (const InterfaceAddress& address : twin.addresses)
      if (!kernel_.addresses.contains({link.index, address})) changes_.emplace_back(AddAddress{link.index, address});
    if (const auto own = own_.find(name); own != own_.end())
      for (const InterfaceAddress& address : own->second)
        if (std::ranges::find(twin.addresses, address) == twin.addresses.end() &&
            kernel_.addresses.contains({link.index, address}))
          changes_.emplace_back(RemoveAddress{link.index, address});
    if (link.up != twin.up) (twin.up ? changes_ : links_down_).emplace_back(SetLink{link.index, twin.up});
    // The kernel refuses routes by a link that is down; this one goes up before they are set.
    if (twin.up) want_routes({{.link = link.index}}, twin.routes, twin.behind_zebra, twin.behind_protocol);
  }

  void add_group(const GroupRoutes& group) {
    std::vector<kernel::Hop> ways;
    for (const GroupRoutes::Way& way : group.ways) {
      const auto twin = wanted_.twins.find(way.twin);
      const kernel::Link* link = kernel_.find_link(way.twin);
      if (link && twin != wanted_.twins.end() && twin->second.up) ways.push_back({link->index, {}, way.weight});
    }
    if (!ways.empty()) want_routes(ways, group.routes, group.behind_zebra, group.behind_protocol);
  }

  void want_routes(const std::vector<kernel::Hop>& ways, const std::vector<Prefix>& routes, bool behind_zebra,
                   std::string_view protocol) {
    for (const Prefix& prefix : routes) {
      kernel::RouteSpec route{.prefix = prefix, .metric = tunnel_metric(prefix, ways, behind_zebra, protocol)};
      if (ways.size() == 1) {
        route.link = ways.front().link;
      } else {
        route.ways = ways;
        if (prefix.family() == Family::ipv6)
          for (kernel::Hop& way : route.ways) way.via = any_gateway;
      }
      want_route(route);
    }
  }

  // Where zebra has put the same route there it need not be taken for the kernel's, which zebra would prefer: after
  // another control's start it has our predecessor's, before we have told it ours.
  uint32_t tunnel_metric(const Prefix& prefix, const std::vector<kernel::Hop>& ways, bool behind_zebra,
                         std::string_view protocol) const {
    const auto by_zebra = [&](const kernel::Route& route) {
      return !protocol.empty() && kernel::protocol_name(route.protocol) == protocol &&
             std::ranges::is_permutation(route.hops, ways, {}, &kernel::Hop::link, &kernel::Hop::link);
    };
    auto known = kernel_.routes.lower_bound({.table = kernel::main_table, .prefix = prefix});
    for (; known != kernel_.routes.end(); ++known) {
      const kernel::RouteKey& key = known->first;
      if (key.table != kernel::main_table || key.prefix != prefix) break;
      if (std::ranges::any_of(known->second, rivals)) return tunnel_route_metric;
      behind_zebra |= std::ranges::any_of(known->second, by_zebra);
    }
    return behind_zebra ? spare_route_metric : tunnel_route_metric;
  }

  static bool rivals(const kernel::Route& route) {
    return route.protocol != kernel::own_protocol && !kernel::made_by_frr(route.protocol);
  }

  void want_route(const kernel::RouteSpec& route) {
    const kernel::RouteKey key{kernel::main_table, route.prefix, 0, route.metric};
    kept_.insert(key);
    const auto known = kernel_.routes.find(key);
    if (known == kernel_.routes.end() ||
        !std::ranges::any_of(known->second, [&](const kernel::Route& each) { return matches(each, route); }))
      changes_.emplace_back(SetRoute{route});
  }

  static bool matches(const kernel::Route& present, const kernel::RouteSpec& wanted) {
    if (wanted.blackhole) return present.type == kernel::RouteType::blackhole;
    if (present.type != kernel::RouteType::unicast) return false;
    if (!wanted.ways.empty()) return std::ranges::is_permutation(present.hops, wanted.ways);
    if (present.hops.size() != 1) return false;
    const kernel::Hop& hop = present.hops.front();
    return hop.via == wanted.via && (wanted.link == 0 || hop.link == wanted.link);
  }

  void remove_routes() {
    for (const auto& [key, routes] : kernel_.routes)
      for (const kernel::Route& route : routes)
        if (route.protocol == kernel::own_protocol && key.table == kernel::main_table && !kept_.contains(key))
          changes_.emplace_back(RemoveRoute{to_spec(route)});
  }

  static kernel::RouteSpec to_spec(const kernel::Route& route) {
    kernel::RouteSpec spec{.prefix = route.key.prefix, .metric = route.key.metric};
    spec.blackhole = route.type == kernel::RouteType::blackhole;
    // Of several ways none is named: of IPv6 the kernel would remove that one alone.
    if (route.hops.size() == 1 && !spec.blackhole) {
      spec.link = route.hops.front().link;
      spec.via = route.hops.front().via;
    }
    return spec;
  }

  const KernelSpec& wanted_;
  const OwnAddresses& own_;
  const kernel::State& kernel_;
  std::set<kernel::RouteKey> kept_;
  std::vector<KernelChange> changes_;
  std::vector<KernelChange> links_down_;
};

}  // namespace

std::vector<KernelChange> reconcile(const KernelSpec& wanted, const OwnAddresses& own, const kernel::State& kernel) {
  return Reconciler(wanted, own, kernel).run();
}

std::vector<StaticRoute> unreachable_routes(const KernelSpec& wanted, const kernel::State& kernel) {
  const auto behind_tunnel_down = [&](const IpAddress& gateway) {
    return std::ranges::any_of(wanted.twins, [&](const auto& twin) {
      return !twin.second.up && std::ranges::any_of(twin.second.addresses, [&](const InterfaceAddress& each) {
        return Prefix(each.address, each.length).contains(gateway);
      });
    });
  };
  std::vector<StaticRoute> left_out;
  for (const StaticRoute& route : wanted.routes)
    if (!reachable(kernel, route.via) && !behind_tunnel_down(route.via)) left_out.push_back(route);
  return left_out;
}

Result<void> carry_out(kernel::Configurator& configurator, const KernelChange& change,
                       const std::function<int(const std::string& vrf)>& space_of) {
  struct Visitor {
    kernel::Configurator& configurator;
    const std::function<int(const std::string& vrf)>& space_of;
    Result<void> operator()(const MoveLink& c) {
      return configurator.move(c.link, space_of(c.vrf), c.name + " to VRF " + c.vrf);
    }
    Result<void> operator()(const SetMtu& c) { return configurator.set_mtu(c.link, c.mtu); }
    Result<void> operator()(const AddAddress& c) { return configurator.add_address(c.link, c.address); }
    Result<void> operator()(const RemoveAddress& c) { return configurator.remove_address(c.link, c.address); }
    Result<void> operator()(const SetLink& c) { return configurator.set_up(c.link, c.up); }
    Result<void> operator()(const SetRoute& c) { return configurator.set_route(c.route); }
    Result<void> operator()(const RemoveRoute& c) { return configurator.remove_route(c.route); }
  };
  return std::visit(Visitor{configurator, space_of}, change);
}

}  // namespace sekisho::control
