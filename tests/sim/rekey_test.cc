// Renewal without interruption: child SAs and IKE SAs, from either end, from both at once, over a rough network. All of
// it runs with World::hitless: at every instant each end sends on an SA that the other has.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

const Network rough{.loss = 0.15, .duplication = 0.15, .shortest = 5ms, .longest = 400ms};

struct Settings {
  const char* esp = "aes128gcm16";
  Duration child_lifetime = 1h, ike_lifetime = 8h;
};

void bring_up(World& world, const Settings& settings = {}) {
  for (Node* node : {&world.b, &world.a}) {
    ike::Connection connection = connection_of(world, *node);
    connection.children.front().esp_proposals = {*ike::EspProposal::parse(settings.esp)};
    connection.children.front().lifetime = settings.child_lifetime;
    connection.ike_lifetime = settings.ike_lifetime;
    world.step(*node, ike::SetConnection{std::move(connection)});
  }
  if (!world.run_until([&] { return world.up(tunnel); }, 10s)) throw Violation("not up in time");
  world.hitless = true;
  world.traffic = 7ms;
  world.run_for(100ms);  // each end has seen a packet of the other
}

Node& either(World& world) { return world.random().below(2) == 0 ? world.a : world.b; }

void pause(World& world, Duration longest) {
  world.run_for(Duration(static_cast<int64_t>(world.random().below(static_cast<uint64_t>(longest.count())))));
}

uint32_t spi_of(const Node& node) { return node.data_path->installed().begin()->first; }

TEST_CASE("a child SA is rekeyed from either end") {
  for (const char* esp : {"aes128gcm16", "aes256-sha256-ecp256", "aes128gcm16-x25519-esn"})
    for_seeds(100, [&](World& world) {
      bring_up(world, {.esp = esp});
      if (world.random().below(2) == 0) world.network = rough;
      for (int round = 0; round < 5; ++round) {
        const uint32_t before = spi_of(world.a);
        world.step(either(world), ike::RekeyChild{tunnel});
        if (!world.run_until([&] { return !world.a.data_path->find(before); }, 10s))
          throw Violation("the old child SA is still there");
      }
      world.traffic = 1s;
      world.settle(30s);
      world.expect_settled(tunnel);
    });
}

TEST_CASE("without traffic the responder switches when the old child is deleted") {
  for_seeds(50, [](World& world) {
    bring_up(world);
    world.traffic = 0s;
    for (int round = 0; round < 3; ++round) {
      world.step(either(world), ike::RekeyChild{tunnel});
      world.run_for(5s);
      world.expect_settled(tunnel);
    }
  });
}

TEST_CASE("both ends rekey the child SA at once") {
  for_seeds(400, [](World& world) {
    bring_up(world, {.esp = world.random().below(2) == 0 ? "aes128gcm16" : "aes128gcm16-x25519"});
    if (world.random().below(2) == 0) world.network = rough;
    for (int round = 0; round < 3; ++round) {
      world.step(world.a, ike::RekeyChild{tunnel});
      pause(world, 30ms);
      world.step(world.b, ike::RekeyChild{tunnel});
      world.run_for(15s);
    }
    world.traffic = 1s;
    world.settle(60s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("the IKE SA is rekeyed from either end") {
  for_seeds(150, [](World& world) {
    bring_up(world);
    if (world.random().below(2) == 0) world.network = rough;
    const uint64_t before = world.a.engine->ike_sas()[0].initiator_spi;
    for (int round = 0; round < 3; ++round) {
      world.step(either(world), ike::RekeyIke{tunnel});
      world.run_for(15s);
    }
    world.traffic = 1s;
    world.settle(90s);
    world.expect_settled(tunnel);
    if (world.a.engine->ike_sas()[0].initiator_spi == before) throw Violation("the IKE SA is still the old one");
  });
}

TEST_CASE("both ends rekey the IKE SA at once") {
  for_seeds(400, [](World& world) {
    bring_up(world);
    if (world.random().below(2) == 0) world.network = rough;
    for (int round = 0; round < 2; ++round) {
      world.step(world.a, ike::RekeyIke{tunnel});
      pause(world, 30ms);
      world.step(world.b, ike::RekeyIke{tunnel});
      world.run_for(20s);
    }
    world.traffic = 1s;
    world.settle(120s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("child and IKE SA are rekeyed in any order from both ends") {
  for_seeds(300, [](World& world) {
    bring_up(world);
    if (world.random().below(2) == 0) world.network = rough;
    for (int round = 0; round < 12; ++round) {
      Node& node = either(world);
      if (world.random().below(2) == 0)
        world.step(node, ike::RekeyIke{tunnel});
      else
        world.step(node, ike::RekeyChild{tunnel});
      pause(world, world.random().below(2) == 0 ? Duration(40ms) : Duration(3s));
    }
    world.traffic = 1s;
    world.settle(180s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("short lifetimes renew everything by themselves, without a gap") {
  for_seeds(30, [](World& world) {
    bring_up(world, {.child_lifetime = 20s, .ike_lifetime = 50s});
    world.network = {.loss = 0.05, .duplication = 0.05, .shortest = 5ms, .longest = 100ms};
    world.traffic = 50ms;
    world.run_for(300s);
    for (const Node* node : {&world.a, &world.b}) {
      if (node->count(messages::child_expired) + node->count(messages::ike_expired) != 0)
        throw Violation("something expired");
      if (node->count(messages::child_established) < 10) throw Violation("too few rekeys");
    }
  });
}

TEST_CASE("the data path asks for a rekey, and for an end") {
  for_seeds(50, [](World& world) {
    bring_up(world);
    const uint32_t first = spi_of(world.a);
    world.step(world.a, ike::ChildSaEvent{first, ike::ChildSaEvent::Kind::soft_expired});
    world.step(world.a, ike::ChildSaEvent{first, ike::ChildSaEvent::Kind::soft_expired});
    world.run_for(5s);
    world.expect_settled(tunnel);
    if (spi_of(world.a) == first) throw Violation("not rekeyed");
    world.hitless = false;
    Node& node = either(world);
    world.step(node, ike::ChildSaEvent{spi_of(node), ike::ChildSaEvent::Kind::hard_expired});
    if (!node.data_path->installed().empty()) throw Violation("a hard-expired SA stays in the data path");
    world.settle(30s);
    world.expect_settled(tunnel);
  });
}

}  // namespace
}  // namespace sekisho::sim
