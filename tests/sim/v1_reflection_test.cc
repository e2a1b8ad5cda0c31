// In IKEv1 keys and IVs are the same in both directions. Somebody on the path without any key, who sends from an
// address of their own what went to and fro: to whom it was meant, or back to whom it came from.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

const IpAddress stranger = *IpAddress::parse("10.9.66.66");

// `a` stands behind a NAT, so `b` follows it to where it shows itself.
void bring_up(World& world) {
  world.version = ike::IkeVersion::v1;
  world.nat = *IpAddress::parse("10.9.9.9");
  world.record = true;
  for (Node* node : {&world.b, &world.a}) world.step(*node, ike::SetConnection{connection_of(world, *node)});
  if (!world.run_until([&] { return world.up(tunnel); }, 10s)) throw Violation("not up in time");
  world.run_for(1s);
}

enum class To : uint8_t { receiver, sender };
// All that was recorded from the `first` message on, from the stranger's address.
void repeat(World& world, To whom, size_t first = 0) {
  world.strangers.insert(stranger);  // has repeated answers sent there
  const size_t end = world.recorded.size();
  for (size_t i = first; i < end; ++i) {
    const World::Recorded seen = world.recorded[i];
    Node& node = whom == To::receiver ? *seen.to : world.peer_of(*seen.to);
    const uint16_t port = seen.datagram.local.port == 500 ? 500 : 4500;
    if (node.alive) world.step(node, ike::DatagramReceived{{node.address, port}, {stranger, port}, seen.datagram.data});
  }
}

// Where `b` sends IKE and ESP, and on which SAs.
std::string seen_from_b(const World& world) {
  std::string text;
  for (const auto& sa : world.b.engine->ike_sas()) text += sa.state + " " + sa.remote.text() + "; ";
  for (const auto& [spi, sa] : world.b.data_path->installed())
    text += std::to_string(spi) + " " + sa.remote.text() + "; ";
  return text;
}

}  // namespace

TEST_CASE("v1: what is sent back to its sender, or again, from elsewhere, moves nothing and makes nothing") {
  for (const To whom : {To::sender, To::receiver})
    for_seeds(5, [&](World& world) {
      bring_up(world);
      world.step(world.b, ike::RekeyChild{tunnel});
      world.run_for(100s);  // superseded children are gone, and quick modes are not kept any more
      const std::string before = seen_from_b(world);
      repeat(world, whom);
      if (seen_from_b(world) != before) throw Violation(before + "became " + seen_from_b(world));
      if (world.b.data_path->reserved() != 0) throw Violation("an SPI was allocated");
      world.run_for(60s);
      world.expect_settled(tunnel);
    });
}

TEST_CASE("v1: a dead peer is found dead though somebody sends back, or again, all that is said") {
  for (const To whom : {To::sender, To::receiver})
    for_seeds(5, [&](World& world) {
      bring_up(world);
      world.run_for(30s);
      world.a.alive = false;
      size_t first = 0;
      for (int round = 0; round < 60 && world.b.count(messages::ike_peer_dead) == 0; ++round) {
        repeat(world, whom, first);
        // What goes back is what was just said; again comes what the peer said before it died.
        if (whom == To::sender) first = world.recorded.size();
        world.run_for(1s);
      }
      if (world.b.count(messages::ike_peer_dead) == 0) throw Violation("the dead peer lives");
    });
}

TEST_CASE("v1: an error of ours that comes back refuses no quick mode of ours") {
  for_seeds(5, [](World& world) {
    bring_up(world);
    // `b` refuses what `a` asks for, and then asks itself.
    auto more = connection_of(world, world.a);
    more.children.front().remote_selectors.push_back(TrafficSelector::from_prefix(*Prefix::parse("10.3.0.0/24")));
    const size_t first = world.recorded.size();
    world.step(world.a, ike::SetConnection{std::move(more)});
    if (!world.run_until([&] { return world.b.count(messages::ike_ts_unacceptable) > 0; }, 10s))
      throw Violation("nothing was refused");
    world.run_for(1s);
    world.filter = [](const Node&, ByteView) { return false; };
    world.step(world.b, ike::RekeyChild{tunnel});
    repeat(world, To::sender, first);
    world.filter = nullptr;
    world.run_for(5s);
    for (const ike::Report& report : world.b.reports)
      if (report.detail.starts_with("peer answered")) throw Violation("its own refusal was taken for the peer's");
  });
}

TEST_CASE("v1: a peer behind a NAT that maps anew is followed") {
  for_seeds(20, [](World& world) {
    bring_up(world);
    if (world.random().below(2) == 0)
      world.network = {.loss = 0.15, .duplication = 0.15, .shortest = 5ms, .longest = 400ms};
    world.nat_shift = 20000;
    if (!world.run_until([&] { return world.up(tunnel); }, 60s)) throw Violation("not followed");
    world.settle(60s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("v1: a rekey by a peer behind a NAT that has just mapped anew gets through") {
  for_seeds(20, [](World& world) {
    bring_up(world);
    world.nat_shift = 20000;
    world.step(world.a, ike::RekeyChild{tunnel});
    if (!world.run_until([&] { return world.up(tunnel); }, 2s)) throw Violation("the answer went to the old mapping");
    world.settle(60s);
    world.expect_settled(tunnel);
  });
}

}  // namespace sekisho::sim
