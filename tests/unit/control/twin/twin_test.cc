#include <linux/rtnetlink.h>

#include <catch2/catch.hpp>

#include "control/twin/reconcile.h"

using namespace sekisho;
using namespace sekisho::control;
using kernel::RouteType;

namespace {

Prefix prefix(const char* text) { return *Prefix::parse(text); }
InterfaceAddress interface(const char* text) { return *InterfaceAddress::parse(text); }

// A kernel that carries changes out as the real one does, as far as reconcile() depends on it.
struct Kernel {
  kernel::State state;
  std::vector<std::pair<std::string, std::string>> moved;

  explicit Kernel() {
    state.links[2] = {2, "wan", false, 1500, {}};
    state.links[3] = {3, "vti0", false, 1400, {}};
  }
  void take(const MoveLink& change) {
    moved.emplace_back(state.links.at(change.link).name, change.vrf);
    state.links.erase(change.link);
  }
  void take(const SetMtu& change) { state.links.at(change.link).mtu = change.mtu; }
  void take(const AddAddress& change) { REQUIRE(state.addresses.insert({change.link, change.address}).second); }
  void take(const RemoveAddress& change) { REQUIRE(state.addresses.erase({change.link, change.address}) == 1); }
  void take(const SetLink& change) {
    state.links.at(change.link).up = change.up;
    if (change.up) return;
    std::erase_if(state.routes, [&](const auto& each) {
      const auto& hops = each.second.front().hops;
      return !hops.empty() && hops.front().link == change.link;
    });
  }
  void take(const SetRoute& change) {
    const kernel::RouteSpec& spec = change.route;
    if (spec.link) REQUIRE(state.links.at(spec.link).up);
    kernel::Route route{.key = {RT_TABLE_MAIN, spec.prefix, 0, spec.metric}, .protocol = kernel::own_protocol};
    if (spec.blackhole)
      route.type = RouteType::blackhole;
    else if (!spec.ways.empty())
      route.hops = spec.ways;
    else
      route.hops = {{spec.link ? spec.link : 2, spec.via}};
    state.routes[route.key] = {route};
  }
  void take(const RemoveRoute& change) {
    REQUIRE(state.routes.erase({RT_TABLE_MAIN, change.route.prefix, 0, change.route.metric}) == 1);
  }
  bool has_route(const char* to, uint32_t metric) const {
    return state.routes.contains({RT_TABLE_MAIN, prefix(to), 0, metric});
  }
};

KernelSpec wishes(bool tunnel_up) {
  KernelSpec spec;
  spec.twins["wan"] = {.addresses = {interface("10.9.1.1/24")}, .up = true};
  spec.twins["vti0"] = {.addresses = {interface("169.254.1.1/30")}, .up = tunnel_up, .routes = {prefix("10.2.0.0/24")}};
  spec.twins["absent"] = {.addresses = {interface("10.8.1.1/24")}, .up = true, .routes = {prefix("10.3.0.0/24")}};
  spec.routes = {{prefix("0.0.0.0/0"), *IpAddress::parse("10.9.1.254")}};
  spec.guards = {prefix("10.2.0.0/24")};
  return spec;
}

// Rounds until nothing is left to do; each round sees the one before carried out, as the daemon does.
unsigned settle(Kernel& kernel, const KernelSpec& spec, const OwnAddresses& own = {}) {
  for (unsigned round = 0; round < 10; ++round) {
    const auto changes = reconcile(spec, own, kernel.state);
    if (changes.empty()) return round;
    for (const KernelChange& change : changes) std::visit([&](const auto& each) { kernel.take(each); }, change);
  }
  FAIL("never settles");
  return 0;
}

}  // namespace

TEST_CASE("the kernel becomes what is wished for, and then nothing is left to do") {
  Kernel kernel;
  CHECK(settle(kernel, wishes(true)) > 0);
  CHECK(kernel.state.addresses.contains({2, interface("10.9.1.1/24")}));
  CHECK(kernel.state.links[3].up);
  CHECK(kernel.has_route("0.0.0.0/0", static_route_metric));
  CHECK(kernel.has_route("10.2.0.0/24", tunnel_route_metric));
  CHECK(kernel.has_route("10.2.0.0/24", guard_metric));
  CHECK_FALSE(kernel.has_route("10.3.0.0/24", tunnel_route_metric));
}

