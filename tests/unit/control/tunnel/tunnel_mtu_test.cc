#include "tests/unit/control/tunnel/gateway.h"

using namespace sekisho;
using namespace sekisho::control;

TEST_CASE("the MTU follows what the tunnel sends on, and the way that it takes") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  gateway.way = OuterWay{"wan", 1500};
  gateway.tunnels.set("tokyo", "vti0", {.df = ipc::DfPolicy::set, .suites = {EspSuite::aes256_sha512}},
                      address("10.9.2.2"));
  dataplane.work();
  CHECK(gateway.set("tokyo").mtu == 1406);  // 1500 - 20 - 8 - 8 - 16 - 32 = 88 * 16 + 8, less 2
  CHECK(gateway.set("tokyo").df == ipc::DfPolicy::set);

  const uint32_t first = gateway.install("tokyo");  // aes128gcm16, plain
  dataplane.work();
  CHECK(gateway.set("tokyo").mtu == 1446);
  CHECK(gateway.set("tokyo").mss_ipv4 == 1406);
  CHECK(gateway.set("tokyo").mss_ipv6 == 1386);
  const auto sizes = gateway.tunnels.mtu("tokyo");
  REQUIRE(sizes);
  REQUIRE(sizes->sealings.size() == 1);
  CHECK(sizes->sealings[0].sealing.negotiated);

  ike::UpdateChildSa moved{.connection = "tokyo", .inbound_spi = first, .udp_encapsulation = true};
  moved.local = {address("10.9.1.1"), 4500};
  moved.remote = {address("10.9.2.2"), 4500};
  gateway.tunnels.move(moved);
  dataplane.work();
  CHECK(gateway.set("tokyo").mtu == 1438);

  gateway.way->mtu = 1454;
  gateway.tunnels.ways_changed();
  dataplane.work();
  CHECK(gateway.set("tokyo").mtu == 1390);
  gateway.tunnels.ways_changed();
  CHECK(dataplane.queue.empty());  // nothing new

  gateway.tunnels.remove_child("tokyo", first);
  dataplane.work();
  CHECK(gateway.set("tokyo").mtu == 1358);  // 1454 - 84 = 85 * 16 + 10, less 2
}

TEST_CASE("the MTU follows what IKE found of the path to the peer that the tunnel sends to") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  gateway.way = OuterWay{"wan", 1500};
  const IpAddress peer = address("10.9.2.2");
  MtuSettings settings{.suites = {EspSuite::aes128gcm16}, .maybe_in_udp = false};
  gateway.tunnels.set("tokyo", "vti0", settings, peer);
  gateway.tunnels.set_path_mtu("tokyo", peer, 1400);
  gateway.install("tokyo");
  dataplane.work();
  CHECK(gateway.set("tokyo").mtu == 1346);
  CHECK(gateway.set("tokyo").mss_ipv4 == 1306);
  CHECK(gateway.tunnels.mtu("tokyo")->sealings[0].sealing.path_mtu == 1400);
  const auto mtu_with = [&](const IpAddress& remote, std::optional<uint16_t> found) {
    gateway.tunnels.set_path_mtu("tokyo", remote, found);
    dataplane.work();
    return gateway.set("tokyo").mtu;
  };
  CHECK(mtu_with(peer, 1454) == 1398);
  CHECK(mtu_with(peer, 9000) == 1446);                 // no more than the link
  CHECK(mtu_with(address("10.9.7.7"), 1400) == 1346);  // where the peer was before, or is by now
  CHECK(mtu_with(address("2001:db8::7"), 1400) == 1446);
  CHECK(mtu_with(peer, 1400) == 1346);
  CHECK(mtu_with(peer, {}) == 1446);
  gateway.tunnels.set_path_mtu("osaka", peer, 1400);  // no such tunnel
  gateway.tunnels.set_path_mtu("tokyo", peer, {});
  CHECK(dataplane.queue.empty());  // nothing new

  mtu_with(peer, 1400);
  settings.path_mtu_discovery = false;
  gateway.tunnels.set("tokyo", "vti0", settings, peer);
  dataplane.work();
  CHECK(gateway.set("tokyo").mtu == 1446);
  settings.path_mtu_discovery = true;
  settings.outer_mtu = 1492;
  gateway.tunnels.set("tokyo", "vti0", settings, peer);
  dataplane.work();
  CHECK(gateway.set("tokyo").mtu == 1438);
}

