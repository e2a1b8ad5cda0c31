// How much a Fib holds: always as much, whatever came and went before.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>
#include <string_view>
#include <vector>

#include "dataplane/fib/fib.h"
#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane {
namespace {

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }
IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

constexpr ipc::VrfId red{1};

// Soon full: red has an eighth of it.
constexpr FibLimits small_limits{.ipv4_routes = 768, .ipv4_tables = 512, .ipv6_routes = 768, .ipv6_tables = 256};
constexpr uint32_t red_routes = small_limits.ipv4_routes / 8, red_ipv4_tables = small_limits.ipv4_tables / 8,
                   red_ipv6_tables = small_limits.ipv6_tables / 8;

// With red.
struct SmallFib {
  SmallFib() {
    test::start_eal();
    fib = Fib::create(small_limits, qsbr, 1).value();
    REQUIRE(fib->add_vrf(red));
    begin(true);
    REQUIRE(commit());
  }
  // With next hops 1 to 9, which a replacement has to name anew.
  void begin(bool replace) {
    fib->begin(replace);
    for (uint8_t i = 1; i < 10; ++i) REQUIRE(fib->set_next_hop(ipc::NextHopId(i), {.kind = ipc::NextHopKind::local}));
  }
  Result<void> commit() {
    auto result = fib->commit();
    REQUIRE(fib->poll());
    REQUIRE(fib->idle());
    return result;
  }
  Result<void> set(const Prefix& where, uint16_t next_hop, ipc::VrfId vrf) {
    fib->begin(false);
    REQUIRE(fib->set_route(where, ipc::NextHopId(next_hop), vrf));
    return commit();
  }
  Result<void> remove(const Prefix& where, ipc::VrfId vrf) {
    fib->begin(false);
    REQUIRE(fib->remove_route(where, vrf));
    return commit();
  }
  // The other replica's turn to be the active one.
  void swap() {
    fib->begin(false);
    REQUIRE(commit());
  }
  // In both replicas.
  bool leads(const IpAddress& where, uint16_t next_hop, ipc::VrfId vrf) {
    const bool one = fib->lookup(where, vrf).value() == next_hop;
    swap();
    return one && fib->lookup(where, vrf).value() == next_hop;
  }

  Qsbr qsbr{1};
  std::unique_ptr<Fib> fib;
};

IpAddress neighbour(IpAddress address, bool up) {
  std::vector<uint8_t> bytes(address.bytes().begin(), address.bytes().end());
  for (size_t i = bytes.size(); i-- > 0;)
    if (up ? ++bytes[i] != 0 : bytes[i]-- != 0) break;
  return *IpAddress::from_bytes(bytes);
}

// What a Fib is to do, by the plainest means.
class Model {
 public:
  using Routes = std::map<Fib::RouteKey, uint16_t>;

  static uint16_t lookup(const Routes& routes, const IpAddress& where, ipc::VrfId vrf) {
    int longest = -1;
    uint16_t next_hop = 0;
    for (const auto& [key, value] : routes)
      if (key.vrf == vrf && key.prefix.contains(where) && static_cast<int>(key.prefix.length()) > longest) {
        longest = static_cast<int>(key.prefix.length());
        next_hop = value;
      }
    return next_hop;
  }

  static bool fits(const Routes& routes) {
    for (const ipc::VrfId vrf : {ipc::front_door, red})
      for (const Family family : {Family::ipv4, Family::ipv6}) {
        uint32_t count = 0;
        std::set<Prefix> tables;
        for (const auto& [key, value] : routes)
          if (key.vrf == vrf && key.prefix.family() == family) {
            ++count;
            for (unsigned length = 24; length < key.prefix.length(); length += 8)
              tables.insert(Prefix(key.prefix.address(), length));
          }
        const uint32_t part = vrf == red ? 8 : 1;
        const bool v4 = family == Family::ipv4;
        if (count > (v4 ? small_limits.ipv4_routes : small_limits.ipv6_routes) / part) return false;
        if (tables.size() >= (v4 ? small_limits.ipv4_tables : small_limits.ipv6_tables) / part) return false;
      }
    return true;
  }
};