TEST_CASE("a tunnel that is down has its link down, no route, and its guard") {
  Kernel kernel;
  settle(kernel, wishes(true));
  settle(kernel, wishes(false));
  CHECK_FALSE(kernel.state.links[3].up);
  CHECK_FALSE(kernel.has_route("10.2.0.0/24", tunnel_route_metric));
  CHECK(kernel.has_route("10.2.0.0/24", guard_metric));
  // One turn, so traffic finds its way as soon as the link is up.
  CHECK(settle(kernel, wishes(true)) == 1);
  CHECK(kernel.has_route("10.2.0.0/24", tunnel_route_metric));
}

TEST_CASE("the guard stands before the tunnel's link or route is touched") {
  Kernel kernel;
  const auto first = reconcile(wishes(true), {}, kernel.state);
  REQUIRE_FALSE(first.empty());
  REQUIRE(std::holds_alternative<SetRoute>(first.front()));
  CHECK(std::get<SetRoute>(first.front()).route.blackhole);
}

TEST_CASE("static routes whose gateway is in no network are named") {
  Kernel kernel;
  KernelSpec spec = wishes(true);
  CHECK(unreachable_routes(spec, kernel.state).size() == 1);  // the twins have no addresses yet
  settle(kernel, spec);
  CHECK(unreachable_routes(spec, kernel.state).empty());
  spec.routes.push_back({prefix("192.0.2.0/24"), *IpAddress::parse("10.77.0.1")});
  settle(kernel, spec);
  const auto left_out = unreachable_routes(spec, kernel.state);
  REQUIRE(left_out.size() == 1);
  CHECK(left_out[0].prefix == prefix("192.0.2.0/24"));
  kernel.state.links.at(2).up = false;
  CHECK(unreachable_routes(spec, kernel.state).size() == 2);
  // A gateway behind a tunnel that is down is where it should be.
  KernelSpec down = wishes(false);
  down.routes = {{prefix("192.0.2.0/24"), *IpAddress::parse("169.254.1.2")}};
  CHECK(unreachable_routes(down, kernel.state).empty());
}

TEST_CASE("what somebody else removed comes back") {
  Kernel kernel;
  settle(kernel, wishes(true));
  kernel.state.addresses.clear();
  kernel.state.routes.clear();
  kernel.state.links[2].up = false;
  CHECK(settle(kernel, wishes(true)) > 0);
  CHECK(kernel.has_route("10.2.0.0/24", tunnel_route_metric));
  CHECK(kernel.state.links[2].up);
}

TEST_CASE("own addresses and routes go when they are wished for no more, others stay") {
  Kernel kernel;
  settle(kernel, wishes(true));
  kernel.state.addresses.insert({2, interface("192.0.2.1/32")});
  const kernel::RouteKey others{RT_TABLE_MAIN, prefix("10.7.0.0/16"), 0, 20};
  kernel.state.routes[others] = {{.key = others, .protocol = RTPROT_BGP, .hops = {{2, {}}}}};
  KernelSpec spec = wishes(true);
  spec.twins["wan"].addresses = {interface("10.9.1.2/24")};
  spec.twins["vti0"].routes = {prefix("10.4.0.0/24")};
  spec.guards = {prefix("10.4.0.0/24")};
  settle(kernel, spec, {{"wan", {interface("10.9.1.1/24")}}});
  CHECK_FALSE(kernel.state.addresses.contains({2, interface("10.9.1.1/24")}));
  CHECK(kernel.state.addresses.contains({2, interface("192.0.2.1/32")}));
  CHECK(kernel.state.routes.contains(others));
  CHECK_FALSE(kernel.has_route("10.2.0.0/24", tunnel_route_metric));
  CHECK_FALSE(kernel.has_route("10.2.0.0/24", guard_metric));
  CHECK(kernel.has_route("10.4.0.0/24", guard_metric));
}

TEST_CASE("a route with the right key and the wrong hop is replaced") {
  Kernel kernel;
  settle(kernel, wishes(true));
  const kernel::RouteKey key{RT_TABLE_MAIN, prefix("0.0.0.0/0"), 0, static_route_metric};
  kernel.state.routes.at(key).front().hops.front().via = *IpAddress::parse("10.9.1.253");
  CHECK(settle(kernel, wishes(true)) == 1);
  CHECK(kernel.state.routes.at(key).front().hops.front().via == *IpAddress::parse("10.9.1.254"));
}

TEST_CASE("a tunnel's routes may stand behind a routing daemon's, and still before the guards") {
  KernelSpec spec = wishes(true);
  spec.twins["vti0"].behind_zebra = true;
  Kernel kernel;
  settle(kernel, spec);
  CHECK(kernel.has_route("10.2.0.0/24", spare_route_metric));
  CHECK_FALSE(kernel.has_route("10.2.0.0/24", tunnel_route_metric));
  CHECK(kernel.has_route("10.2.0.0/24", guard_metric));
  CHECK(spare_route_metric < guard_metric);
  // By the distance that zebra sees in it, a protocol's route is better.
  CHECK(spare_route_metric >> 24 == 254);
}

