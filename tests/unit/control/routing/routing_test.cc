#include <set>

#include "control/routing/left_out.h"
#include "tests/unit/control/routing/lab.h"

using namespace sekisho;
using namespace sekisho::routing_lab;

TEST_CASE("a gateway's route is punted until the gateway has a MAC") {
  Kernel kernel;
  CHECK(hop_to(kernel.plan(), "8.8.8.8").kind == NextHopKind::punt);
  CHECK(kernel.plan().unresolved == std::vector{kernel::NeighbourKey{wan, address("10.9.1.254")}});
  for (const auto state : {NeighbourState::incomplete, NeighbourState::failed, NeighbourState::none}) {
    kernel.neighbour(wan, "10.9.1.254", state);
    CHECK(hop_to(kernel.plan(), "8.8.8.8").kind == NextHopKind::punt);
  }
  for (const auto state : {NeighbourState::reachable, NeighbourState::stale, NeighbourState::delay,
                           NeighbourState::probe, NeighbourState::permanent}) {
    kernel.neighbour(wan, "10.9.1.254", state);
    const NextHop hop = hop_to(kernel.plan(), "8.8.8.8");
    CHECK(hop == NextHop{.kind = NextHopKind::adjacency, .port = ipc::PortId(0), .mac = gateway_mac});
    CHECK(kernel.plan().unresolved.empty());
  }
}

TEST_CASE("a connected network is gleaned, its neighbours are reached directly") {
  Kernel kernel;
  kernel.neighbour(lan, "10.1.0.9", NeighbourState::reachable);
  kernel.neighbour(lan, "10.7.0.9", NeighbourState::reachable);         // on no network of that link
  kernel.neighbour(management, "10.1.0.8", NeighbourState::reachable);  // of a link that is no port
  const Plan plan = kernel.plan();
  CHECK(hop_to(plan, "10.1.0.9").kind == NextHopKind::adjacency);
  CHECK(hop_to(plan, "10.1.0.9").port == ipc::PortId(1));
  CHECK(hop_to(plan, "10.1.0.10").kind == NextHopKind::punt);
  CHECK_FALSE(plan.routes.contains(prefix("10.7.0.9/32")));
  CHECK_FALSE(plan.routes.contains(prefix("10.1.0.8/32")));
}

TEST_CASE("a neighbour does not override a more specific route") {
  Kernel kernel;
  kernel.route("10.1.0.9/32", {vti, {}});
  kernel.route("10.1.0.8/32", {wan, address("10.9.1.254")});
  kernel.neighbour(lan, "10.1.0.9", NeighbourState::reachable);
  kernel.neighbour(lan, "10.1.0.8", NeighbourState::reachable);
  CHECK(hop_to(kernel.plan(), "10.1.0.9").kind == NextHopKind::tunnel);
  CHECK(kernel.plan().routes.at(prefix("10.1.0.8/32")).via == address("10.9.1.254"));
}

TEST_CASE("tunnels, own addresses, blackholes and foreign interfaces") {
  Kernel kernel;
  kernel.route("10.2.0.0/24", {vti, {}}, 20);
  kernel.route("10.3.0.0/24", {0, {}}, 0, RouteType::blackhole);
  kernel.route("10.4.0.0/24", {0, {}}, 0, RouteType::unreachable);
  kernel.route("10.5.0.0/24", {management, {}});
  kernel.route("10.9.1.255/32", {wan, {}}, 0, RouteType::broadcast, RT_TABLE_LOCAL);
  const Plan plan = kernel.plan();
  CHECK(hop_to(plan, "10.2.0.1") == NextHop{.kind = NextHopKind::tunnel, .tunnel = ipc::TunnelId(7)});
  CHECK(hop_to(plan, "10.3.0.1").kind == NextHopKind::drop);
  CHECK(hop_to(plan, "10.4.0.1").kind == NextHopKind::drop);
  CHECK(hop_to(plan, "10.5.0.1").kind == NextHopKind::punt);
  CHECK(hop_to(plan, "10.9.1.1").kind == NextHopKind::local);
  CHECK(hop_to(plan, "10.9.1.255").kind == NextHopKind::punt);
  CHECK(hop_to(plan, "224.0.0.5").kind == NextHopKind::punt);
  CHECK(hop_to(plan, "ff02::1").kind == NextHopKind::punt);
  CHECK(hop_to(plan, "fe80::1").kind == NextHopKind::punt);
}