// Few different bytes, so that prefixes lie within and beside each other, and at the ends of the address space.
class Draw {
 public:
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(uint64_t{random_()} * limit >> 32); }
  Prefix prefix() {
    const bool v4 = below(3) == 0;
    std::vector<uint8_t> bytes(v4 ? 4 : 16);
    for (uint8_t& byte : bytes) byte = std::array<uint8_t, 6>{0, 0, 255, 255, 1, 128}[below(6)];
    // A family of ever longer ones within the same few.
    if (below(2) == 0) std::fill(bytes.begin() + 1, bytes.end() - 1, below(2) ? uint8_t{255} : uint8_t{0});
    if (v4) bytes[2] = static_cast<uint8_t>(below(256));
    unsigned length = 12 + below(v4 ? 21 : 117);
    if (below(4) == 0) length = v4 ? 32 : 8 * (3 + below(14));
    if (below(300) == 0) length = below(5);
    if (below(8) == 0) {
      std::ranges::fill(bytes, uint8_t{255});
      if (length < 12) length += 12;
    }
    return Prefix(*IpAddress::from_bytes(bytes), length);
  }

 private:
  std::mt19937 random_{3};
};

}  // namespace

TEST_CASE("routes may come and go for ever") {
  SmallFib small;
  for (const ipc::VrfId vrf : {ipc::front_door, red}) {
    REQUIRE(small.set(prefix("10.0.0.0/8"), 1, vrf));
    REQUIRE(small.set(prefix("fd00::/16"), 1, vrf));
    for (const char* flapping : {"fd00:0:0:7::/64", "fd00::7/128", "fd00:0:8000::/33", "10.1.2.3/32", "10.1.2.4/30"})
      // Another way than what is around it, and the same.
      for (const uint16_t next_hop : {2, 1}) {
        const IpAddress where = prefix(flapping).address();
        const uint32_t tables = where.is_v4() ? small_limits.ipv4_tables : small_limits.ipv6_tables;
        for (uint32_t round = 0; round < 10 * tables / (vrf == red ? 8 : 1); ++round) {
          CAPTURE(flapping, next_hop, vrf.value(), round);
          REQUIRE(small.set(prefix(flapping), next_hop, vrf));
          REQUIRE(small.leads(where, next_hop, vrf));
          REQUIRE(small.remove(prefix(flapping), vrf));
          REQUIRE(small.leads(where, 1, vrf));
        }
      }
    // And a route that changes.
    for (uint32_t round = 0; round < 10 * small_limits.ipv6_tables; ++round) {
      const auto next_hop = static_cast<uint16_t>(1 + round % 3);
      REQUIRE(small.set(prefix("fd00::7/128"), next_hop, vrf));
      REQUIRE(small.leads(address("fd00::7"), next_hop, vrf));
    }
    REQUIRE(small.remove(prefix("fd00::7/128"), vrf));
    // There is as much room as at first.
    small.fib->begin(false);
    for (uint16_t i = 0; i < 2; ++i)
      REQUIRE(small.fib->set_route(Prefix(address(i == 0 ? "fd01::1" : "fd02::1"), 120), ipc::NextHopId(2), vrf));
    for (uint32_t i = 1; i < red_ipv4_tables; ++i)
      REQUIRE(small.fib->set_route(Prefix(IpAddress::v4(Be32(0xc0000001 + (i << 8))), 32), ipc::NextHopId(2), vrf));
    REQUIRE(small.commit());
  }
}

