// Whatever the network does and whoever asks for what, one tunnel is left: a search over many seeds. The quick run has
// 500 of them; the suite `seeds` has 10,000.
#include "tests/sim/weather.h"

#include <catch2/catch.hpp>

namespace sekisho::sim {
namespace {

Ends choose_ends(World& world) {
  Random& random = world.random();
  if (random.below(4) == 0) world.nat = IpAddress::parse("10.9.9.9");
  Ends ends{connection_of(world, world.a), connection_of(world, world.b)};
  const auto esp = *ike::EspProposal::parse(random.below(2) == 0 ? "aes128gcm16" : "aes256-sha256-x25519");
  ends.a.children.front().esp_proposals = ends.b.children.front().esp_proposals = {esp};
  choose_start(world, ends);
  return ends;
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
      ask(world, either(world));
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
      Node& node = either(world);
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
