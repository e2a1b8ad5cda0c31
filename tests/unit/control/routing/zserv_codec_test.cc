// Messages as the running zebra of 8.4.4 and 10.7.1 sent them or took them.
#include <catch2/catch.hpp>

#include "base/messages/routing.h"
#include "control/routing/zserv/codec.h"

using namespace sekisho;
using namespace sekisho::zserv;

namespace {

// Hexadecimal digits; blanks and bars are for the reader.
Bytes hex(std::string_view text) {
  Bytes bytes;
  std::string digits;
  for (const char c : text)
    if (c != ' ' && c != '|') digits += c;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

Dialect dialect(unsigned major, unsigned minor) { return *Dialect::of({major, minor}); }
const Dialect debian12 = dialect(8, 4);
const Dialect newest = dialect(10, 7);

Prefix prefix(const char* text) { return *Prefix::parse(text); }
IpAddress address(const char* text) { return *IpAddress::parse(text); }

// A message of zebra's with its length filled in.
Bytes message(uint16_t command, std::string_view body) {
  Bytes bytes = hex("0000 fe06 00000000");
  bytes.push_back(static_cast<uint8_t>(command >> 8));
  bytes.push_back(static_cast<uint8_t>(command));
  const Bytes rest = hex(body);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  bytes[1] = static_cast<uint8_t>(bytes.size());
  return bytes;
}

Route added(const Dialect& by, const Bytes& bytes) {
  const auto decoded = decode(by, bytes);
  if (!decoded) FAIL(decoded.error().text());
  REQUIRE(std::holds_alternative<RouteAdded>(*decoded));
  return std::get<RouteAdded>(*decoded).route;
}

const char* const ecmp_body =
    "09 0000 00000008 00000017 | 01 02 18 c00002 | 0002 | 00000000 02 04 0a000c02 0000000a 00000001 |"
    "00000000 02 04 0a000d02 0000000c 00000001 | 14 00000000 00000000";

}  // namespace

TEST_CASE("zebra's release is read from what it says of itself", "[zserv]") {
  CHECK(parse_release("FRRouting 8.4.4 (gw) on Linux(6.1.0-18-amd64).") == Release{8, 4});
  CHECK(parse_release("FRRouting 10.3 (gw) on Linux(6.12).") == Release{10, 3});
  CHECK(parse_release("FRRouting 10.7.1_git (gw)") == Release{10, 7});
  CHECK_FALSE(parse_release("Quagga 1.2.4"));
  CHECK_FALSE(parse_release("FRRouting 99999999999999999999.1"));
  CHECK_FALSE(parse_release("FRRouting 10"));
  CHECK_FALSE(parse_release(""));
}

TEST_CASE("a release is spoken to since 8.2", "[zserv]") {
  CHECK(Dialect::of({8, 2}));
  CHECK(Dialect::of({11, 0}));
  REQUIRE_FALSE(Dialect::of({8, 1}));
  CHECK(Dialect::of({7, 5}).error().message == &messages::zebra_too_old);
}

TEST_CASE("types of routes keep their meaning in both numberings", "[zserv]") {
  struct Row {
    RouteType type;
    uint8_t in_8, in_10;
  };
  for (const Row& row :
       {Row{RouteType::kernel, 1, 1}, Row{RouteType::connect, 2, 2}, Row{RouteType::static_route, 3, 4},
        Row{RouteType::bgp, 9, 10}, Row{RouteType::babel, 22, 23}, Row{RouteType::srte, 29, 30}}) {
    CHECK(debian12.number(row.type) == row.in_8);
    CHECK(newest.number(row.type) == row.in_10);
    CHECK(debian12.route_type(row.in_8) == row.type);
    CHECK(newest.route_type(row.in_10) == row.type);
  }
  CHECK(debian12.number(RouteType::local) == 0);
  CHECK(debian12.route_type(30) == RouteType::system);
  CHECK(newest.route_type(200) == RouteType::system);
  CHECK(name(RouteType::bgp) == "bgp");
  CHECK(name(RouteType::table_direct) == "table-direct");
}

TEST_CASE("what is said to zebra", "[zserv]") {
  CHECK(hello(debian12, RouteType::babel) == hex("0013 fe06 00000000 0012 | 16 0000 00000000 00 00"));
  CHECK(hello(newest, RouteType::babel) == hex("0012 fe06 00000000 0013 | 17 0000 00000000 00"));
  CHECK(ask_for_notices(newest) == hex("000b fe06 00000000 007e | 01"));
  CHECK(subscribe(debian12, Family::ipv4) == hex("000e fe06 00000000 000b | 01 1e 0000"));
  CHECK(subscribe(newest, Family::ipv6) == hex("000e fe06 00000000 000c | 02 20 0000"));
  CHECK(barrier() == hex("000a fe06 00000000 fffe"));
  CHECK(keep_routes(debian12, 12) == hex("0016 fe06 00000000 0077 | 00000001 0000000c 00000000"));
  CHECK(routes_follow(debian12, Family::ipv4) == hex("001a fe06 00000000 0077 | 00000003 00000001 00000001 00000000"));
  CHECK(routes_complete(newest, Family::ipv6) == hex("001a fe06 00000000 0079 | 00000002 00000002 00000001 00000000"));
  CHECK(drop_routes_at_end(debian12) == hex("0012 fe06 00000000 0077 | 00000004 00000000"));
}

TEST_CASE("routes of ours", "[zserv]") {
  Route route{.type = RouteType::babel, .prefix = prefix("10.77.1.0/24"), .distance = 40, .metric = 123, .tag = 4242};
  route.next_hops = {{.link = 2}};
  CHECK(add_route(debian12, route) ==
        hex("0030 fe06 00000000 0008 | 16 0000 00000000 0000000f | 01 02 18 0a4d01 | 0001 |"
            "00000000 01 00 00000002 | 28 0000007b 00001092"));
  CHECK(delete_route(debian12, RouteType::babel, route.prefix) ==
        hex("001b fe06 00000000 0009 | 16 0000 00000000 00000000 | 01 02 18 0a4d01"));
  CHECK(delete_route(debian12, RouteType::babel, prefix("2001:db8:77::/48")) ==
        hex("001e fe06 00000000 0009 | 16 0000 00000000 00000000 | 01 0a 30 20010db80077"));

  SECTION("several hops, one with a weight of its own") {
    route.next_hops = {{.gateway = address("10.0.12.2"), .link = 10},
                       {.gateway = address("10.0.13.2"), .link = 12, .weight = 3}};
    CHECK(add_route(debian12, route) ==
          hex("004a fe06 00000000 0008 | 16 0000 00000000 0000000f | 01 02 18 0a4d01 | 0002 |"
              "00000000 03 04 0a000c02 0000000a 00000001 | 00000000 03 04 0a000d02 0000000c 00000003 |"
              "28 0000007b 00001092"));
    CHECK(added(newest, message(31,
                                "17 0000 00000000 00000001 | 01 02 18 0a4d01 | 0001 |"
                                "00000000 03 04 0a000d02 0000000c 0000000000000003"))
              .next_hops[0] == route.next_hops[1]);
  }
  SECTION("nowhere") {
    route.next_hops = {{.blackhole = Blackhole::drop}};
    CHECK(add_route(debian12, route) ==
          hex("002d fe06 00000000 0008 | 16 0000 00000000 0000000f | 01 02 18 0a4d01 | 0001 |"
              "00000000 06 00 01 | 28 0000007b 00001092"));
  }
  SECTION("a gateway that is on the link all the same") {
    route.next_hops = {{.gateway = address("100.64.0.9"), .link = 2, .on_link = true}};
    CHECK(add_route(debian12, route) ==
          hex("0034 fe06 00000000 0008 | 16 0000 00000000 0000000f | 01 02 18 0a4d01 | 0001 |"
              "00000000 03 01 64400009 00000002 | 28 0000007b 00001092"));
  }
  SECTION("a gateway to be looked up") {
    route.next_hops = {{.gateway = address("2001:db8::1")}};
    CHECK(add_route(newest, route)[16] == 1);  // ZEBRA_FLAG_ALLOW_RECURSION, last byte of the flags
  }
}

TEST_CASE("routes of zebra's", "[zserv]") {
  SECTION("two ways, by BGP") {
    const Route route = added(debian12, message(30, ecmp_body));
    CHECK(route.type == RouteType::bgp);
    CHECK(route.prefix == prefix("192.0.2.0/24"));
    CHECK(route.distance == 20);
    CHECK(route.next_hops == std::vector<NextHop>{{.gateway = address("10.0.12.2"), .link = 10},
                                                  {.gateway = address("10.0.13.2"), .link = 12}});
  }
  SECTION("connected") {
    const Route route = added(debian12, message(30,
                                                "02 0000 00000008 00000017 | 01 02 18 0a000c | 0001 |"
                                                "00000000 01 00 0000000a | 00 00000000 00000000"));
    CHECK(route.type == RouteType::connect);
    CHECK(route.next_hops == std::vector<NextHop>{{.link = 10}});
  }
  SECTION("recursive") {
    const Route route = added(debian12, message(30,
                                                "03 0000 00000049 00000017 | 01 02 10 ac1a | 0001 |"
                                                "00000000 02 04 c0000205 00000000 00000001 | 01 00000000 00000000"));
    CHECK(route.type == RouteType::static_route);
    CHECK(route.next_hops == std::vector<NextHop>{{.gateway = address("192.0.2.5")}});
  }
  SECTION("nowhere") {
    const Route route = added(debian12, message(30,
                                                "03 0000 00000049 00000017 | 01 02 10 ac16 | 0001 |"
                                                "00000000 06 04 02 00000001 | 01 00000000 00000000"));
    CHECK(route.next_hops == std::vector<NextHop>{{.blackhole = Blackhole::reject}});
  }
  SECTION("IPv6 by a link-local gateway") {
    const Route route = added(
        debian12, message(30,
                          "09 0000 00000008 00000017 | 01 0a 24 20010db8b0 | 0001 |"
                          "00000000 05 04 fe80000000000000a04d4cfffe5e4ba0 0000000a 00000001 | 14 00000000 00000000"));
    CHECK(route.prefix == prefix("2001:db8:b000::/36"));
    CHECK(route.next_hops == std::vector<NextHop>{{.gateway = address("fe80::a04d:4cff:fe5e:4ba0"), .link = 10}});
  }
  SECTION("10.7.1, with a weight of 64 bits") {
    const Route route = added(newest, message(31,
                                              "02 0000 00000008 00000017 | 01 02 18 0a000c | 0001 |"
                                              "00000000 01 04 00000003 0000000000000001 | 00 00000000 00000000"));
    CHECK(route.prefix == prefix("10.0.12.0/24"));
    CHECK(route.next_hops == std::vector<NextHop>{{.link = 3}});
  }
  SECTION("read back from the kernel, and for a source") {
    const Route route = added(debian12, message(30, "09 0000 0000000a 00000020 | 01 0a 20 20010db8 | 30 20010db80001"));
    CHECK(route.source == prefix("2001:db8:1::/48"));
    CHECK(route.next_hops.empty());
  }
  SECTION("gone") {
    const auto decoded = decode(debian12, message(31, ecmp_body));
    REQUIRE(decoded);
    CHECK(std::get<RouteDeleted>(*decoded).route.prefix == prefix("192.0.2.0/24"));
  }
}

TEST_CASE("notices, the end of a dump, and what is of no interest", "[zserv]") {
  const auto notice = decode(debian12, hex("001a fe06 00000000 000a | 02000000 02 18 0a4d0100 000000fe 01 01"));
  REQUIRE(notice);
  CHECK(std::get<OwnerNotified>(*notice).notice == Notice::installed);
  CHECK(std::get<OwnerNotified>(*notice).prefix == prefix("10.77.1.0/24"));
  const auto later =
      decode(newest, hex("001f fe06 00000000 000b | 02000000 02 10 0ac80000 00 00000000 000000fe 01 01"));
  REQUIRE(later);
  CHECK(std::get<OwnerNotified>(*later).prefix == prefix("10.200.0.0/16"));

  CHECK(std::holds_alternative<Barrier>(*decode(debian12, hex("000e fe06 00000000 0076 | 02000000"))));
  CHECK(std::holds_alternative<Barrier>(*decode(newest, hex("000e fe06 00000000 0078 | 02000000"))));
  CHECK(std::holds_alternative<Other>(*decode(debian12, hex("000e fe06 00000000 0076 | 01000000"))));
  CHECK(std::holds_alternative<Other>(*decode(debian12, hex("000b fe06 00000000 0000 | 00"))));
  // A route of another VRF.
  Bytes foreign = message(30, ecmp_body);
  foreign[7] = 9;
  CHECK(std::holds_alternative<Other>(*decode(debian12, foreign)));
}

TEST_CASE("a message that does not fit to the last byte is refused", "[zserv]") {
  const Bytes good = message(30, ecmp_body);
  for (size_t size = header_size; size < good.size(); ++size) {
    const auto decoded = decode(debian12, ByteView(good).first(size));
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().message == &messages::zebra_nonsense);
  }
  Bytes longer = good;
  longer.push_back(0);
  CHECK_FALSE(decode(debian12, longer));
  // The same bytes, read as those of a release with wider weights.
  Bytes other_release = good;
  other_release[9] = 31;
  CHECK_FALSE(decode(newest, other_release));