TEST_CASE("the guard holds where the tunnel's route is gone, and fails closed") {
  Kernel kernel;
  kernel.route("10.2.0.0/24", {0, {}}, 4294967294, RouteType::blackhole);
  kernel.route("10.2.0.0/24", {vti, {}}, 20);
  CHECK(hop_to(kernel.plan(), "10.2.0.1").kind == NextHopKind::tunnel);
  kernel.state.links[vti].up = false;
  CHECK(hop_to(kernel.plan(), "10.2.0.1").kind == NextHopKind::drop);
}

TEST_CASE("the lowest usable metric wins, and the local table before all") {
  Kernel kernel;
  kernel.route("10.6.0.0/16", {lan, address("10.1.0.2")}, 200);
  kernel.route("10.6.0.0/16", {wan, address("10.9.1.2")}, 100);
  CHECK(kernel.plan().routes.at(prefix("10.6.0.0/16")).via == address("10.9.1.2"));
  kernel.state.links[wan].up = false;
  CHECK(kernel.plan().routes.at(prefix("10.6.0.0/16")).via == address("10.1.0.2"));
  kernel.route("10.6.0.0/16", {lo, {}}, 300, RouteType::local, RT_TABLE_LOCAL);
  CHECK(hop_to(kernel.plan(), "10.6.0.1").kind == NextHopKind::local);
}

TEST_CASE("a plan is pushed once, and then only its changes") {
  Kernel kernel;
  Pushed pushed;
  Dataplane dataplane;
  dataplane.take(pushed.advance(of_front_door(kernel.plan())));
  CHECK(dataplane.at("0.0.0.0/0").kind == NextHopKind::punt);
  CHECK(pushed.advance(of_front_door(kernel.plan())).empty());

  // A gateway that is resolved changes one next hop and adds its own host route; no other route is touched.
  kernel.neighbour(wan, "10.9.1.254", NeighbourState::reachable);
  auto commands = pushed.advance(of_front_door(kernel.plan()));
  CHECK(commands.size() == 2);
  dataplane.take(commands);
  CHECK(dataplane.at("0.0.0.0/0").kind == NextHopKind::adjacency);
  CHECK(dataplane.at("10.9.1.254/32").mac == gateway_mac.bytes);

  kernel.neighbour(wan, "10.9.1.254", NeighbourState::reachable, MacAddress{{2, 9, 9, 9, 9, 9}});
  commands = pushed.advance(of_front_door(kernel.plan()));
  CHECK(commands.size() == 1);
  dataplane.take(commands);
  CHECK(dataplane.at("0.0.0.0/0").mac[1] == 9);

  kernel.state.routes.erase({RT_TABLE_MAIN, prefix("0.0.0.0/0"), 0, 0});
  commands = pushed.advance(of_front_door(kernel.plan()));
  CHECK(commands.size() == 1);
  dataplane.take(commands);

  pushed.forget();
  Dataplane restarted;
  restarted.take(pushed.advance(of_front_door(kernel.plan())));
  CHECK(restarted.routes == dataplane.routes);
}

