// How a tunnel comes up: every way into IKE_SA_INIT and IKE_AUTH, over a network that does its worst.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

const Network rough{.loss = 0.15, .duplication = 0.15, .shortest = 5ms, .longest = 400ms};

TEST_CASE("the tunnel comes up from either side, over a perfect network at once") {
  for_seeds(10, [](World& world) {
    auto at_a = connection_of(world, world.a), at_b = connection_of(world, world.b);
    if (world.random().below(2) == 0) std::swap(at_a.start, at_b.start);
    world.step(world.a, ike::SetConnection{std::move(at_a)});
    world.step(world.b, ike::SetConnection{std::move(at_b)});
    if (!world.run_until([&] { return world.up(tunnel); }, 100ms)) throw Violation("not up within 100 ms");
    world.settle(20s);
    world.expect_one_pair(tunnel);
  });
}

TEST_CASE("the tunnel comes up over a rough network") {
  for_seeds(150, [](World& world) {
    world.network = rough;
    world.step(world.b, ike::SetConnection{connection_of(world, world.b)});
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    if (!world.run_until([&] { return world.up(tunnel); }, 300s)) throw Violation("never up");
    world.settle();
    world.expect_one_pair(tunnel);
  });
}

}  // namespace
}  // namespace sekisho::sim