  struct Row {
    const char* what;
    const char* body;
  };
  for (const Row& row :
       {Row{"SAFI", "09 0000 00000008 00000000 | 02 02 18 c00002"},
        Row{"family", "09 0000 00000008 00000000 | 01 03 18 c00002"},
        Row{"prefix", "09 0000 00000008 00000000 | 01 02 21 c000020101"},
        Row{"source prefix", "09 0000 00000008 00000020 | 01 02 18 c00002 | ff"},
        Row{"number of next hops", "09 0000 00000008 00000001 | 01 02 18 c00002 | 0101"},
        Row{"type of next hop", "09 0000 00000008 00000001 | 01 02 18 c00002 | 0001 | 00000000 07 00"},
        Row{"kind of blackhole", "09 0000 00000008 00000001 | 01 02 18 c00002 | 0001 | 00000000 06 00 04"}}) {
    const auto decoded = decode(debian12, message(30, row.body));
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().detail == std::string("REDISTRIBUTE_ROUTE_ADD: its ") + row.what);
  }
  CHECK_FALSE(decode(debian12, hex("001a fe06 00000000 000a | 05000000 02 18 0a4d0100 000000fe 01 01")));
}

TEST_CASE("a route by next hops of an unknown kind has none", "[zserv]") {
  // Flag 0x20: segment routing over IPv6, and what it adds.
  for (const char* body : {"09 0000 00000008 00000001 | 01 02 18 c00002 | 0001 | 00000000 01 20 00000001 abcdef",
                           "09 0000 00000008 00000041 | 01 02 18 c00002 | 0001 | 00000000 01 00 00000001 |"
                           "0001 | 00000000 01 20 00000001 abcdef"}) {
    const auto decoded = decode(debian12, message(30, body));
    REQUIRE(decoded);
    const auto& route = std::get<RouteAdded>(*decoded).route;
    CHECK(route.prefix == *Prefix::parse("192.0.2.0/24"));
    CHECK(route.type == RouteType::bgp);
    CHECK(route.next_hops.empty());
  }
}

TEST_CASE("a stream is cut into messages wherever it is broken", "[zserv]") {
  const Bytes first = message(30, ecmp_body), second = hex("000e fe06 00000000 0076 | 02000000");
  Bytes both = first;
  both.insert(both.end(), second.begin(), second.end());
  for (size_t cut = 0; cut <= both.size(); ++cut) {
    Stream stream;
    std::vector<Bytes> seen;
    const auto take = [&](ByteView part) {
      stream.append(part);
      for (;;) {
        const auto next = stream.next();
        REQUIRE(next);
        if (next->empty()) return;
        seen.emplace_back(next->begin(), next->end());
      }
    };
    take(ByteView(both).first(cut));
    take(ByteView(both).subspan(cut));
    CHECK(seen == std::vector<Bytes>{first, second});
  }
  for (const char* bad : {"0009 fe06 00000000 0076", "000e ff06 00000000 0076", "000e fe05 00000000 0076"}) {
    Stream stream;
    stream.append(hex(bad));
    CHECK_FALSE(stream.next());
  }
}