TEST_CASE("IKE is told of another way to the peer, once") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  gateway.way = OuterWay{"wan", 1500};
  gateway.tunnels.set("tokyo", "vti0", {}, address("10.9.2.2"));
  dataplane.work();
  CHECK(std::exchange(gateway.other_ways, 0) == 1);
  gateway.tunnels.ways_changed();
  CHECK(gateway.other_ways == 0);
  gateway.way->mtu = 1454;
  gateway.tunnels.ways_changed();
  CHECK(std::exchange(gateway.other_ways, 0) == 1);
  gateway.way.reset();  // a route that is gone for a moment
  gateway.tunnels.ways_changed();
  CHECK(gateway.other_ways == 0);
  gateway.way = OuterWay{"wan2", 1454};
  gateway.tunnels.ways_changed();
  CHECK(gateway.other_ways == 1);
}

TEST_CASE("what an earlier control left may add as much as anything negotiated, until it is gone") {
  Dataplane dataplane;
  {
    Gateway before(dataplane);
    before.install("tokyo", true, 0xa1);
    dataplane.work();
  }
  Gateway after(dataplane);
  after.way = OuterWay{"wan", 1500};
  const MtuSettings settings{.path_mtu_discovery = false, .suites = {EspSuite::aes256_sha512}};
  after.tunnels.set("tokyo", "vti0", settings, address("10.9.2.2"));
  after.install("tokyo", true, 0xa2);
  dataplane.work();
  CHECK(after.set("tokyo").mtu == 1406);
  after.now = *after.tunnels.next_deadline();
  after.tunnels.expire_leftovers();
  dataplane.work();
  CHECK(after.set("tokyo").mtu == 1446);
}

TEST_CASE("what an earlier control found of the path counts until ours has found it, or its SAs are gone") {
  const IpAddress peer = address("10.9.2.2");
  Dataplane dataplane;
  {
    Gateway before(dataplane);
    before.way = OuterWay{"wan", 1500};
    before.tunnels.set("tokyo", "vti0", {}, peer);
    before.install("tokyo", true, 0xa1);
    before.tunnels.set_path_mtu("tokyo", peer, 1400);
    dataplane.work();
    REQUIRE(before.set("tokyo").mtu == 1346);
  }
  Gateway after(dataplane);
  after.way = OuterWay{"wan", 1500};
  MtuSettings settings;
  const auto start = [&] {
    after.tunnels.set("tokyo", "vti0", settings, peer);
    after.install("tokyo", true, 0xa2);
    dataplane.work();
  };
  SECTION("ours looks for it") {
    start();
    CHECK(after.set("tokyo").mtu == 1346);
    CHECK(after.set("tokyo").mss_ipv4 == 1306);
    CHECK(after.tunnels.mtu("tokyo")->recalled);
    SECTION("and finds it") {
      after.tunnels.set_path_mtu("tokyo", peer, 1500);
      dataplane.work();
    }
    SECTION("and does not find it") {
      after.now = *after.tunnels.next_deadline();
      after.tunnels.expire_leftovers();
      dataplane.work();
    }
  }
  SECTION("ours does not look") {
    settings.path_mtu_discovery = false;
    start();
  }
  CHECK(after.set("tokyo").mtu == 1446);
  CHECK_FALSE(after.tunnels.mtu("tokyo")->recalled);
}

TEST_CASE("a TunnelSet that is refused takes no move or removal along, and is sent again") {
  Dataplane dataplane;
  Gateway gateway(dataplane);
  gateway.way = OuterWay{"wan", 1500};
  gateway.tunnels.set("tokyo", "vti0", {}, address("10.9.2.2"));
  const uint32_t spi = gateway.install("tokyo");
  dataplane.work();
  REQUIRE(gateway.set("tokyo").mtu == 1446);

  dataplane.refuse_tunnel_sets = true;
  ike::UpdateChildSa moved{.connection = "tokyo", .inbound_spi = spi, .udp_encapsulation = true};
  moved.local = {address("10.9.1.1"), 4500};
  moved.remote = {address("10.9.2.2"), 4500};
  gateway.tunnels.move(moved);
  dataplane.work();
  for (const auto& [id, sa] : dataplane.sas) CHECK(sa.udp_encapsulation);
  CHECK(gateway.set("tokyo").mtu == 1446);
  dataplane.refuse_tunnel_sets = false;
  REQUIRE(gateway.tunnels.next_deadline());
  gateway.now = *gateway.tunnels.next_deadline();
  gateway.tunnels.retry_refused();
  dataplane.work();
  CHECK(gateway.set("tokyo").mtu == 1438);

  dataplane.refuse_tunnel_sets = true;
  gateway.tunnels.remove_child("tokyo", spi);
  dataplane.work();
  CHECK(dataplane.sas.empty());
  CHECK(gateway.tunnels.next_deadline());
}