TEST_CASE("a full table takes what needs no further table, and makes room for what comes in the same transaction") {
  SmallFib small;
  const auto nth = [](uint32_t i, unsigned length) {
    return Prefix(*IpAddress::from_bytes(std::array<uint8_t, 16>{0xfd, static_cast<uint8_t>(i)}), length);
  };
  // Five tables each, and one: all but the one that is kept free.
  static_assert(red_ipv6_tables == 32);
  small.fib->begin(false);
  for (uint32_t i = 0; i < 6; ++i) REQUIRE(small.fib->set_route(nth(i, 64), ipc::NextHopId(1), red));
  REQUIRE(small.fib->set_route(nth(6, 32), ipc::NextHopId(2), red));
  REQUIRE(small.commit());

  for (const unsigned length : {25, 64, 128}) {
    const auto refused = small.set(nth(7, length), 1, red);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message->id == "SKO-DPL-023");
    CHECK(refused.error().detail == nth(7, length).text() + " in VRF 1");
    CHECK(small.leads(nth(7, length).address(), 0, red));
    CHECK(small.fib->routes().size() == 7);
  }
  CHECK(small.set(nth(7, 128), 1, ipc::front_door));
  // What is there already, and what shares its tables.
  CHECK(small.set(nth(6, 32), 3, red));
  CHECK(small.set(prefix("fd06:1::/32"), 4, red));
  CHECK(small.set(prefix("fd00:0:0:1::/64"), 5, red));
  CHECK(small.set(prefix("fd07::/24"), 6, red));
  CHECK(small.set(prefix("::/0"), 7, red));
  CHECK(small.leads(address("fd06::1"), 3, red));
  CHECK(small.leads(address("fd06:1::1"), 4, red));
  CHECK(small.leads(address("fd00:0:0:1::1"), 5, red));
  CHECK(small.leads(address("fd07::1"), 6, red));
  CHECK(small.leads(address("fd06:2::1"), 7, red));

  // All of it is exchanged at once.
  small.begin(true);
  for (uint32_t i = 0; i < 6; ++i) REQUIRE(small.fib->set_route(nth(100 + i, 64), ipc::NextHopId(1), red));
  REQUIRE(small.fib->set_route(nth(106, 32), ipc::NextHopId(2), red));
  REQUIRE(small.commit());
  CHECK(small.leads(nth(105, 64).address(), 1, red));
  CHECK(small.leads(nth(106, 32).address(), 2, red));
  CHECK(small.leads(address("fd06::1"), 0, red));
  // An exchange that is too much leaves what was before.
  small.begin(true);
  for (uint32_t i = 0; i < 7; ++i) REQUIRE(small.fib->set_route(nth(i, 64), ipc::NextHopId(1), red));
  CHECK_FALSE(small.commit());
  CHECK(small.leads(nth(105, 64).address(), 1, red));
  CHECK(small.leads(nth(0, 64).address(), 0, red));
  CHECK(small.fib->routes().size() == 7);
}

TEST_CASE("as many routes fit as there may be, whatever they are, and not one more") {
  SmallFib small;
  small.fib->begin(false);
  // No tree of these has fewer nodes than two a route, less one.
  for (uint32_t i = 0; i < red_routes; ++i)
    REQUIRE(small.fib->set_route(Prefix(IpAddress::v4(Be32(0x0a000000 + (i << 8))), 24), ipc::NextHopId(1), red));
  REQUIRE(small.commit());
  const auto refused = small.set(prefix("10.77.0.0/16"), 1, red);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().detail == "10.77.0.0/16 in VRF 1");
  CHECK(small.set(prefix("fd00::/16"), 1, red));
  CHECK(small.set(prefix("10.0.1.0/24"), 2, red));
  CHECK(small.leads(address("10.0.1.1"), 2, red));
}

