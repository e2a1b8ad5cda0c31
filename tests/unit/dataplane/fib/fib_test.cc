#include "dataplane/fib/fib.h"

#include <rte_fib.h>

#include <catch2/catch.hpp>
#include <map>

#include "dataplane/rcu/reclaimer.h"
#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane {
namespace {

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }
IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

NextHop adjacency(uint8_t mac) {
  NextHop next_hop;
  next_hop.kind = ipc::NextHopKind::adjacency;
  next_hop.mac = {2, 0, 0, 0, 0, mac};
  return next_hop;
}

// Empty, whatever the test before left.
Fib& fresh_fib() {
  Fib& fib = test::tables(0).fib();
  fib.begin(true);
  REQUIRE(fib.commit());
  REQUIRE(fib.poll());
  REQUIRE(fib.idle());
  return fib;
}

uint16_t found(const Fib& fib, const char* where, ipc::VrfId vrf = ipc::front_door) {
  return fib.lookup(address(where), vrf).value();
}

constexpr ipc::VrfId red{1};

Fib& fresh_fib_with_red() {
  Fib& fib = fresh_fib();
  if (!fib.has_vrf(red)) REQUIRE(fib.add_vrf(red));
  return fib;
}

}  // namespace

TEST_CASE("the FIB finds the longest match of either family, and drop where there is none") {
  Fib& fib = fresh_fib();
  CHECK(found(fib, "10.1.2.3") == 0);
  fib.begin(false);
  REQUIRE(fib.set_next_hop(ipc::NextHopId(1), adjacency(1)));
  REQUIRE(fib.set_next_hop(ipc::NextHopId(2), adjacency(2)));
  REQUIRE(fib.set_next_hop(ipc::NextHopId(ipc::max_next_hops - 1), adjacency(3)));
  REQUIRE(fib.set_route(prefix("0.0.0.0/0"), ipc::NextHopId(1)));
  REQUIRE(fib.set_route(prefix("10.1.0.0/16"), ipc::NextHopId(2)));
  REQUIRE(fib.set_route(prefix("10.1.2.3/32"), ipc::NextHopId(ipc::max_next_hops - 1)));
  REQUIRE(fib.set_route(prefix("10.1.3.0/24"), ipc::NextHopId(0)));
  REQUIRE(fib.set_route(prefix("::/0"), ipc::NextHopId(1)));
  REQUIRE(fib.set_route(prefix("fd00:2::/64"), ipc::NextHopId(2)));
  REQUIRE(fib.set_route(prefix("fd00:2::1/128"), ipc::NextHopId(ipc::max_next_hops - 1)));
  REQUIRE(fib.commit());
  for (int replica = 0; replica < 2; ++replica) {
    CHECK(found(fib, "192.0.2.1") == 1);
    CHECK(found(fib, "255.255.255.255") == 1);
    CHECK(found(fib, "10.1.9.9") == 2);
    CHECK(found(fib, "10.1.2.3") == ipc::max_next_hops - 1);
    CHECK(found(fib, "10.1.2.4") == 2);
    CHECK(found(fib, "10.1.3.4") == 0);
    CHECK(found(fib, "2001:db8::1") == 1);
    CHECK(found(fib, "fd00:2::2") == 2);
    CHECK(found(fib, "fd00:2::1") == ipc::max_next_hops - 1);
    CHECK(fib.next_hop(ipc::NextHopId(ipc::max_next_hops - 1)) == adjacency(3));
    // The other replica, once it has caught up and an empty commit made it active.
    REQUIRE(fib.poll());
    REQUIRE(fib.idle());
    fib.begin(false);
    REQUIRE(fib.commit());
  }
  REQUIRE(fib.poll());
  fib.begin(false);
  REQUIRE(fib.remove_route(prefix("10.1.0.0/16")));
  REQUIRE(fib.remove_route(prefix("0.0.0.0/0")));
  REQUIRE(fib.remove_route(prefix("172.16.0.0/12")));  // never was there
  REQUIRE(fib.commit());
  CHECK(found(fib, "10.1.9.9") == 0);
  CHECK(found(fib, "10.1.2.3") == ipc::max_next_hops - 1);
  CHECK(found(fib, "192.0.2.1") == 0);
  REQUIRE(fib.poll());
}