TEST_CASE("next hops are reused, though never within the round that freed them") {
  Kernel kernel;
  Pushed pushed(8);
  Dataplane dataplane;
  for (int round = 0; round < 50; ++round) {
    const std::string gateway = "10.9.1." + std::to_string(round + 2);
    const kernel::RouteKey key{RT_TABLE_MAIN, prefix("10.6.0.0/16"), 0, 0};
    kernel.state.routes[key] = {{.key = key, .hops = {{wan, address(gateway.c_str())}}}};
    std::set<uint16_t> in_use;
    for (const auto& [to, id] : dataplane.routes) in_use.insert(id);
    const auto commands = pushed.advance(of_front_door(kernel.plan()));
    for (const RouteCommand& command : commands)
      if (const auto* hop = std::get_if<ipc::NextHopSet>(&command)) CHECK_FALSE(in_use.contains(hop->id.value()));
    dataplane.take(commands);
    REQUIRE(pushed.overflow() == 0);
  }
}

TEST_CASE("what was not carried out is said again, and no next hop that may be in use means something else") {
  Kernel kernel;
  kernel.route("10.6.0.0/16", {wan, address("10.9.1.9")});
  kernel.route("10.7.0.0/16", {vti, {}});
  Pushed pushed(12);
  Dataplane dataplane;
  dataplane.take(pushed.advance(of_front_door(kernel.plan())));
  // Routes change, come and go; of that only the first `carried` commands arrive.
  Kernel changed;
  changed.route("10.6.0.0/16", {wan, address("10.9.1.8")});
  changed.route("10.8.0.0/16", {wan, address("10.9.1.7")});
  changed.neighbour(wan, "10.9.1.254", NeighbourState::reachable);
  const auto commands = pushed.advance(of_front_door(changed.plan()));
  const auto carried = static_cast<size_t>(GENERATE(range(0, 7)));
  REQUIRE(commands.size() > carried);
  dataplane.take({commands.begin(), commands.begin() + static_cast<ptrdiff_t>(carried)});
  pushed.undo(commands, carried);

  Kernel last = changed;
  last.route("10.9.9.0/24", {wan, address("10.9.1.6")});
  for (int round = 0; round < 3; ++round) {
    std::set<uint16_t> in_use;
    for (const auto& [to, id] : dataplane.routes) in_use.insert(id);
    for (const RouteCommand& command : pushed.advance(of_front_door(last.plan()))) {
      const auto* hop = std::get_if<ipc::NextHopSet>(&command);
      const bool in_tunnel = hop && hop->kind == NextHopKind::tunnel;
      if (hop && in_use.contains(hop->id.value()))
        CHECK((dataplane.next_hops.at(hop->id.value()).kind == NextHopKind::tunnel) == in_tunnel);
      dataplane.take({command});
    }
    CHECK(pushed.overflow() == 0);
  }
  Pushed fresh;
  Dataplane expected;
  expected.take(fresh.advance(of_front_door(last.plan())));
  REQUIRE(dataplane.routes.size() == expected.routes.size());
  for (const auto& [to, id] : expected.routes) {
    const auto& is = dataplane.next_hops.at(dataplane.routes.at(to));
    const auto& should = expected.next_hops.at(id);
    CHECK(is.kind == should.kind);
    CHECK(is.mac == should.mac);
    CHECK(is.tunnel == should.tunnel);
  }
}

TEST_CASE("routes whose next hop finds no room are punted") {
  Kernel kernel;
  kernel.state.routes.clear();
  Pushed pushed(4);
  Dataplane dataplane;
  for (int i = 1; i <= 9; ++i) {
    const std::string host = "10.9.1." + std::to_string(i);
    kernel.neighbour(wan, host.c_str(), NeighbourState::reachable);
  }
  kernel.route("10.9.1.0/24", {wan, {}});
  dataplane.take(pushed.advance(of_front_door(kernel.plan())));
  CHECK(pushed.overflow() == 7);
  CHECK(pushed.ran_out());
  CHECK(dataplane.at("10.9.1.1/32").kind == NextHopKind::adjacency);
  CHECK(dataplane.at("10.9.1.9/32").kind == NextHopKind::punt);
  dataplane.take(pushed.advance(of_front_door(kernel.plan())));
  CHECK(pushed.overflow() == 7);
  CHECK_FALSE(pushed.ran_out());  // that is no news
  kernel.state.neighbours.clear();
  dataplane.take(pushed.advance(of_front_door(kernel.plan())));
  CHECK(pushed.overflow() == 0);
  CHECK_FALSE(pushed.ran_out());
}

