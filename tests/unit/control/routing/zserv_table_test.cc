#include <catch2/catch.hpp>

#include "control/routing/zserv/codec.h"
#include "control/routing/zserv/resolve.h"

using namespace sekisho;
using namespace sekisho::zserv;

namespace {

constexpr auto seconds = [](int count) { return Instant(std::chrono::seconds(count)); };

Prefix prefix(const char* text) { return *Prefix::parse(text); }
IpAddress address(const char* text) { return *IpAddress::parse(text); }

Route route(RouteType type, const char* to, std::vector<NextHop> hops) {
  return {.type = type, .prefix = prefix(to), .next_hops = std::move(hops)};
}
NextHop by(const char* gateway, uint32_t link = 0, uint64_t weight = 1) {
  return {.gateway = address(gateway), .link = link, .weight = weight};
}

}  // namespace

TEST_CASE("the table holds the last word for each prefix", "[zserv]") {
  Table table;
  CHECK(table.add(route(RouteType::bgp, "10.0.0.0/8", {by("192.0.2.1", 3)})));
  CHECK_FALSE(table.add(route(RouteType::bgp, "10.0.0.0/8", {by("192.0.2.1", 3)})));
  CHECK(table.add(route(RouteType::static_route, "10.0.0.0/8", {by("192.0.2.9", 3)})));
  CHECK(table.routes().at(prefix("10.0.0.0/8")).route.type == RouteType::static_route);
  CHECK_FALSE(table.remove(prefix("10.0.0.0/9")));
  CHECK(table.remove(prefix("10.0.0.0/8")));
  CHECK(table.routes().empty());
}

TEST_CASE("a full table keeps what it has, and says when a dump would bring what it left out", "[zserv]") {
  Table table(std::chrono::seconds(150), {.ipv4 = 32, .ipv6 = 1});
  const auto numbered = [](int i) {
    return route(RouteType::bgp, ("10." + std::to_string(i) + ".0.0/16").c_str(), {by("192.0.2.1", 3)});
  };
  for (int i = 0; i < 32; ++i) CHECK(table.add(numbered(i)));
  CHECK(table.left_out() == 0);
  CHECK_FALSE(table.add(numbered(32)));
  CHECK(table.add(route(RouteType::bgp, "10.3.0.0/16", {by("192.0.2.2", 3)})));
  CHECK(table.add(route(RouteType::connect, "192.0.2.0/24", {{.link = 3}})));
  CHECK(table.add(route(RouteType::bgp, "fd00::/16", {by("fd00::1", 3)})));
  CHECK_FALSE(table.add(route(RouteType::bgp, "fd01::/16", {by("fd00::1", 3)})));
  CHECK(table.left_out() == 2);
  CHECK(table.routes().size() == 34);

  table.remove(prefix("192.0.2.0/24"));
  table.remove(prefix("10.0.0.0/16"));
  CHECK_FALSE(table.needs_dump());
  table.remove(prefix("10.1.0.0/16"));
  CHECK(table.needs_dump());
  table.session_ended(seconds(1));
  table.dump_begins();
  CHECK(table.left_out() == 0);
  CHECK_FALSE(table.needs_dump());
  for (int i = 31; i < 33; ++i) table.add(numbered(i));
  table.sweep(seconds(200));
  CHECK(table.routes().size() == 2);
  for (int i = 0; i < 30; ++i) CHECK(table.add(numbered(i)));
  CHECK_FALSE(table.add(numbered(30)));
}

TEST_CASE("a zebra that is gone takes no route along; what its successor does not say goes by its kind", "[zserv]") {
  Table table(std::chrono::seconds(150));
  const auto fill = [&] {
    table.add(route(RouteType::connect, "10.0.12.0/24", {{.link = 2}}));
    table.add(route(RouteType::static_route, "172.16.0.0/12", {by("10.0.12.9", 2)}));
    table.add(route(RouteType::bgp, "192.0.2.0/24", {by("10.0.12.1", 2)}));
  };
  fill();
  CHECK_FALSE(table.next_sweep());
  table.session_ended(seconds(100));
  CHECK(table.stale() == 3);
  CHECK(table.routes().size() == 3);
  CHECK(table.next_sweep() == seconds(250));

  SECTION("it says all of it again") {
    fill();
    CHECK(table.stale() == 0);
    CHECK_FALSE(table.dump_ended(seconds(101)));
    CHECK_FALSE(table.sweep(seconds(1000)));
    CHECK(table.routes().size() == 3);
    CHECK_FALSE(table.next_sweep());
    // The next end is another one.
    table.session_ended(seconds(240));
    CHECK(table.next_sweep() == seconds(390));
    table.dump_ended(seconds(241));
    CHECK_FALSE(table.sweep(seconds(250)));
    CHECK(table.sweep(seconds(256)));
    CHECK(table.routes().contains(prefix("192.0.2.0/24")));
    CHECK_FALSE(table.sweep(seconds(389)));
    CHECK(table.sweep(seconds(390)));
  }
  SECTION("it says one of them again: the other has been stale for longer") {
    table.add(route(RouteType::bgp, "192.0.2.0/24", {by("10.0.12.1", 2)}));
    table.session_ended(seconds(200));
    CHECK(table.next_sweep() == seconds(250));
    CHECK(table.sweep(seconds(250)));
    CHECK(table.routes().size() == 1);
    CHECK(table.next_sweep() == seconds(350));
  }
  SECTION("another hold time counts at once") {
    table.set_hold(std::chrono::seconds(20));
    CHECK(table.next_sweep() == seconds(120));
  }
  SECTION("it says nothing of it") {
    CHECK(table.dump_ended(seconds(101)));
    CHECK(table.routes().size() == 2);
    CHECK(table.next_sweep() == seconds(116));
    CHECK_FALSE(table.sweep(seconds(115)));
    CHECK(table.sweep(seconds(116)));
    CHECK(table.routes().contains(prefix("192.0.2.0/24")));
    CHECK(table.next_sweep() == seconds(250));
    CHECK(table.sweep(seconds(250)));
    CHECK(table.routes().empty());
    CHECK(table.stale() == 0);
  }
  SECTION("it takes one back") {
    CHECK(table.remove(prefix("192.0.2.0/24")));
    CHECK(table.stale() == 2);
  }
  SECTION("nobody comes, or nobody stays: the hold time runs from the first end") {
    table.session_ended(seconds(200));
    CHECK(table.sweep(seconds(250)));
    CHECK(table.routes().empty());
  }
}