TEST_CASE("a replacement removes what it does not name") {
  Fib& fib = fresh_fib();
  fib.begin(false);
  REQUIRE(fib.set_next_hop(ipc::NextHopId(1), adjacency(1)));
  REQUIRE(fib.set_next_hop(ipc::NextHopId(2), adjacency(2)));
  REQUIRE(fib.set_route(prefix("10.1.0.0/16"), ipc::NextHopId(1)));
  REQUIRE(fib.set_route(prefix("10.2.0.0/16"), ipc::NextHopId(2)));
  REQUIRE(fib.commit());
  REQUIRE(fib.poll());
  fib.begin(true);
  CHECK_FALSE(fib.set_route(prefix("10.2.0.0/16"), ipc::NextHopId(2)));  // not named in this transaction
  REQUIRE(fib.set_next_hop(ipc::NextHopId(2), adjacency(9)));
  REQUIRE(fib.set_route(prefix("10.2.0.0/16"), ipc::NextHopId(2)));
  REQUIRE(fib.commit());
  REQUIRE(fib.poll());
  CHECK(found(fib, "10.1.0.1") == 0);
  CHECK(found(fib, "10.2.0.1") == 2);
  CHECK(fib.routes().size() == 1);
  CHECK(fib.next_hop(ipc::NextHopId(1)) == NextHop{});
  CHECK(fib.next_hop(ipc::NextHopId(2)) == adjacency(9));
}

TEST_CASE("each VRF has routes of its own, to next hops of all") {
  Fib& fib = fresh_fib_with_red();
  const ipc::NextHopId one(1), two(2);
  const auto commit = [&fib] {
    REQUIRE(fib.commit());
    // Both replicas: each is the active one once.
    for (int replica = 0; replica < 2; ++replica) {
      REQUIRE(fib.poll());
      fib.begin(false);
      REQUIRE(fib.commit());
    }
    REQUIRE(fib.poll());
  };
  fib.begin(false);
  REQUIRE(fib.set_next_hop(one, adjacency(1)));
  REQUIRE(fib.set_next_hop(two, adjacency(2)));
  REQUIRE(fib.set_route(prefix("10.0.0.0/8"), one));
  REQUIRE(fib.set_route(prefix("10.0.0.0/8"), two, red));
  REQUIRE(fib.set_route(prefix("10.1.2.3/32"), one, red));
  REQUIRE(fib.set_route(prefix("fd00::/16"), two));
  REQUIRE(fib.set_route(prefix("fd00::/16"), one, red));
  REQUIRE(fib.set_route(prefix("192.0.2.0/24"), one));
  commit();
  CHECK(found(fib, "10.1.2.3") == 1);
  CHECK(found(fib, "10.1.2.4") == 1);
  CHECK(found(fib, "10.1.2.3", red) == 1);
  CHECK(found(fib, "10.1.2.4", red) == 2);
  CHECK(found(fib, "fd00::1") == 2);
  CHECK(found(fib, "fd00::1", red) == 1);
  CHECK(found(fib, "192.0.2.1", red) == 0);  // the front door's is nobody else's
  CHECK(fib.routes().size() == 6);

  fib.begin(false);
  REQUIRE(fib.remove_route(prefix("10.0.0.0/8"), red));
  REQUIRE(fib.remove_route(prefix("192.0.2.0/24"), red));  // never was there
  REQUIRE(fib.remove_route(prefix("10.0.0.0/8"), ipc::VrfId(2)));
  commit();
  CHECK(found(fib, "10.1.2.4", red) == 0);
  CHECK(found(fib, "10.1.2.4") == 1);
  CHECK(found(fib, "192.0.2.1") == 1);

  // A replacement is of all VRFs.
  fib.begin(true);
  REQUIRE(fib.set_next_hop(two, adjacency(2)));
  REQUIRE(fib.set_route(prefix("10.1.0.0/16"), two, red));
  commit();
  CHECK(found(fib, "10.1.2.3", red) == 2);
  CHECK(found(fib, "10.1.2.3") == 0);
  CHECK(found(fib, "fd00::1", red) == 0);
  CHECK(fib.routes().size() == 1);
}