TEST_CASE("before zebra is told, a tunnel's route stands behind the same one of zebra's and before all others") {
  KernelSpec spec = wishes(true);
  spec.twins["vti0"].behind_protocol = "babel";
  Kernel kernel;
  const kernel::RouteKey key{RT_TABLE_MAIN, prefix("10.2.0.0/24"), 0, 20};
  const auto stands_behind = [&](uint8_t protocol, int link) {
    kernel.state.routes[key] = {{.key = key, .protocol = protocol, .hops = {{link, {}}}}};
    settle(kernel, spec);
    CHECK(kernel.has_route("10.2.0.0/24", spare_route_metric) != kernel.has_route("10.2.0.0/24", tunnel_route_metric));
    return kernel.has_route("10.2.0.0/24", spare_route_metric);
  };
  CHECK_FALSE(stands_behind(RTPROT_BABEL, 2));
  CHECK(stands_behind(RTPROT_BABEL, 3));
  CHECK_FALSE(stands_behind(RTPROT_BGP, 3));
  spec.twins["vti0"].behind_protocol = {};  // zebra is not told of it
  CHECK_FALSE(stands_behind(RTPROT_BABEL, 3));
}

TEST_CASE("a tunnel's route stands before another program's, which zebra would prefer") {
  KernelSpec spec = wishes(true);
  spec.twins["vti0"].behind_zebra = true;
  Kernel kernel;
  const kernel::RouteKey key{RT_TABLE_MAIN, prefix("10.2.0.0/24"), 0, 100};
  SECTION("FRR's is none") {
    kernel.state.routes[key] = {{.key = key, .protocol = RTPROT_BGP, .hops = {{2, {}}}}};
    settle(kernel, spec);
    CHECK(kernel.has_route("10.2.0.0/24", spare_route_metric));
  }
  SECTION("a DHCP client's") {
    kernel.state.routes[key] = {{.key = key, .protocol = RTPROT_DHCP, .hops = {{2, {}}}}};
    settle(kernel, spec);
    CHECK(kernel.has_route("10.2.0.0/24", tunnel_route_metric));
    CHECK_FALSE(kernel.has_route("10.2.0.0/24", spare_route_metric));
    kernel.state.routes.erase(key);
    settle(kernel, spec);
    CHECK(kernel.has_route("10.2.0.0/24", spare_route_metric));
    CHECK_FALSE(kernel.has_route("10.2.0.0/24", tunnel_route_metric));
  }
}

TEST_CASE("a group's route is replaced by the one out of another twin, and is never away") {
  Kernel kernel;
  kernel.state.links[4] = {4, "vti1", false, 1400, {}};
  KernelSpec spec = wishes(true);
  spec.twins["vti1"] = {.up = true};
  spec.guards.push_back(prefix("10.64.0.0/10"));
  const auto lead_through = [&](const char* twin) {
    spec.groups = {{.ways = {{twin}}, .routes = {prefix("10.64.0.0/10")}}};
  };
  const kernel::RouteKey key{RT_TABLE_MAIN, prefix("10.64.0.0/10"), 0, tunnel_route_metric};
  lead_through("vti0");
  settle(kernel, spec);
  CHECK(kernel.state.routes.at(key).front().hops.front().link == 3);
  SECTION("both are up: one change") {
    lead_through("vti1");
    const auto changes = reconcile(spec, {}, kernel.state);
    REQUIRE(changes.size() == 1);
    REQUIRE(std::holds_alternative<SetRoute>(changes.front()));
    CHECK(std::get<SetRoute>(changes.front()).route.link == 4);
  }
  SECTION("the former one goes down: after the change") {
    lead_through("vti1");
    spec.twins["vti0"].up = false;
    const auto changes = reconcile(spec, {}, kernel.state);
    REQUIRE(changes.size() >= 2);
    CHECK(std::holds_alternative<SetRoute>(changes.front()));
    CHECK(std::holds_alternative<SetLink>(changes.back()));
    settle(kernel, spec);
    CHECK(kernel.state.routes.at(key).front().hops.front().link == 4);
  }
  SECTION("nothing leads: the guard alone is left") {
    spec.groups.clear();
    settle(kernel, spec);
    CHECK_FALSE(kernel.has_route("10.64.0.0/10", tunnel_route_metric));
    CHECK(kernel.has_route("10.64.0.0/10", guard_metric));
  }
  SECTION("behind zebra it is spare") {
    spec.groups.front().behind_zebra = true;
    settle(kernel, spec);
    CHECK(kernel.has_route("10.64.0.0/10", spare_route_metric));
    CHECK_FALSE(kernel.has_route("10.64.0.0/10", tunnel_route_metric));
  }
  SECTION("a twin that is down or not there has none") {
    for (const char* twin : {"absent", "nobody", "vti1"}) {
      spec.twins["vti1"].up = false;
      lead_through(twin);
      settle(kernel, spec);
      CHECK_FALSE(kernel.has_route("10.64.0.0/10", tunnel_route_metric));
    }
  }
}