TEST_CASE("a route to the peer that is gone, or not known yet, raises no MTU") {
  const MtuSettings settings{.path_mtu_discovery = false, .suites = {EspSuite::aes128gcm16}};
  Dataplane dataplane;
  {
    Gateway gateway(dataplane);
    gateway.way = OuterWay{"wan", 1454};
    gateway.tunnels.set("tokyo", "vti0", settings, address("10.9.2.2"));
    gateway.install("tokyo", true, 0xa1);
    dataplane.work();
    REQUIRE(gateway.set("tokyo").mtu == 1398);
    gateway.way.reset();
    gateway.tunnels.ways_changed();
    CHECK(dataplane.queue.empty());
    gateway.install("tokyo", true, 0xa2);  // a rekey meanwhile
    dataplane.work();
    CHECK(gateway.set("tokyo").mtu == 1398);
  }
  // Another control, which finds SAs that send and has no routes yet.
  dataplane.up = false;
  Gateway after(dataplane);
  after.tunnels.set("tokyo", "vti0", settings, address("10.9.2.2"));
  dataplane.up = true;
  after.tunnels.dataplane_up(dataplane.inventory());
  dataplane.work();
  CHECK(after.set("tokyo").mtu == 1398);
  after.tunnels.ways_changed();
  dataplane.work();
  CHECK(after.set("tokyo").mtu == 1398);
  after.way = OuterWay{"wan", 1500};
  after.tunnels.ways_changed();
  dataplane.work();
  CHECK(after.set("tokyo").mtu == 1438);
}

TEST_CASE("tunnels that carry the same routes have the least MTU and MSS of those that are live") {
  const MtuSettings wide{.suites = {EspSuite::aes128gcm16}};
  MtuSettings narrow = wide;
  narrow.mtu = 1300;
  narrow.mss = 1200;
  const std::map<std::string, std::vector<std::string>> mates = {{"tokyo", {"tokyo", "osaka"}},
                                                                 {"osaka", {"tokyo", "osaka"}}};
  const auto define = [&](Gateway& gateway) {
    gateway.tunnels.set("tokyo", "vti0", wide, address("10.9.2.2"));
    gateway.tunnels.set("osaka", "vti1", narrow, address("10.9.2.2"));
    gateway.tunnels.set_mates(mates);
  };
  Dataplane dataplane;
  const auto settle = [&dataplane](Gateway& gateway) {
    dataplane.work();
    gateway.tunnels.ways_changed();
    dataplane.work();
    gateway.tunnels.ways_changed();
    CHECK(dataplane.queue.empty());
  };
  {
    Gateway gateway(dataplane);
    gateway.way = OuterWay{"wan", 1500};
    define(gateway);
    gateway.install("tokyo");
    settle(gateway);
    CHECK(gateway.set("tokyo").mtu == 1446);
    const uint32_t spi = gateway.install("osaka");
    settle(gateway);
    CHECK(gateway.set("tokyo").mtu == 1300);
    CHECK(gateway.set("tokyo").mss_ipv4 == 1200);
    CHECK(gateway.set("tokyo").mss_ipv6 == 1200);
    CHECK(gateway.tunnels.mtu("tokyo")->mtu_of == "osaka");
    CHECK(gateway.tunnels.mtu("tokyo")->mss_of == "osaka");
    CHECK(gateway.tunnels.mtu("osaka")->mtu_of.empty());
    CHECK(gateway.set("osaka").mtu == 1300);

    gateway.tunnels.remove_child("osaka", spi);
    settle(gateway);
    CHECK(gateway.set("tokyo").mtu == 1446);
    CHECK(gateway.set("tokyo").mss_ipv4 == 1406);
    gateway.install("osaka");
    settle(gateway);
    CHECK(gateway.set("tokyo").mtu == 1300);
    gateway.tunnels.set_mates({});
    settle(gateway);
    CHECK(gateway.set("tokyo").mtu == 1446);
    gateway.tunnels.set_mates(mates);
    settle(gateway);
    CHECK(gateway.set("tokyo").mtu == 1300);
  }
  // Another control finds them live, before it knows any way.
  dataplane.up = false;
  Gateway after(dataplane);
  define(after);
  dataplane.up = true;
  after.tunnels.dataplane_up(dataplane.inventory());
  settle(after);
  CHECK(after.set("tokyo").mtu == 1300);
  after.way = OuterWay{"wan", 1500};
  settle(after);
  CHECK(after.set("tokyo").mtu == 1300);
}

TEST_CASE("an MSS that is not limited stays so among others that are") {
  TunnelMtu free{.mtu = 1400};
  lower_to(free, "osaka", {.mtu = 1500, .mss_ipv4 = 1360, .mss_ipv6 = 1340});
  CHECK(free.mtu == 1400);
  CHECK(free.mss_ipv4 == 0);
  TunnelMtu limited{.mtu = 1400, .mss_ipv4 = 1360, .mss_ipv6 = 1340};
  lower_to(limited, "osaka", {.mtu = 1400});
  CHECK(limited.mss_ipv4 == 1360);
  CHECK(limited.mss_of.empty());
}