TEST_CASE("what does not fit into one VRF changes no other") {
  Fib& fib = fresh_fib_with_red();
  fib.begin(false);
  REQUIRE(fib.set_next_hop(ipc::NextHopId(1), adjacency(1)));
  REQUIRE(fib.set_route(prefix("10.0.0.0/8"), ipc::NextHopId(1)));
  for (uint32_t i = 0; i < 2 * test::fib_limits.ipv4_tables; ++i)
    REQUIRE(fib.set_route(Prefix(IpAddress::v4(Be32(0xc0000001 + (i << 8))), 32), ipc::NextHopId(1), red));
  const auto result = fib.commit();
  REQUIRE_FALSE(result);
  CHECK(result.error().message->id == "SKO-DPL-023");
  CHECK(result.error().detail.find("VRF 1") != std::string::npos);
  CHECK(found(fib, "10.0.0.1") == 0);
  CHECK(found(fib, "192.0.0.1", red) == 0);
  CHECK(fib.routes().empty());
}

TEST_CASE("a VRF without tables is refused, and one for which there is no memory") {
  test::start_eal();
  Qsbr qsbr(1);
  auto made = Fib::create(test::fib_limits, qsbr, 1);
  REQUIRE(made);
  Fib& fib = **made;
  CHECK(fib.has_vrf(ipc::front_door));
  CHECK_FALSE(fib.active()->several_vrfs);
  fib.begin(false);
  CHECK_FALSE(fib.set_route(prefix("10.0.0.0/8"), ipc::NextHopId(0), red));
  CHECK_FALSE(fib.set_route(prefix("10.0.0.0/8"), ipc::NextHopId(0), ipc::VrfId(ipc::max_vrfs)));
  // The tests' memory holds a few.
  uint8_t vrf = 1;
  Result<void> added;
  while (vrf < ipc::max_vrfs && (added = fib.add_vrf(ipc::VrfId(vrf)))) ++vrf;
  REQUIRE_FALSE(added);
  CHECK(added.error().message->id == "SKO-DPL-020");
  CHECK(added.error().detail.find("VRF " + std::to_string(vrf)) != std::string::npos);
  for (uint8_t each = 0; each < ipc::max_vrfs; ++each) CHECK(fib.has_vrf(ipc::VrfId(each)) == (each < vrf));
  // What was made works, and what is dropped makes room.
  REQUIRE(vrf > 1);
  fib.begin(false);
  REQUIRE(fib.set_next_hop(ipc::NextHopId(1), adjacency(1)));
  REQUIRE(fib.set_route(prefix("10.0.0.0/8"), ipc::NextHopId(1)));
  REQUIRE(fib.commit());
  REQUIRE(fib.poll());
  CHECK(found(fib, "10.0.0.1", red) == 0);
  fib.drop_vrf(red);
  CHECK_FALSE(fib.has_vrf(red));
  CHECK(fib.add_vrf(ipc::VrfId(vrf)));
}

TEST_CASE("what cannot be is refused, and a discarded transaction leaves no trace") {
  Fib& fib = fresh_fib();
  fib.begin(false);
  CHECK_FALSE(fib.set_next_hop(ipc::NextHopId(0), adjacency(1)));
  CHECK_FALSE(fib.set_next_hop(ipc::NextHopId(ipc::max_next_hops), adjacency(1)));
  CHECK_FALSE(fib.set_route(prefix("10.0.0.0/8"), ipc::NextHopId(7)));
  NextHop bad = adjacency(1);
  bad.port = ipc::PortId(ipc::max_ports);
  CHECK_FALSE(fib.set_next_hop(ipc::NextHopId(1), bad));
  bad.kind = static_cast<ipc::NextHopKind>(99);
  CHECK_FALSE(fib.set_next_hop(ipc::NextHopId(1), bad));
  REQUIRE(fib.set_next_hop(ipc::NextHopId(1), adjacency(1)));
  REQUIRE(fib.set_route(prefix("10.0.0.0/8"), ipc::NextHopId(1)));
  fib.discard();
  fib.begin(false);
  REQUIRE(fib.commit());
  REQUIRE(fib.poll());
  CHECK(found(fib, "10.0.0.1") == 0);
}

