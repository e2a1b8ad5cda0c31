// What becomes of a connection of IKEv1 when its peer goes, comes from elsewhere, or its definition changes meanwhile.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

ike::Connection connection_for(World& world, const Node& node) {
  world.version = ike::IkeVersion::v1;
  return connection_of(world, node);
}

void bring_up(World& world, const std::function<void(ike::Connection&)>& at_a = {},
              const std::function<void(ike::Connection&)>& at_b = {}) {
  ike::Connection a = connection_for(world, world.a), b = connection_for(world, world.b);
  if (at_a) at_a(a);
  if (at_b) at_b(b);
  world.step(world.b, ike::SetConnection{std::move(b)});
  world.step(world.a, ike::SetConnection{std::move(a)});
  if (!world.run_until([&] { return world.up(tunnel); }, 10s)) throw Violation("not up in time");
  world.run_for(1s);
}

}  // namespace

TEST_CASE("v1: without probes it is a rekey that shows that the peer has started anew") {
  for_seeds(10, [](World& world) {
    bring_up(world, [](ike::Connection& connection) {
      connection.dpd_action = ike::DpdAction::none;
      connection.children.front().lifetime = 100s;
    });
    world.restart(world.b);
    world.step(world.b, ike::SetConnection{connection_for(world, world.b)});
    if (!world.run_until([&] { return world.up(tunnel); }, 150s)) throw Violation("the dead ISAKMP SA was kept");
  });
}

}  // namespace sekisho::sim