TEST_CASE("gateways are looked up until a link is known", "[zserv]") {
  Table table;
  table.add(route(RouteType::connect, "10.0.12.0/24", {{.link = 2}}));
  table.add(route(RouteType::connect, "10.0.13.0/24", {{.link = 3}}));
  table.add(route(RouteType::bgp, "192.0.2.0/24", {by("10.0.12.1", 2), by("10.0.13.1", 3, 3)}));
  table.add(route(RouteType::static_route, "0.0.0.0/0", {by("10.0.12.254", 2)}));
  const auto ways = [&](std::vector<NextHop> hops) {
    return Resolver(table).ways(route(RouteType::bgp, "198.51.100.0/24", std::move(hops)));
  };

  CHECK(ways({by("10.0.12.7", 2)}) == std::vector<Way>{{2, address("10.0.12.7"), 1}});
  CHECK(ways({{.link = 9}}) == std::vector<Way>{{9, {}, 1}});
  SECTION("on a link") { CHECK(ways({by("10.0.12.7")}) == std::vector<Way>{{2, address("10.0.12.7"), 1}}); }
  SECTION("through a route with two ways; shares multiply") {
    CHECK(ways({by("192.0.2.5", 0, 2), by("10.0.13.8", 3)}) ==
          std::vector<Way>{{2, address("10.0.12.1"), 2}, {3, address("10.0.13.1"), 6}, {3, address("10.0.13.8"), 1}});
  }
  SECTION("through two routes") {
    table.add(route(RouteType::static_route, "203.0.113.0/24", {by("192.0.2.9")}));
    CHECK(ways({by("203.0.113.1")}).size() == 2);
  }
  SECTION("through a default route only: nowhere") { CHECK(ways({by("8.8.8.8")}).empty()); }
  SECTION("into a blackhole: nowhere") {
    table.add(route(RouteType::static_route, "203.0.113.0/24", {{.blackhole = Blackhole::drop}}));
    CHECK(ways({by("203.0.113.1")}).empty());
  }
  SECTION("in a circle: nowhere, and a way out of it is found from each end") {
    table.add(route(RouteType::bgp, "203.0.113.0/25", {by("203.0.113.129")}));
    table.add(route(RouteType::bgp, "203.0.113.128/25", {by("203.0.113.1")}));
    CHECK(ways({by("203.0.113.1")}).empty());
    table.add(route(RouteType::bgp, "203.0.113.128/25", {by("203.0.113.1"), by("10.0.12.7")}));
    Resolver resolver(table);
    for (const char* gateway : {"203.0.113.1", "203.0.113.130"}) {
      const auto found = resolver.ways(route(RouteType::bgp, "198.51.100.0/24", {by(gateway)}));
      REQUIRE_FALSE(found.empty());
      CHECK(found[0] == Way{2, address("10.0.12.7"), 1});
    }
  }
  SECTION("ways that multiply at each step are bounded") {
    for (int i = 0; i < 100; ++i) {
      std::vector<NextHop> hops(256, by(("100.64." + std::to_string(i + 1) + ".1").c_str()));
      table.add(route(RouteType::bgp, ("100.64." + std::to_string(i) + ".0/24").c_str(), hops));
    }
    CHECK(ways({by("100.64.0.1")}).empty());
    table.add(route(RouteType::bgp, "100.64.7.0/24", {by("10.0.12.7")}));
    CHECK(ways({by("100.64.0.1")}).size() <= max_next_hops);
  }
  SECTION("looked up anew when routes have changed") {
    CHECK(ways({by("192.0.2.5")}).size() == 2);
    table.remove(prefix("192.0.2.0/24"));
    CHECK(ways({by("192.0.2.5")}).empty());
  }
}