TEST_CASE("the routes of a group of which several carry have as many ways, by weight") {
  Kernel kernel;
  kernel.state.links[4] = {4, "vti1", false, 1400, {}};
  KernelSpec spec = wishes(true);
  spec.twins["vti1"] = {.up = true};
  spec.groups = {{.ways = {{"vti0", 3}, {"vti1", 1}}, .routes = {prefix("10.64.0.0/10"), prefix("fd00:64::/32")}}};
  const auto hops = [&](const char* to) {
    return kernel.state.routes.at({RT_TABLE_MAIN, prefix(to), 0, tunnel_route_metric}).front().hops;
  };
  settle(kernel, spec);
  CHECK(hops("10.64.0.0/10") == std::vector<kernel::Hop>{{3, {}, 3}, {4, {}, 1}});
  // Of IPv6 the kernel wants a gateway; whatever it is, and in whatever order it says the ways.
  auto& ipv6 = kernel.state.routes.at({RT_TABLE_MAIN, prefix("fd00:64::/32"), 0, tunnel_route_metric}).front().hops;
  REQUIRE(ipv6.size() == 2);
  for (const kernel::Hop& hop : ipv6) CHECK(hop.via);
  std::swap(ipv6.front(), ipv6.back());
  CHECK(reconcile(spec, {}, kernel.state).empty());
  SECTION("another weight") {
    spec.groups.front().ways.back().weight = 2;
    CHECK(reconcile(spec, {}, kernel.state).size() == 2);
    settle(kernel, spec);
    CHECK(hops("10.64.0.0/10").back().weight == 2);
  }
  SECTION("one of them goes down: the others alone, before the link") {
    spec.twins["vti0"].up = false;
    spec.groups.front().ways.erase(spec.groups.front().ways.begin());
    const auto changes = reconcile(spec, {}, kernel.state);
    REQUIRE(changes.size() >= 3);
    CHECK(std::holds_alternative<SetRoute>(changes.front()));
    CHECK(std::holds_alternative<SetLink>(changes.back()));
    settle(kernel, spec);
    for (const char* to : {"10.64.0.0/10", "fd00:64::/32"}) CHECK(hops(to) == std::vector<kernel::Hop>{{4, {}}});
  }
  SECTION("none is left, and the routes go") {
    spec.groups.front().ways.clear();
    settle(kernel, spec);
    CHECK_FALSE(kernel.has_route("10.64.0.0/10", tunnel_route_metric));
    CHECK_FALSE(kernel.has_route("fd00:64::/32", tunnel_route_metric));
  }
}

TEST_CASE("a twin of another VRF is moved there, and left alone here") {
  Kernel kernel;
  KernelSpec spec = wishes(true);
  spec.twins.erase("vti0");
  spec.elsewhere = {{"vti0", "blue"}, {"vti7", "blue"}};
  for (const KernelChange& change : reconcile(spec, {}, kernel.state))
    std::visit([&](const auto& particular) { kernel.take(particular); }, change);
  CHECK(kernel.moved == std::vector<std::pair<std::string, std::string>>{{"vti0", "blue"}});
  for (const KernelChange& change : reconcile(spec, {}, kernel.state))
    CHECK_FALSE(std::holds_alternative<MoveLink>(change));
}

TEST_CASE("a twin's MTU is set where it is said, and only then") {
  Kernel kernel;
  KernelSpec spec = wishes(true);
  const auto mtus = [&] {
    std::vector<uint16_t> all;
    for (const KernelChange& change : reconcile(spec, {}, kernel.state))
      if (const auto* set = std::get_if<SetMtu>(&change)) all.push_back(set->mtu);
    return all;
  };
  CHECK(mtus().empty());
  spec.twins.at("vti0").mtu = 1300;
  CHECK(mtus() == std::vector<uint16_t>{1300});
  kernel.state.links.at(3).mtu = 1300;
  CHECK(mtus().empty());
}
