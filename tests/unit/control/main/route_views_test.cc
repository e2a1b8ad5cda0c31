#include "control/main/route_views.h"

#include <set>

#include "tests/unit/control/routing/lab.h"

using namespace sekisho;
using namespace sekisho::control;
using namespace sekisho::routing_lab;

namespace {

// Without what every plan has of multicast and link-local addresses.
Plan plan_of(const Kernel& kernel) {
  Plan plan = kernel.plan();
  std::erase_if(plan.routes, [](const auto& route) {
    return route.first.length() > 0 && !prefix("0.0.0.0/1").contains(route.first);
  });
  std::erase_if(plan.routes, [](const auto& route) { return route.first.family() == Family::ipv6; });
  return plan;
}

// A front door and two VRFs of the same kernel, each with its routes.
struct Vrfs {
  Kernel kernel;
  Plan front_door = plan_of(kernel), blue, red;

  RouteViews views(bool room = true) const {
    return {{{"", kernel.state, front_door}, {"blue", kernel.state, blue}, {"red", kernel.state, red}},
            zserv::RouteType::babel,
            [room](const Group&) { return !room; }};
  }
  size_t size() const { return front_door.routes.size() + blue.routes.size() + red.routes.size(); }
};

// The parts of the table, each beginning where the one before ended, and that no route is in two of them.
std::vector<size_t> parts_of(const RouteViews& views, size_t most) {
  std::vector<size_t> parts;
  std::set<std::pair<std::string, Prefix>> seen;
  std::optional<rpc::RoutePlace> after;
  for (bool last = false; !last;) {
    const rpc::RoutePart part = views.part(after, most);
    parts.push_back(part.routes.size());
    for (const rpc::RouteView& route : part.routes) {
      CHECK((!after || std::pair(after->vrf, after->prefix) < std::pair(route.vrf, route.prefix)));
      CHECK(seen.emplace(route.vrf, route.prefix).second);
      after = {route.vrf, route.prefix};
    }
    last = part.last;
    REQUIRE((last || !part.routes.empty()));
  }
  return parts;
}

}  // namespace

TEST_CASE("a table of several VRFs is told in parts, each route once", "[route_views]") {
  Vrfs vrfs;
  REQUIRE(vrfs.size() == 4);
  vrfs.blue = vrfs.front_door;
  vrfs.red = vrfs.front_door;
  using Parts = std::vector<size_t>;
  CHECK(parts_of(vrfs.views(), 1) == Parts(12, 1));
  CHECK(parts_of(vrfs.views(), 3) == Parts{3, 3, 3, 3});
  CHECK(parts_of(vrfs.views(), 5) == Parts{5, 5, 2});
  CHECK(parts_of(vrfs.views(), 12) == Parts{12});
  CHECK(parts_of(vrfs.views(), 100) == Parts{12});
  vrfs.blue = {};
  CHECK(parts_of(vrfs.views(), 4) == Parts{4, 4});
  vrfs.red = {};
  CHECK(parts_of(vrfs.views(), 4) == Parts{4});
  vrfs.front_door = {};
  CHECK(parts_of(vrfs.views(), 4) == Parts{0});
}

TEST_CASE("a part goes on behind its place, whatever has gone from there meanwhile", "[route_views]") {
  Vrfs vrfs;
  vrfs.red = vrfs.front_door;
  const auto behind = [&](const char* vrf, const char* place) {
    return vrfs.views().part(rpc::RoutePlace{vrf, prefix(place)}, 100).routes.size();
  };
  CHECK(behind("", "0.0.0.0/0") == 7);
  CHECK(behind("", "5.0.0.0/8") == 7);
  CHECK(behind("", "255.0.0.0/8") == 4);
  CHECK(behind("blue", "255.0.0.0/8") == 4);
  CHECK(behind("green", "0.0.0.0/0") == 4);
  CHECK(behind("red", "10.9.1.0/24") == 1);
  CHECK(behind("red", "10.9.1.1/32") == 0);
  CHECK(behind("yellow", "0.0.0.0/0") == 0);
}

TEST_CASE("the ways of a route count for the size of a part", "[route_views]") {
  Vrfs vrfs;
  vrfs.kernel.neighbour(lan, "10.1.0.2", NeighbourState::reachable);
  for (const char* to : {"10.10.0.0/16", "10.11.0.0/16", "10.12.0.0/16"})
    vrfs.kernel.route_by(to, {{lan, address("10.1.0.2"), 3}, {vti, {}}});
  vrfs.front_door = plan_of(vrfs.kernel);
  REQUIRE(vrfs.size() == 8);
  // 0.0.0.0/0, 10.1.0.0/24, 10.1.0.2/32, 10.9.1.0/24, 10.9.1.1/32, and three of two ways each.
  CHECK(parts_of(vrfs.views(), 6) == std::vector<size_t>{6, 2});
  CHECK(parts_of(vrfs.views(), 2) == std::vector<size_t>{2, 2, 2, 1, 1});

  const auto several = vrfs.views().to(prefix("10.10.0.0/16"));
  REQUIRE(several.size() == 1);
  CHECK(several[0].kind == NextHopKind::group);
  REQUIRE(several[0].hops.size() == 2);
  CHECK(several[0].interface.empty());
  const auto first = vrfs.views(false).to(prefix("10.10.0.0/16"));
  REQUIRE(first.size() == 1);
  CHECK(first[0].kind == NextHopKind::adjacency);
  CHECK(first[0].interface == "lan");
  CHECK(first[0].hops.empty());
}

TEST_CASE("a route is looked up by its prefix and by an address, in each VRF", "[route_views]") {
  Vrfs vrfs;
  vrfs.kernel.route("10.1.0.0/16", {vti, {}});
  vrfs.blue = plan_of(vrfs.kernel);
  CHECK(vrfs.views().to(prefix("10.1.0.0/16")).size() == 1);
  CHECK(vrfs.views().to(prefix("10.1.0.0/17")).empty());
  const auto taken = vrfs.views().taken_by(address("10.1.7.7"));
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].prefix == prefix("0.0.0.0/0"));
  CHECK(taken[0].interface == "wan");
  CHECK(taken[1].vrf == "blue");
  CHECK(taken[1].prefix == prefix("10.1.0.0/16"));
  CHECK(vrfs.views().taken_by(address("2001:db8::1")).empty());
}