TEST_CASE("a learnt route takes precedence over the kernel's, but for local addresses") {
  Kernel kernel;
  kernel.route("10.2.0.0/24", {wan, address("10.9.1.254")}, 15);
  Zebra zebra;
  zebra.route(zserv::RouteType::bgp, "10.2.0.0/24", {by(vti, "169.254.1.2")});
  zebra.route(zserv::RouteType::ospf, "10.9.1.1/32", {by(vti)});
  CHECK(hop_to(kernel.plan(), "10.2.0.9").kind == NextHopKind::punt);
  const Plan plan = kernel.plan(&zebra.table);
  CHECK(hop_to(plan, "10.2.0.9") == NextHop{.kind = NextHopKind::tunnel, .tunnel = ipc::TunnelId(7)});
  CHECK(hop_to(plan, "10.9.1.1").kind == NextHopKind::local);
  const PlannedRoute& route = plan.routes.at(prefix("10.2.0.0/24"));
  REQUIRE(route.learnt);
  CHECK(route.learnt->type == zserv::RouteType::bgp);
  CHECK(route.learnt->distance == 20);
  CHECK(route.metric == 5);
  CHECK(route.link == vti);
}

TEST_CASE("while zebra's word is known, what FRR has put into the kernel is not looked at") {
  Kernel kernel;
  for (const uint8_t protocol : {RTPROT_BGP, RTPROT_OSPF, RTPROT_ZEBRA, RTPROT_BABEL, 196}) {
    kernel.state.routes.erase({RT_TABLE_MAIN, prefix("10.2.0.0/24"), 0, 20});
    kernel.route("10.2.0.0/24", {vti, {}}, 20);
    kernel.made_by("10.2.0.0/24", 20, protocol);
    Zebra zebra;
    CHECK(kernel.plan().routes.contains(prefix("10.2.0.0/24")));
    CHECK_FALSE(kernel.plan(&zebra.table).routes.contains(prefix("10.2.0.0/24")));
  }
  kernel.made_by("10.2.0.0/24", 20, RTPROT_STATIC);
  const Zebra zebra;
  CHECK(kernel.plan(&zebra.table).routes.contains(prefix("10.2.0.0/24")));
}

TEST_CASE("FRR's route in the kernel counts where no way is found for what zebra says") {
  Kernel kernel;
  kernel.route("10.2.0.0/24", {vti, {}}, 20);
  kernel.made_by("10.2.0.0/24", 20, RTPROT_BGP);
  Zebra zebra;
  zebra.route(zserv::RouteType::bgp, "10.2.0.0/24", {by(0, "198.51.100.1")});
  CHECK(hop_to(kernel.plan(&zebra.table), "10.2.0.1").kind == NextHopKind::tunnel);
}

TEST_CASE(
    "our own route in the kernel that zebra takes for distance 0 stands before a protocol's, a spare one behind") {
  for (const auto& [metric, first] : {std::pair{10u, true}, {4261412864u, false}}) {
    Kernel kernel;
    kernel.route("10.2.0.0/24", {vti, {}}, metric);
    kernel.made_by("10.2.0.0/24", metric, kernel::own_protocol);
    Zebra zebra;
    zebra.route(zserv::RouteType::bgp, "10.2.0.0/24", {by(wan, "10.9.1.254")});
    CHECK((hop_to(kernel.plan(&zebra.table), "10.2.0.1").kind == NextHopKind::tunnel) == first);
  }
}