TEST_CASE("a commit that does not fit changes nothing") {
  Fib& fib = fresh_fib();
  fib.begin(false);
  REQUIRE(fib.set_next_hop(ipc::NextHopId(1), adjacency(1)));
  REQUIRE(fib.set_route(prefix("10.0.0.0/8"), ipc::NextHopId(1)));
  REQUIRE(fib.commit());
  REQUIRE(fib.poll());
  // Each of these needs a second-level table of its own; the test's FIB has few.
  fib.begin(false);
  for (uint32_t i = 0; i < 2 * test::fib_limits.ipv4_tables; ++i)
    REQUIRE(fib.set_route(Prefix(IpAddress::v4(Be32(0xc0000001 + (i << 8))), 32), ipc::NextHopId(1)));
  const auto result = fib.commit();
  REQUIRE_FALSE(result);
  CHECK(result.error().message->id == "SKO-DPL-023");
  CHECK(fib.idle());
  CHECK(found(fib, "192.0.0.1") == 0);
  CHECK(found(fib, "10.0.0.1") == 1);
  CHECK(fib.routes().size() == 1);
  // And the next one that fits works, on both replicas.
  fib.begin(false);
  REQUIRE(fib.set_route(prefix("192.0.0.1/32"), ipc::NextHopId(1)));
  REQUIRE(fib.commit());
  CHECK(found(fib, "192.0.0.1") == 1);
  CHECK(found(fib, "192.0.1.1") == 0);
  REQUIRE(fib.poll());
  CHECK(fib.idle());
}

TEST_CASE("the replica in use is left alone until its readers have moved on") {
  Fib& fib = fresh_fib();
  Qsbr& qsbr = test::tables(0).qsbr;
  qsbr.join(0);
  const Replica* seen = fib.active();
  fib.begin(false);
  REQUIRE(fib.set_next_hop(ipc::NextHopId(5), adjacency(5)));
  REQUIRE(fib.commit());
  CHECK(fib.active() != seen);
  REQUIRE(fib.poll());
  CHECK_FALSE(fib.idle());
  CHECK(seen->next_hops[5] == NextHop{});
  qsbr.quiescent(0);
  REQUIRE(fib.poll());
  CHECK(fib.idle());
  CHECK(seen->next_hops[5] == adjacency(5));
  qsbr.leave(0);
}

TEST_CASE("a replica that cannot follow ends all changes; the complete one stays in use") {
  test::start_eal();
  Qsbr qsbr(1);
  auto made = Fib::create(test::fib_limits, qsbr, 1);
  REQUIRE(made);
  Fib& fib = **made;
  const auto set = [&fib](const char* where) {
    fib.begin(false);
    REQUIRE(fib.set_next_hop(ipc::NextHopId(1), adjacency(1)));
    REQUIRE(fib.set_route(prefix(where), ipc::NextHopId(1)));
    return fib.commit();
  };
  REQUIRE(set("10.0.0.0/8"));
  REQUIRE(fib.poll());
  // One of the two loses a route, so that it cannot be removed there any more.
  const Replica* seen = fib.active();
  fib.begin(false);
  REQUIRE(fib.remove_route(prefix("10.0.0.0/8")));
  REQUIRE(fib.commit());
  REQUIRE(rte_fib_delete(seen->vrfs[0].fib4.get(), 0x0a000000, 8) == 0);
  CHECK_FALSE(fib.poll());
  // Said once, and nobody waits for it for ever.
  CHECK(fib.idle());
  CHECK(fib.poll());
  CHECK_FALSE(set("10.2.0.0/16"));
  CHECK(fib.idle());
  CHECK(fib.active() != seen);
  CHECK(found(fib, "10.2.0.1") == 0);
}

TEST_CASE("outer destinations stay resolved as routes change") {
  Fib& fib = fresh_fib();
  const ipc::SaId sa(77);
  const auto outer = [&] { return fib.active()->outer[77].load(); };
  fib.set_outer(sa, address("192.0.2.9"));
  CHECK(outer() == 0);
  fib.begin(false);
  REQUIRE(fib.set_next_hop(ipc::NextHopId(3), adjacency(3)));
  REQUIRE(fib.set_next_hop(ipc::NextHopId(4), adjacency(4)));
  REQUIRE(fib.set_route(prefix("192.0.2.0/24"), ipc::NextHopId(3)));
  REQUIRE(fib.commit());
  CHECK(outer() == 3);
  REQUIRE(fib.poll());
  fib.begin(false);
  REQUIRE(fib.set_route(prefix("192.0.2.9/32"), ipc::NextHopId(4)));
  REQUIRE(fib.commit());
  CHECK(outer() == 4);
  REQUIRE(fib.poll());
  fib.clear_outer(sa);
  CHECK(outer() == 0);
}