TEST_CASE("a route changes around others that end where the address space does, and goes") {
  SmallFib small;
  struct Case {
    const char *around, *low, *high, *within;
  };
  for (const auto& [around, low, high, within] :
       {Case{"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8"},
        Case{"128.0.0.0/1", "192.0.0.0/3", "224.0.0.0/3", "224.1.0.0/16"},
        Case{"::/0", "::/1", "8000::/1", "fd00::/64"}, Case{"8000::/1", "c000::/3", "e000::/3", "fd00::/64"},
        Case{"255.255.255.0/24", "255.255.255.254/32", "255.255.255.255/32", "255.255.255.255/32"}}) {
    CAPTURE(around, low, high, within);
    small.begin(true);
    REQUIRE(small.fib->set_route(prefix("10.0.0.0/9"), ipc::NextHopId(9), red));
    REQUIRE(small.fib->set_route(prefix("fd00::/17"), ipc::NextHopId(9), red));
    REQUIRE(small.commit());
    REQUIRE(small.set(prefix(low), 2, red));
    REQUIRE(small.set(prefix(high), 3, red));
    REQUIRE(small.set(prefix(within), 4, red));
    // It comes, changes, changes, goes.
    for (const uint16_t next_hop : {1, 5, 1, 0}) {
      REQUIRE((next_hop ? small.set(prefix(around), next_hop, red) : small.remove(prefix(around), red)));
      CHECK(small.leads(prefix(low).address(), 2, red));
      CHECK(small.leads(prefix(high).last(), within == std::string_view(high) ? 4 : 3, red));
      CHECK(small.leads(prefix(within).last(), 4, red));
      CHECK(small.leads(address("10.1.2.3"), 9, red));
      CHECK(small.leads(address("fd00:0:0:1::"), 9, red));
      if (prefix(low).address() != prefix(around).address())
        CHECK(small.leads(prefix(around).address(), next_hop, red));
    }
  }
}

TEST_CASE("the FIB agrees with a model of it, however routes come and go, and is full when the model is") {
  SmallFib small;
  Draw draw;
  Model::Routes routes;
  unsigned refusals = 0, commits = 0;
  for (unsigned round = 0; round < 1500; ++round) {
    CAPTURE(round);
    const bool replace = draw.below(400) == 0;
    // Now it grows, now it shrinks.
    const bool growing = round / 100 % 2 == 0;
    Model::Routes target = replace ? Model::Routes{} : routes;
    std::vector<Fib::RouteKey> touched;
    small.begin(replace);
    for (uint32_t i = replace ? 30 : 1 + draw.below(4); i-- > 0;) {
      Fib::RouteKey key{draw.below(4) == 0 ? ipc::front_door : red, draw.prefix()};
      if (!routes.empty() && draw.below(3) != 0) key = std::next(routes.begin(), draw.below(routes.size()))->first;
      if (!replace && draw.below(growing ? 5 : 2) == 0) {
        REQUIRE(small.fib->remove_route(key.prefix, key.vrf));
        target.erase(key);
      } else {
        const auto next_hop = static_cast<uint16_t>(draw.below(4));
        REQUIRE(small.fib->set_route(key.prefix, ipc::NextHopId(next_hop), key.vrf));
        target[key] = next_hop;
      }
      touched.push_back(key);
    }
    const bool fits = Model::fits(target);
    REQUIRE(small.commit().has_value() == fits);
    if (fits) routes = std::move(target);
    (fits ? commits : refusals) += 1;
    REQUIRE(small.fib->routes().size() == routes.size());
    // All bounds now and then, or those of what was touched and of a few others.
    if (round % 100 == 0)
      for (const auto& [key, next_hop] : routes) touched.push_back(key);
    for (int i = 0; i < 4 && !routes.empty(); ++i)
      touched.push_back(std::next(routes.begin(), draw.below(routes.size()))->first);
    for (int replica = 0; replica < 2; ++replica) {
      for (const auto& [vrf, where] : touched)
        for (const IpAddress& probe :
             {where.address(), where.last(), neighbour(where.address(), false), neighbour(where.last(), true)}) {
          CAPTURE(where.text(), probe.text(), vrf.value(), replica);
          REQUIRE(small.fib->lookup(probe, vrf).value() == Model::lookup(routes, probe, vrf));
        }
      small.swap();
    }
  }
  CHECK(refusals > 50);
  CHECK(commits > 600);
}

}  // namespace sekisho::dataplane