TEST_CASE("connected networks and others' routes are the kernel's, whatever zebra says of them") {
  Kernel kernel;
  Zebra zebra;
  for (const auto type : {zserv::RouteType::connect, zserv::RouteType::kernel, zserv::RouteType::local})
    zebra.route(type, "10.5.0.0/16", {by(vti)});
  zebra.route(zserv::RouteType::connect, "10.1.0.0/24", {by(vti)});
  CHECK_FALSE(kernel.plan(&zebra.table).routes.contains(prefix("10.5.0.0/16")));
  CHECK(kernel.plan(&zebra.table).routes.at(prefix("10.1.0.0/24")).link == lan);
}

TEST_CASE("a learnt route leads over gateways to a link that is up") {
  Kernel kernel;
  kernel.neighbour(wan, "10.9.1.254", NeighbourState::reachable);
  Zebra zebra;
  zebra.route(zserv::RouteType::static_route, "192.0.2.0/24", {by(wan, "10.9.1.254")});
  zebra.route(zserv::RouteType::bgp, "203.0.113.0/24", {by(0, "192.0.2.1")});
  zebra.route(zserv::RouteType::bgp, "2001:db8::/32", {by(vti)});
  zebra.route(zserv::RouteType::bgp, "10.3.0.0/24", {by(99), by(vti), by(wan, "10.9.1.254")});
  zebra.route(zserv::RouteType::bgp, "10.4.0.0/24", {by(0, "198.51.100.1")});
  zebra.route(zserv::RouteType::bgp, "10.6.0.0/24", {by(99)});
  Plan plan = kernel.plan(&zebra.table);
  CHECK(hop_to(plan, "203.0.113.9") ==
        NextHop{.kind = NextHopKind::adjacency, .port = ipc::PortId(0), .mac = gateway_mac});
  CHECK(hop_to(plan, "2001:db8::1").kind == NextHopKind::tunnel);
  const auto ways = [&plan] { return plan.routes.at(prefix("10.3.0.0/24")).group->size(); };
  CHECK(ways() == 2);
  CHECK_FALSE(plan.routes.contains(prefix("10.4.0.0/24")));
  CHECK_FALSE(plan.routes.contains(prefix("10.6.0.0/24")));
  kernel.state.links[vti].up = false;
  plan = kernel.plan(&zebra.table);
  CHECK(ways() == 1);
  CHECK(hop_to(plan, "10.3.0.1").kind == NextHopKind::adjacency);
  CHECK_FALSE(plan.routes.contains(prefix("2001:db8::/32")));
}

TEST_CASE("a learnt route that leads nowhere leaves its prefix to the kernel's guard") {
  Kernel kernel;
  kernel.route("10.2.0.0/24", {0, {}}, 4294967294, RouteType::blackhole);
  Zebra zebra;
  zebra.route(zserv::RouteType::babel, "10.2.0.0/24", {by(vti)});
  CHECK(hop_to(kernel.plan(&zebra.table), "10.2.0.1").kind == NextHopKind::tunnel);
  kernel.state.links[vti].up = false;
  CHECK(hop_to(kernel.plan(&zebra.table), "10.2.0.1").kind == NextHopKind::drop);
  CHECK(kernel.plan(&zebra.table).routes.at(prefix("10.2.0.0/24")).metric == 4294967294);
}