TEST_CASE("groups come, change and go with their transactions, on both replicas") {
  Fib& fib = fresh_fib();
  const ipc::NextHopId id = ipc::group_id(ipc::max_next_hop_groups - 1), one(1), two(2);
  NextHopGroup group;
  group.buckets.fill(one);
  group.buckets[9] = two;
  const auto catch_up = [&fib] {
    REQUIRE(fib.commit());
    REQUIRE(fib.poll());
  };
  fib.begin(false);
  REQUIRE(fib.set_next_hop(one, adjacency(1)));
  CHECK_FALSE(fib.set_group(id, group));  // of what there is not
  REQUIRE(fib.set_next_hop(two, adjacency(2)));
  CHECK_FALSE(fib.set_route(prefix("10.0.0.0/8"), id));
  REQUIRE(fib.set_group(id, group));
  REQUIRE(fib.set_route(prefix("10.0.0.0/8"), id));
  for (int replica = 0; replica < 2; ++replica) {
    catch_up();
    CHECK(found(fib, "10.0.0.1") == id.value());
    CHECK(fib.next_hop(id).kind == ipc::NextHopKind::group);
    CHECK(fib.active()->group(id) == group);
    fib.begin(false);
  }
  group.buckets.fill(two);
  REQUIRE(fib.set_group(id, group));
  fib.discard();
  fib.begin(false);
  catch_up();
  CHECK(fib.active()->group(id).buckets[0] == one);
  // No group, not within one, not of itself, not out of range.
  fib.begin(false);
  CHECK_FALSE(fib.set_group(one, group));
  CHECK_FALSE(fib.set_group(ipc::NextHopId(ipc::max_route_targets), group));
  CHECK_FALSE(fib.set_next_hop(id, adjacency(1)));
  CHECK_FALSE(fib.set_next_hop(one, {.kind = ipc::NextHopKind::group}));
  for (const ipc::NextHopId bad : {id, ipc::group_id(0), ipc::NextHopId(UINT16_MAX)}) {
    group.buckets[255] = bad;
    CHECK_FALSE(fib.set_group(id, group));
  }
  // A replacement that names neither its next hops nor the group.
  fib.begin(true);
  group.buckets.fill(one);
  CHECK_FALSE(fib.set_group(id, group));
  CHECK_FALSE(fib.set_route(prefix("10.0.0.0/8"), id));
  catch_up();
  CHECK(fib.active()->group(id) == NextHopGroup{});
  CHECK(fib.next_hop(id).kind == ipc::NextHopKind::group);
}

TEST_CASE("the packets of an SA, which are one flow, take one way of a group") {
  Fib& fib = fresh_fib();
  const ipc::NextHopId id = ipc::group_id(0);
  NextHopGroup group;
  for (size_t i = 0; i < group.buckets.size(); ++i) group.buckets[i] = ipc::NextHopId(i % 2 ? 3 : 4);
  fib.begin(false);
  REQUIRE(fib.set_next_hop(ipc::NextHopId(3), adjacency(3)));
  REQUIRE(fib.set_next_hop(ipc::NextHopId(4), adjacency(4)));
  REQUIRE(fib.set_group(id, group));
  REQUIRE(fib.set_route(prefix("192.0.2.0/24"), id));
  REQUIRE(fib.commit());
  REQUIRE(fib.poll());
  size_t by_three = 0;
  for (uint32_t sa = 0; sa < 1000; ++sa) {
    fib.set_outer(ipc::SaId(sa), address("192.0.2.9"));
    const uint16_t way = fib.active()->outer[sa].load();
    REQUIRE((way == 3 || way == 4));
    by_three += way == 3;
  }
  CHECK(by_three > 440);
  CHECK(by_three < 560);
  group.buckets.fill(ipc::NextHopId(4));
  fib.begin(false);
  REQUIRE(fib.set_group(id, group));
  REQUIRE(fib.commit());
  for (uint32_t sa = 0; sa < 1000; ++sa) {
    CHECK(fib.active()->outer[sa].load() == 4);
    fib.clear_outer(ipc::SaId(sa));
  }
  REQUIRE(fib.poll());
}

