// Outer addresses that change while a tunnel is up: by MOBIKE, by a NAT that maps anew, and by nobody who may.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

const IpAddress first = *IpAddress::parse("10.9.1.1"), second = *IpAddress::parse("10.9.3.3");

void bring_up(World& world, bool mobike = true) {
  auto at_a = connection_of(world, world.a), at_b = connection_of(world, world.b);
  at_a.other_locals = {second};
  at_a.mobike = mobike;
  world.step(world.a, ike::AddressesChanged{{world.a.address}});
  world.step(world.b, ike::SetConnection{std::move(at_b)});
  world.step(world.a, ike::SetConnection{std::move(at_a)});
  world.run_for(1s);
  if (!world.up(tunnel)) throw Violation("not up");
}

void move(World& world, const IpAddress& to) {
  world.a.address = to;
  world.step(world.a, ike::AddressesChanged{{to}});
}

uint64_t ike_spi(const Node& node) { return node.engine->ike_sas().at(0).initiator_spi; }

void expect_moved(World& world, const IpAddress& to) {
  world.expect_settled(tunnel);
  if (world.b.engine->ike_sas()[0].remote.address != to) throw Violation("the IKE SA has not moved");
}

}  // namespace

TEST_CASE("MOBIKE: the tunnel goes with its address, and comes back with it") {
  for_seeds(20, [](World& world) {
    bring_up(world);
    const uint64_t before = ike_spi(world.a);
    move(world, second);
    world.run_for(100ms);
    expect_moved(world, second);
    move(world, first);
    world.run_for(100ms);
    expect_moved(world, first);
    if (ike_spi(world.a) != before) throw Violation("it was negotiated anew");
  });
}

TEST_CASE("MOBIKE: moves over a rough network, in the middle of rekeys") {
  for_seeds(150, [](World& world) {
    bring_up(world);
    world.network = {.loss = 0.25, .duplication = 0.2, .shortest = 5ms, .longest = 300ms};
    for (int i = 0; i < 6; ++i) {
      if (world.random().below(2) == 0) world.step(world.b, ike::RekeyChild{tunnel});
      if (world.random().below(3) == 0) world.step(world.a, ike::RekeyIke{tunnel});
      world.run_for(Duration(static_cast<int64_t>(world.random().below(1'000'000'000))));
      move(world, world.a.address == first ? second : first);
      if (world.random().below(2) == 0) world.step(world.a, ike::RekeyChild{tunnel});
    }
    world.settle();
    expect_moved(world, world.a.address);
  });
}

TEST_CASE("an address that goes away for a while takes nothing with it") {
  for_seeds(10, [](World& world) {
    bring_up(world);
    const uint64_t before = ike_spi(world.a);
    const IpAddress nowhere = *IpAddress::parse("10.9.9.9");
    move(world, nowhere);
    world.run_for(5s);
    move(world, first);
    world.run_for(1s);
    expect_moved(world, first);
    if (ike_spi(world.a) != before) throw Violation("it was negotiated anew");
    move(world, nowhere);
    world.run_for(300s);  // so long that the peers take each other for dead
    move(world, first);
    world.run_for(1s);
    expect_moved(world, first);
  });
}

TEST_CASE("without MOBIKE a tunnel whose address went away is negotiated anew from the other one") {
  for_seeds(3, [](World& world) {
    bring_up(world, false);
    auto at_b = connection_of(world, world.b);
    at_b.remote = IpAddress::any(Family::ipv4);
    world.step(world.b, ike::SetConnection{std::move(at_b)});
    world.run_for(20s);
    move(world, second);
    world.settle(300s);
    expect_moved(world, second);
  });
}

TEST_CASE("a NAT that maps anew loses the tunnel for no longer than a probe takes") {
  for (const bool mobike : {true, false})
    for_seeds(10, [&](World& world) {
      world.nat = *IpAddress::parse("10.9.7.7");
      bring_up(world, mobike);
      const uint64_t before = ike_spi(world.a);
      world.run_for(30s);
      world.nat_shift = 20000;
      world.run_for(30s);
      world.expect_settled(tunnel);
      if (world.b.engine->ike_sas()[0].remote.port != 24500) throw Violation("the IKE SA has not moved");
      if (ike_spi(world.a) != before) throw Violation("it was negotiated anew");
    });
}

TEST_CASE("ESP that comes from elsewhere moves the child, and without MOBIKE the IKE SA too") {
  for (const bool mobike : {true, false})
    for_seeds(1, [&](World& world) {
      world.nat = *IpAddress::parse("10.9.7.7");
      bring_up(world, mobike);
      world.nat_shift = 20000;
      const uint32_t spi = world.b.data_path->installed().begin()->first;
      world.step(world.b, ike::PeerMoved{spi, {*world.nat, 24500}});
      if (!world.up(tunnel)) throw Violation("the child has not moved");
      if ((world.b.engine->ike_sas()[0].remote.port == 24500) == mobike) throw Violation("what of the IKE SA?");
      world.step(world.b, ike::PeerMoved{spi + 1, {*world.nat, 1}});  // nobody's
      if (!world.up(tunnel)) throw Violation("an unknown SPI moved a child");
    });
}

TEST_CASE("ESP from elsewhere moves no child that is not behind a NAT") {
  for_seeds(1, [](World& world) {
    bring_up(world);
    world.step(world.b, ike::PeerMoved{world.b.data_path->installed().begin()->first, {second, 4500}});
    expect_moved(world, first);
  });
}

TEST_CASE("messages from elsewhere that are repeated or forged move nothing") {
  for (const bool mobike : {true, false})
    for_seeds(3, [&](World& world) {
      world.record = true;
      world.nat = *IpAddress::parse("10.9.7.7");
      const IpAddress elsewhere = *IpAddress::parse("10.9.66.6");
      world.strangers = {elsewhere};  // has repeated answers sent there, few of them
      bring_up(world, mobike);
      world.run_for(30s);
      world.step(world.a, ike::RekeyChild{tunnel});
      world.run_for(1s);
      const auto recorded = world.recorded;
      for (const auto& each : recorded)
        for (const bool flip : {false, true}) {
          ike::DatagramReceived datagram = each.datagram;
          datagram.remote = {elsewhere, 4500};
          if (flip) datagram.data.back() ^= 1;
          world.step(*each.to, std::move(datagram));
        }
      world.run_for(1s);
      if (world.b.engine->ike_sas()[0].remote.address != *world.nat) throw Violation("a replay moved the peer");
      world.settle(30s);
      world.expect_settled(tunnel);
    });
}

}  // namespace sekisho::sim