TEST_CASE("what FRR brings and has no room is left out, and nothing else") {
  Kernel lab;
  lab.route("10.66.0.0/26", {vti, {}});
  lab.route("10.67.0.0/26", {wan, address("10.9.1.254")}, 20);
  lab.made_by("10.67.0.0/26", 20, RTPROT_BGP);
  Zebra zebra;
  zebra.route(zserv::RouteType::bgp, "10.68.0.0/26", {by(wan, "10.9.1.254")});
  zebra.route(zserv::RouteType::bgp, "10.69.0.0/24", {by(wan, "10.9.1.254")});
  zebra.route(zserv::RouteType::bgp, "fd00:69::/64", {by(wan, "10.9.1.254")});
  const bool by_zebra = GENERATE(true, false);
  const zserv::Table* learnt = by_zebra ? &zebra.table : nullptr;
  const std::set<Prefix> expected = {prefix(by_zebra ? "10.68.0.0/26" : "10.67.0.0/26")};

  Pushed pushed;
  const Plan full = lab.plan(learnt);
  const auto commands = pushed.advance(of_front_door(full));
  const auto without = without_room(prefix("10.68.0.0/26"), pushed.added(commands, 0, ipc::front_door), full);
  CHECK(without == expected);
  const Plan plan = plan_routes(lab.state, lab.attachments, learnt, without);
  CHECK(plan.routes.size() == full.routes.size() - 1);
  CHECK_FALSE(plan.routes.contains(*expected.begin()));
  CHECK(plan.routes.contains(prefix("10.66.0.0/26")));
  // What has been there before is none of it.
  CHECK(pushed.advance(of_front_door(plan)).size() == 1);
  const auto again = pushed.advance(of_front_door(full));
  CHECK(pushed.added(again, 0, ipc::front_door) == std::vector(expected.begin(), expected.end()));
  CHECK(pushed.added(again, again.size(), ipc::front_door).empty());
}

TEST_CASE("for what is not FRR's a part of FRR's makes room, and discards last") {
  Kernel lab;
  Zebra zebra;
  for (int i = 0; i < 32; ++i)
    zebra.route(zserv::RouteType::bgp, ("10.64.0." + std::to_string(8 * i) + "/29").c_str(), {by(wan, "10.9.1.254")});
  zebra.route(zserv::RouteType::bgp, "10.68.0.0/26", {by(wan, "10.9.1.254")});
  zebra.route(zserv::RouteType::static_route, "10.69.0.0/30", {{.blackhole = zserv::Blackhole::drop}});
  const auto part = to_make_room(Family::ipv4, lab.plan(&zebra.table));
  CHECK(part == std::set{prefix("10.64.0.240/29"), prefix("10.64.0.248/29"), prefix("10.64.0.232/29")});
  CHECK(to_make_room(Family::ipv6, lab.plan(&zebra.table)).empty());
  CHECK(to_make_room(Family::ipv4, lab.plan(nullptr)).empty());
  Zebra discards;
  discards.route(zserv::RouteType::static_route, "10.69.0.0/30", {{.blackhole = zserv::Blackhole::drop}});
  CHECK(to_make_room(Family::ipv4, lab.plan(&discards.table)).size() == 1);
}

TEST_CASE("on the way to another plan nothing is in clear that neither plan has in clear") {
  Kernel before, after;
  before.route("10.64.0.0/10", {vti, {}});
  before.route("10.80.0.0/16", {vti, {}}, 100);
  before.route("10.81.0.0/16", {wan, address("10.9.1.254")});
  after.route("10.64.0.0/10", {wan, address("10.9.1.254")});
  for (int i = 0; i < 64; ++i) after.route(("10." + std::to_string(64 + i) + ".0.0/16").c_str(), {vti, {}}, 100);
  const bool there = GENERATE(true, false);
  const Plan from = there ? before.plan() : after.plan(), to = there ? after.plan() : before.plan();
  const auto planned_in_clear = [](const Plan& plan, const IpAddress& to_whom) {
    const auto* route = find_route(plan, to_whom);
    return route && route->second.in_clear();
  };
  Pushed pushed;
  Dataplane dataplane;
  dataplane.take(pushed.advance(of_front_door(from)));
  for (const RouteCommand& command : pushed.advance(of_front_door(to))) {
    dataplane.take({command});
    for (int i = 64; i < 128; ++i) {
      const IpAddress whom = address(("10." + std::to_string(i) + ".0.9").c_str());
      if (in_clear(dataplane.all_for(whom))) CHECK((planned_in_clear(from, whom) || planned_in_clear(to, whom)));
    }
  }
}