TEST_CASE("an SA takes no member of a group by which nothing sealed leaves, as long as there is another") {
  Fib& fib = fresh_fib();
  const ipc::NextHopId id = ipc::group_id(0), punt(3), neighbour(4), tunnel(5), none(0);
  NextHopGroup group;
  for (size_t i = 0; i < group.buckets.size(); ++i) group.buckets[i] = i % 2 ? tunnel : none;
  group.buckets[100] = punt;
  group.buckets[200] = neighbour;
  fib.begin(false);
  REQUIRE(fib.set_next_hop(punt, {.kind = ipc::NextHopKind::punt}));
  REQUIRE(fib.set_next_hop(neighbour, adjacency(4)));
  REQUIRE(fib.set_next_hop(tunnel, {.kind = ipc::NextHopKind::tunnel, .tunnel = ipc::TunnelId(1)}));
  REQUIRE(fib.set_group(id, group));
  REQUIRE(fib.set_route(prefix("192.0.2.0/24"), id));
  REQUIRE(fib.commit());
  REQUIRE(fib.poll());
  std::map<uint16_t, int> ways;
  for (uint32_t sa = 0; sa < 300; ++sa) {
    fib.set_outer(ipc::SaId(sa), address("192.0.2.9"));
    ++ways[fib.active()->outer[sa].load()];
  }
  CHECK(ways.size() == 2);
  CHECK(ways[punt.value()] > 0);
  CHECK(ways[neighbour.value()] > 0);
  group.buckets.fill(tunnel);
  fib.begin(false);
  REQUIRE(fib.set_group(id, group));
  REQUIRE(fib.commit());
  for (uint32_t sa = 0; sa < 300; ++sa) {
    CHECK(fib.active()->outer[sa].load() == tunnel.value());
    fib.clear_outer(ipc::SaId(sa));
  }
  REQUIRE(fib.poll());
}

TEST_CASE("outer destinations are looked up in the front door") {
  Fib& fib = fresh_fib_with_red();
  fib.begin(false);
  REQUIRE(fib.set_next_hop(ipc::NextHopId(3), adjacency(3)));
  REQUIRE(fib.set_next_hop(ipc::NextHopId(4), adjacency(4)));
  REQUIRE(fib.set_route(prefix("192.0.2.0/24"), ipc::NextHopId(3)));
  REQUIRE(fib.set_route(prefix("192.0.2.9/32"), ipc::NextHopId(4), red));
  REQUIRE(fib.set_route(prefix("198.51.100.9/32"), ipc::NextHopId(4), red));
  REQUIRE(fib.commit());
  fib.set_outer(ipc::SaId(77), address("192.0.2.9"));
  fib.set_outer(ipc::SaId(78), address("198.51.100.9"));
  REQUIRE(fib.poll());
  CHECK(fib.active()->outer[77] == 3);
  CHECK(fib.active()->outer[78] == 0);
  fib.clear_outer(ipc::SaId(77));
  fib.clear_outer(ipc::SaId(78));
}

TEST_CASE("the reclaimer frees after the grace period, not before") {
  Qsbr qsbr(2);
  Reclaimer reclaimer(qsbr);
  qsbr.join(0);
  qsbr.join(1);
  const auto witness = std::make_shared<int>(1);
  const std::weak_ptr<int> alive = witness;
  reclaimer.retire(std::make_unique<std::shared_ptr<int>>(witness));
  reclaimer.poll();
  CHECK(alive.use_count() == 2);
  qsbr.quiescent(0);
  reclaimer.poll();
  CHECK(alive.use_count() == 2);
  qsbr.offline(1);  // asleep counts as quiescent
  reclaimer.poll();
  CHECK(alive.use_count() == 1);
  CHECK(reclaimer.empty());
  qsbr.leave(0);
  qsbr.leave(1);
}

}  // namespace sekisho::dataplane
