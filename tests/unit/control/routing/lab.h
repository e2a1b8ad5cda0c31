// A kernel, a zebra and a dataplane of memory, between which routes are planned and pushed.
#pragma once

#include <linux/rtnetlink.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <tuple>
#include <vector>

#include "control/routing/plan.h"
#include "control/routing/pushed.h"
#include "ipc/convert.h"

namespace sekisho::routing_lab {

using namespace sekisho::routing;
using ipc::NextHopKind;
using kernel::Hop;
using kernel::NeighbourState;
using kernel::RouteType;

inline constexpr int lo = 1, wan = 2, lan = 3, vti = 4, management = 5;
inline const MacAddress gateway_mac{{2, 0, 0, 0, 0, 1}};

inline Plans of_front_door(Plan plan) { return {{ipc::front_door, std::move(plan)}}; }
inline Prefix prefix(const char* text) { return *Prefix::parse(text); }
inline IpAddress address(const char* text) { return *IpAddress::parse(text); }

struct Kernel {
  kernel::State state;
  Attachments attachments = {
      {"wan", ipc::PortId(0)}, {"lan", ipc::PortId(1)}, {"vti0", ipc::TunnelId(7)}, {"absent", ipc::PortId(9)}};

  Kernel() {
    const char* names[] = {"", "lo", "wan", "lan", "vti0", "eth0"};
    for (int i = lo; i <= management; ++i) state.links[i] = {i, names[i], true, 1500, {}};
    route("10.9.1.0/24", {wan, {}});
    route("10.1.0.0/24", {lan, {}});
    route("10.9.1.1/32", {lo, {}}, 0, RouteType::local, RT_TABLE_LOCAL);
    route("0.0.0.0/0", {wan, address("10.9.1.254")});
  }
  void route(const char* to, Hop hop, uint32_t metric = 0, RouteType type = RouteType::unicast,
             uint32_t table = RT_TABLE_MAIN) {
    kernel::Route route{.key = {table, prefix(to), 0, metric}, .type = type, .hops = {hop}};
    state.routes[route.key].push_back(route);
  }
  // In place of what was there.
  void route_by(const char* to, std::vector<Hop> hops) {
    const kernel::RouteKey key{RT_TABLE_MAIN, prefix(to), 0, 0};
    state.routes[key] = {{.key = key, .hops = std::move(hops)}};
  }
  void neighbour(int link, const char* at, NeighbourState how, const MacAddress& mac = gateway_mac) {
    state.neighbours[{link, address(at)}] = {{link, address(at)}, how, mac};
  }
  void made_by(const char* to, uint32_t metric, uint8_t protocol) {
    state.routes.at({RT_TABLE_MAIN, prefix(to), 0, metric}).front().protocol = protocol;
  }
  Plan plan(const zserv::Table* learnt = nullptr) const { return plan_routes(state, attachments, learnt); }
};

// zebra's word: a route by a link, by a gateway (which may be several hops away), or by nothing at all.
struct Zebra {
  zserv::Table table;

  void route(zserv::RouteType type, const char* to, std::vector<zserv::NextHop> hops) {
    table.add({.type = type, .prefix = prefix(to), .next_hops = std::move(hops), .distance = 20, .metric = 5});
  }
};
inline zserv::NextHop by(int link, const char* gateway = nullptr) {
  zserv::NextHop hop{.link = static_cast<uint32_t>(link)};
  if (gateway) hop.gateway = address(gateway);
  return hop;
}

inline NextHop hop_to(const Plan& plan, const char* destination) {
  const auto* route = find_route(plan, address(destination));
  return route ? plan.next_hops.at(route->second.next_hop) : NextHop{.kind = NextHopKind::drop};
}

// What a dataplane makes of the commands, with the rules that it enforces.
struct Dataplane {
  std::map<uint16_t, ipc::NextHopSet> next_hops{{0, {}}};
  std::map<uint16_t, Buckets> groups;
  using Destination = std::tuple<uint8_t, std::array<uint8_t, 16>, uint8_t>;  // VRF, prefix
  std::map<Destination, uint16_t> routes;

  void take(const std::vector<RouteCommand>& commands) {
    for (const RouteCommand& command : commands) visit_message(command, [this](const auto& message) { take(message); });
  }
  void take(const ipc::NextHopSet& hop) {
    REQUIRE(hop.id.value() != 0);
    REQUIRE(hop.id.value() < ipc::max_next_hops);
    next_hops[hop.id.value()] = hop;
  }
  void take(const ipc::NextHopGroupSet& group) {
    REQUIRE(ipc::is_group(group.id));
    for (const ipc::NextHopId member : group.buckets) REQUIRE(next_hops.contains(member.value()));
    groups[group.id.value()] = group.buckets;
  }
  void take(const ipc::RouteSet& set) {
    REQUIRE((ipc::is_group(set.next_hop) ? groups.contains(set.next_hop.value())
                                         : next_hops.contains(set.next_hop.value())));
    routes[{set.vrf.value(), set.prefix.bytes, set.length}] = set.next_hop.value();
  }
  void take(const ipc::RouteRemove& remove) {
    REQUIRE(routes.erase({remove.vrf.value(), remove.prefix.bytes, remove.length}) == 1);
  }

  static Destination destination(const Prefix& to, ipc::VrfId vrf = ipc::front_door) {
    return {vrf.value(), ipc::from_address(to.address()).bytes, static_cast<uint8_t>(to.length())};
  }

  uint16_t id_at(const char* to) const { return routes.at(destination(prefix(to))); }
  const ipc::NextHopSet& at(const char* to) const { return next_hops.at(id_at(to)); }
  const Buckets& buckets_at(const char* to) const { return groups.at(id_at(to)); }
  // How many of the route's buckets lead to a neighbour of that MAC.
  size_t share(const char* to, const MacAddress& mac) const {
    return static_cast<size_t>(std::ranges::count_if(
        buckets_at(to), [&](ipc::NextHopId member) { return next_hops.at(member.value()).mac == mac.bytes; }));
  }
  // All that the packets to an address may meet; none where there is no route.
  std::vector<ipc::NextHopSet> all_for(const IpAddress& whom) const {
    for (int length = static_cast<int>(whom.bits()); length >= 0; --length) {
      const auto found = routes.find(destination(Prefix(whom, static_cast<unsigned>(length))));
      if (found != routes.end()) return members(found->second);
    }
    return {};
  }
  std::vector<ipc::NextHopSet> members(uint16_t id) const {
    if (!ipc::is_group(ipc::NextHopId(id))) return {next_hops.at(id)};
    std::vector<ipc::NextHopSet> all;
    for (const ipc::NextHopId member : groups.at(id)) all.push_back(next_hops.at(member.value()));
    return all;
  }
};

inline bool in_clear(const std::vector<ipc::NextHopSet>& ways) {
  return std::ranges::any_of(ways, [](const ipc::NextHopSet& way) {
    return way.kind != NextHopKind::tunnel && way.kind != NextHopKind::drop;
  });
}

}  // namespace sekisho::routing_lab