TEST_CASE("a learnt blackhole drops") {
  Kernel kernel;
  Zebra zebra;
  zebra.route(zserv::RouteType::static_route, "10.3.0.0/24", {{.blackhole = zserv::Blackhole::drop}});
  CHECK(kernel.plan(&zebra.table).routes.at(prefix("10.3.0.0/24")).next_hop.kind == NextHopKind::drop);
}

TEST_CASE("multicast and link-local destinations stay the kernel's in spite of what is learnt") {
  Kernel kernel;
  Zebra zebra;
  zebra.route(zserv::RouteType::bgp, "224.0.0.0/4", {by(vti)});
  zebra.route(zserv::RouteType::bgp, "ff02::/16", {by(vti)});
  const Plan plan = kernel.plan(&zebra.table);
  CHECK(hop_to(plan, "224.0.0.5").kind == NextHopKind::punt);
  CHECK(hop_to(plan, "ff02::1").kind == NextHopKind::punt);
}

TEST_CASE("VRFs with the same prefixes share next hops and nothing else") {
  Kernel front;
  Kernel red;
  red.route("10.2.0.0/24", {vti, {}}, 20);
  red.attachments.at("vti0") = ipc::TunnelId(8);
  front.route("10.2.0.0/24", {vti, {}}, 20);
  const ipc::VrfId vrf(3);
  Pushed pushed;
  const auto routes_of = [](const std::vector<RouteCommand>& commands, ipc::VrfId of) {
    std::map<Prefix, ipc::NextHopId> routes;
    for (const RouteCommand& command : commands)
      if (const auto* set = std::get_if<ipc::RouteSet>(&command); set && set->vrf == of)
        routes[Prefix(*ipc::to_address(set->prefix), set->length)] = set->next_hop;
    return routes;
  };
  const auto commands = pushed.advance({{ipc::front_door, front.plan()}, {vrf, red.plan()}});
  const auto outside = routes_of(commands, ipc::front_door), inside = routes_of(commands, vrf);
  CHECK(outside.size() == front.plan().routes.size());
  CHECK(inside.size() == red.plan().routes.size());
  CHECK(outside.at(prefix("10.2.0.0/24")) != inside.at(prefix("10.2.0.0/24")));
  CHECK(outside.at(prefix("224.0.0.0/4")) == inside.at(prefix("224.0.0.0/4")));
  // What finds no room is looked for among the VRF's own.
  CHECK(pushed.added(commands, 0, ipc::front_door).size() == outside.size());
  CHECK(pushed.added(commands, 0, vrf).size() == inside.size());
  CHECK(pushed.has_routes(vrf));
  CHECK_FALSE(pushed.has_routes(ipc::VrfId(2)));

  pushed.undo(commands, 0);
  CHECK(routes_of(pushed.advance({{ipc::front_door, front.plan()}, {vrf, red.plan()}}), vrf) == inside);
  // A VRF that is gone takes its routes along.
  size_t removed = 0;
  for (const RouteCommand& command : pushed.advance(of_front_door(front.plan()))) {
    const auto* remove = std::get_if<ipc::RouteRemove>(&command);
    REQUIRE(remove);
    CHECK(remove->vrf == vrf);
    ++removed;
  }
  CHECK(removed == inside.size());
}

TEST_CASE("what the dataplane has no room for is found in what it says") {
  CHECK(failing_destination("10.0.0.0/8") == Destination{ipc::front_door, prefix("10.0.0.0/8")});
  CHECK(failing_destination("fd00::/64 in VRF 15") == Destination{ipc::VrfId(15), prefix("fd00::/64")});
  for (const char* other : {"", "an earlier change is in one copy only", "10.0.0.0/8 in VRF 16", "10.0.0.0/8 in VRF ",
                            "10.0.0.0/8 in VRF 1x", "10.0.0.0/33", "10.0.0.0/8 in vrf 1"})
    CHECK_FALSE(failing_destination(other));
}
