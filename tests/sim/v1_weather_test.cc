// IKEv1: whatever the network does and whoever asks for what, one tunnel is left: a search over many seeds. The quick
// run has 500 of them; the suite `seeds` has 10,000.
#include <catch2/catch.hpp>

#include "tests/sim/weather.h"

namespace sekisho::sim {
namespace {

// What is superseded is cleared by one end after ten seconds, by the other after forty, and a dead peer is found in
// between.
constexpr Duration clearing = 300s;

Ends choose_ends(World& world) {
  Random& random = world.random();
  world.version = ike::IkeVersion::v1;
  if (random.below(4) == 0) world.nat = IpAddress::parse("10.9.9.9");
  Ends ends{connection_of(world, world.a), connection_of(world, world.b)};
  const auto esp = *ike::EspProposal::parse(random.below(2) == 0 ? "aes128gcm16" : "aes256-sha256-ecp256");
  ends.a.children.front().esp_proposals = ends.b.children.front().esp_proposals = {esp};
  ends.a.aggressive = ends.b.aggressive = random.below(3) == 0;
  choose_start(world, ends);
  return ends;
}

Ends begin(World& world) {
  world.network = weather(world);
  Ends ends = choose_ends(world);
  for (Node* node : {&world.b, &world.a}) configure(world, *node, ends);
  return ends;
}

TEST_CASE("v1: one tunnel is left", "[seeds]") {
  for_seeds(250, [](World& world) {
    begin(world);
    world.run_until([&] { return world.up(tunnel); }, 120s);
    world.run_for(60s);  // where both began, one of two ISAKMP SAs goes
    // An exchange may fail for good where more is lost, and its SA goes with it.
    world.hitless = world.up(tunnel) && world.network.loss <= 0.15;
    world.traffic = 50ms;
    for (uint64_t round = world.random().below(6); round > 0; --round) {
      ask(world, either(world));
      pause(world, world.random().below(2) == 0 ? Duration(50ms) : Duration(4s));
    }
    world.traffic = 1s;
    world.settle(clearing);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("v1: one tunnel is left when ends die, delete and begin anew, and the network breaks", "[seeds]") {
  for_seeds(250, [](World& world) {
    const Ends ends = begin(world);
    pause(world, 5s);
    for (uint64_t round = world.random().below(5); round > 0; --round) {
      Node& node = either(world);
      switch (world.random().below(5)) {
        case 0:  // a new process, which remembers nothing
          world.restart(node);
          configure(world, node, ends);
          break;
        case 1:  // silence
          world.filter = [](const Node&, ByteView) { return false; };
          pause(world, 60s);
          world.filter = nullptr;
          break;
        case 2:  // deletes of both phases, any of which may be lost
          world.step(node, ike::Terminate{tunnel});
          pause(world, 5s);
          break;
        case 3:
          if (const auto& installed = node.data_path->installed(); !installed.empty())
            world.step(node, ike::ChildSaEvent{installed.begin()->first, ike::ChildSaEvent::Kind::hard_expired});
          break;
        default:
          ask(world, node);
      }
      pause(world, 10s);
    }
    // Who was told to stay down is told otherwise; a responder waits for the other.
    for (Node* node : {&world.a, &world.b})
      if (!world.nat || node == &world.a) world.step(*node, ike::Initiate{tunnel});
    world.settle(clearing);
    world.expect_settled(tunnel);
  });
}

}  // namespace
}  // namespace sekisho::sim
