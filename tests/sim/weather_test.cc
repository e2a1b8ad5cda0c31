// Whatever the network does and whoever asks for what, one tunnel is left: a search over many seeds. The quick run has
// 500 of them; the suite `seeds` has 10,000.
#include <catch2/catch.hpp>

#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

// Up to so much: 0 to 40 % are lost, 0 to 30 % come twice, and each takes 1 to 500 ms, so that they overtake each
// other.
Network weather(World& world) {
  Random& random = world.random();
  return {.loss = static_cast<double>(random.below(41)) / 100,
          .duplication = static_cast<double>(random.below(31)) / 100,
          .shortest = 1ms,
          .longest = 1ms + 1ms * static_cast<int>(random.below(500))};
}

struct Ends {
  ike::Connection a, b;
};

// Either begins, or both do.
Ends choose_ends(World& world) {
  Random& random = world.random();
  if (random.below(4) == 0) world.nat = IpAddress::parse("10.9.9.9");
  Ends ends{connection_of(world, world.a), connection_of(world, world.b)};
  const auto esp = *ike::EspProposal::parse(random.below(2) == 0 ? "aes128gcm16" : "aes256-sha256-x25519");
  ends.a.children.front().esp_proposals = ends.b.children.front().esp_proposals = {esp};
  const uint64_t starts = world.nat ? 0 : random.below(3);  // nobody reaches what is behind the NAT first
  if (starts != 0) ends.b.start = ike::StartMode::start;
  if (starts == 1) ends.a.start = ike::StartMode::respond;
  return ends;
}

void configure(World& world, Node& node, const Ends& ends) {
  world.step(node, ike::SetConnection{&node == &world.a ? ends.a : ends.b});
}

void pause(World& world, Duration longest) {
  world.run_for(Duration(static_cast<int64_t>(world.random().below(static_cast<uint64_t>(longest.count())))));
}

void ask(World& world, Node& node) {
  switch (world.random().below(4)) {
    case 0:
      return world.step(node, ike::RekeyIke{tunnel});
    case 1:
      return world.step(node, ike::Initiate{tunnel});
    default:
      return world.step(node, ike::RekeyChild{tunnel});
  }
}

TEST_CASE("one tunnel is left", "[seeds]") {
  for_seeds(250, [](World& world) {
    world.network = weather(world);
    const Ends ends = choose_ends(world);
    for (Node* node : {&world.b, &world.a}) configure(world, *node, ends);
    world.run_until([&] { return world.up(tunnel); }, 120s);
    world.run_for(20s);  // where both began, one of two IKE SAs goes
    // An exchange may fail for good where more is lost, and its SA goes with it.
    world.hitless = world.up(tunnel) && world.network.loss <= 0.15;
    world.traffic = 50ms;
    for (uint64_t round = world.random().below(6); round > 0; --round) {
      ask(world, world.random().below(2) == 0 ? world.a : world.b);
      pause(world, world.random().below(2) == 0 ? Duration(50ms) : Duration(4s));
    }
    world.traffic = 1s;
    world.settle(180s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("one tunnel is left when ends die and the network breaks", "[seeds]") {
  for_seeds(250, [](World& world) {
    world.network = weather(world);
    const Ends ends = choose_ends(world);
    for (Node* node : {&world.b, &world.a}) configure(world, *node, ends);
    pause(world, 5s);
    for (uint64_t round = world.random().below(4); round > 0; --round) {
      Node& node = world.random().below(2) == 0 ? world.a : world.b;
      switch (world.random().below(3)) {
        case 0:  // a new process, which remembers nothing
          world.restart(node);
          configure(world, node, ends);
          break;
        case 1:  // silence
          world.filter = [](const Node&, ByteView) { return false; };
          pause(world, 60s);
          world.filter = nullptr;
          break;
        default:
          ask(world, node);
      }
      pause(world, 10s);
    }
    world.settle(300s);
    world.expect_settled(tunnel);
  });
}

}  // namespace
}  // namespace sekisho::sim
