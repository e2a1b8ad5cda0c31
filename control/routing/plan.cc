#include "control/routing/plan.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>
#include <utility>

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
    if (learnt) resolver_.emplace(*learnt);
    // Multicast and link-local destinations mean different things on each link, which one table cannot tell apart.
    // IPv4 link-local addresses are not among them: tunnels carry them as ordinary ones (169.254.1.1/30).
    for (const char* prefix : {"224.0.0.0/4", "255.255.255.255/32", "fe80::/10", "ff00::/8"})
      fixed_.push_back(*Prefix::parse(prefix));
    for (const auto& [index, link] : kernel.links)
      if (const auto found = attachments.find(link.name); found != attachments.end())
        attached_.emplace(index, found->second);
  }

  Plan run() {
    plan_by_prefix();
    for (const Prefix& prefix : fixed_) put(prefix, {.kind = NextHopKind::punt}, {});
    add_neighbours();
    return std::move(plan_);
  }

 private:
  using Iterator = std::map<kernel::RouteKey, std::vector<kernel::Route>>::const_iterator;
  using Routes = std::ranges::subrange<Iterator>;  // of one table, in order of prefix and then metric

  // What there is to say of each prefix stands in three places in the same order: in the kernel's two tables and in
  // zebra's. They are gone through side by side, which takes a large table a fraction of what looking each one up
  // would.
  void plan_by_prefix() {
    const zserv::Table none;
    const auto& said = (learnt_ ? *learnt_ : none).routes();
    auto learnt = said.begin();
    Routes main = table(kernel::main_table), local = table(kernel::local_table);
    for (;;) {
      const Prefix* next = nullptr;
      const auto consider = [&](const Prefix& prefix) { next = next && *next < prefix ? next : &prefix; };
      if (!main.empty()) consider(main.front().first.prefix);
      if (!local.empty()) consider(local.front().first.prefix);
      if (learnt != said.end()) consider(learnt->first);
      if (!next) return;
      const Prefix prefix = *next;
      const zserv::Route* zebras = nullptr;
      if (learnt != said.end() && learnt->first == prefix) zebras = &learnt++->second.route;
      const Routes locals = split_off(local, prefix), mains = split_off(main, prefix);
      plan(prefix, locals, zebras, mains);
    }
  }

  Routes table(uint32_t number) const {
    return {kernel_.routes.lower_bound({.table = number}), kernel_.routes.lower_bound({.table = number + 1})};
  }

  static Routes split_off(Routes& rest, const Prefix& prefix) {
    const Iterator begin = rest.begin();
    while (!rest.empty() && rest.front().first.prefix == prefix) rest.advance(1);
    return {begin, rest.begin()};
  }

  // The first that is usable.
  void plan(const Prefix& prefix, const Routes& local, const zserv::Route* learnt, const Routes& main) {
    if (std::ranges::any_of(fixed_, [&](const Prefix& fixed) { return fixed.contains(prefix); })) return;
    const auto any = [](const kernel::Route&) { return true; };
    const bool says_how = learnt && is_learnt(learnt->type);
    const bool left_out = left_out_.contains(prefix);
    // While zebra's word is known its routes in the kernel are the same a moment later. They count where we found no
    // way for what it says: it knows more of its gateways than it tells.
    const auto counts = [&](const kernel::Route& route) {
      return !kernel::made_by_frr(route.protocol) || (!left_out && (!learnt_ || says_how));
    };
    (void)(add_first(local, any) || (learnt_ && add_first(main, is_preferred)) ||
           (says_how && !left_out && add(*learnt)) || add_first(main, counts));
  }

  bool add_first(const Routes& routes, const auto& counts) {
    for (const auto& [key, same_key] : routes)
      for (const kernel::Route& route : same_key)
        if (counts(route) && add(route)) return true;
    return false;
  }

  // Our own with distance 0 in zebra's eyes, better than a protocol's: what zebra had before may not know of it yet.
  static bool is_preferred(const kernel::Route& route) {
    return route.protocol == kernel::own_protocol && route.key.metric >> 24 == 0;
  }

  bool add(const zserv::Route& route) {
    const PlannedRoute origin{.metric = route.metric, .learnt = PlannedRoute::Learnt{route.type, route.distance}};
    if (!route.next_hops.empty() && route.next_hops.front().blackhole)
      return put(route.prefix, {.kind = NextHopKind::drop}, origin);
    return add_by_hops(route.prefix, to_hops(resolver_->ways(route)), origin);
  }

  // Only their ratio counts. Ways over several gateways have products of weights, which are made to fit.
  static std::vector<kernel::Hop> to_hops(const std::vector<zserv::Way>& ways) {
    constexpr int weight_bits = 16;
    uint64_t all = 0;
    for (const zserv::Way& way : ways) all |= way.weight;
    const int excess = std::max(0, static_cast<int>(std::bit_width(all)) - weight_bits);
    std::vector<kernel::Hop> hops;
    for (const zserv::Way& way : ways)
      if (way.link <= std::numeric_limits<int>::max())
        hops.push_back({.link = static_cast<int>(way.link),
                        .via = way.via,
                        .weight = static_cast<uint32_t>(std::max<uint64_t>(1, way.weight >> excess))});
    return hops;
  }

  const Attachment* attachment(int link) const {
    const auto found = attached_.find(link);
    return found == attached_.end() ? nullptr : &found->second;
  }

  bool usable(const kernel::Hop& hop) const {
    const auto link = kernel_.links.find(hop.link);
    return link != kernel_.links.end() && link->second.up;
  }

  // False where none of the hops is usable.
  bool add_by_hops(const Prefix& prefix, const std::vector<kernel::Hop>& hops, PlannedRoute planned) {
    const auto first = std::ranges::find_if(hops, [this](const kernel::Hop& hop) { return usable(hop); });
    if (first == hops.end()) return false;
    PlannedHop hop = to_planned(*first);
    if (hops.size() > 1) {
      planned.group = intern(hops);
      hop = planned.group->front();
    }
    planned.link = hop.link;
    planned.via = hop.via;
    return put(prefix, hop.next_hop, std::move(planned));
  }

  PlannedHop to_planned(const kernel::Hop& hop) const { return {next_hop(hop), hop.link, hop.via, hop.weight}; }

  // The plan's one group of these hops, of which one at least is usable. Its next hops are the plan's too.
  GroupPtr intern(const std::vector<kernel::Hop>& all) {
    Group hops;
    for (const kernel::Hop& hop : all)
      if (usable(hop)) hops.push_back(to_planned(hop));
    std::ranges::sort(hops);
    size_t kept = 0;
    for (size_t i = 1; i < hops.size(); ++i) {
      PlannedHop& last = hops[kept];
      if (std::tie(hops[i].next_hop, hops[i].link, hops[i].via) == std::tie(last.next_hop, last.link, last.via))
        last.weight += hops[i].weight;
      else
        hops[++kept] = hops[i];
    }
    hops.resize(kept + 1);
    const auto [known, added] = groups_.try_emplace(std::move(hops));
    if (!added) return known->second;
    known->second = std::make_shared<const Group>(known->first);
    plan_.groups.push_back(known->second);
    for (const PlannedHop& hop : known->first) need(hop.next_hop, hop.link);
    return known->second;
  }

  bool add(const kernel::Route& route) {
    // Routes by type of service are the kernel's business alone; the dataplane looks at destinations.
    if (route.key.tos != 0) return false;
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
        // By a next hop object that the kernel does not spell out (net.ipv4.nexthop_compat_mode is off), or with an
        // encapsulation: it knows the way.
        if (route.hops.empty()) return put(route.key.prefix, {.kind = NextHopKind::punt}, origin);
        return add_by_hops(route.key.prefix, route.hops, origin);
      case kernel::RouteType::other:
        break;
    }
    return false;
  }

  NextHopKey next_hop(const kernel::Hop& hop) const {
    const Attachment* twin = attachment(hop.link);
    if (!twin) return {.kind = NextHopKind::punt};
    if (const auto* tunnel = std::get_if<ipc::TunnelId>(twin)) return {.kind = NextHopKind::tunnel, .tunnel = *tunnel};
    if (!hop.via) return {.kind = NextHopKind::punt};
    return {.kind = NextHopKind::adjacency, .port = std::get<ipc::PortId>(*twin), .address = *hop.via};
  }

  // Mostly at the end, where it costs little. True, for a caller that tries one after the other.
  bool put(const Prefix& prefix, const NextHopKey& key, PlannedRoute route) {
    need(key, route.link);
    route.next_hop = key;
    plan_.routes.emplace_hint(plan_.routes.end(), prefix, std::move(route));
    return true;
  }

  void need(const NextHopKey& key, int link) {
    if (!plan_.next_hops.contains(key)) plan_.next_hops.emplace(key, content(key, link));
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
      if (!covering || covering->second.link != key.link || covering->second.via || covering->second.neighbour ||
          covering->second.group)
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
  std::optional<zserv::Resolver> resolver_;
  std::vector<Prefix> fixed_;
  std::map<Group, GroupPtr> groups_;
  Plan plan_;
};

bool leaves_in_clear(const NextHopKey& key) { return key.kind != NextHopKind::tunnel && key.kind != NextHopKind::drop; }

}  // namespace

bool in_clear(const Group& group) {
  return std::ranges::any_of(group, [](const PlannedHop& hop) { return leaves_in_clear(hop.next_hop); });
}

bool PlannedRoute::in_clear() const { return group ? routing::in_clear(*group) : leaves_in_clear(next_hop); }

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
