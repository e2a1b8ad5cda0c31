// Large IKE messages over a network that loses every datagram above its MTU.
#include <catch2/catch.hpp>

#include "control/ike/wire/message.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

// What an IKE message may have, by fragment_size 300 over IPv4. IKE_SA_INIT cannot be cut.
constexpr size_t longest = 300 - 28;

void narrow(World& world) {
  world.filter = [](const Node&, ByteView data) {
    const auto header = ike::wire::decode_header(data);
    return data.size() <= longest || (header && header->exchange == ike::wire::ExchangeType::ike_sa_init);
  };
}

// Names and selectors that fill several fragments.
ike::Connection large_connection(const World& world, const Node& node) {
  auto connection = connection_of(world, node);
  connection.fragment_size = 300;
  for (auto* id : {&connection.local_id, &connection.remote_id}) id->value = std::string(200, 'x') + id->value;
  for (auto* selectors : {&connection.children.front().local_selectors, &connection.children.front().remote_selectors})
    selectors->assign(8, selectors->front());
  return connection;
}

TEST_CASE("large messages pass where only small datagrams do, in spite of losses") {
  for_seeds(60, [](World& world) {
    world.network = {.loss = 0.2, .duplication = 0.2, .shortest = 5ms, .longest = 200ms};
    narrow(world);
    world.step(world.b, ike::SetConnection{large_connection(world, world.b)});
    world.step(world.a, ike::SetConnection{large_connection(world, world.a)});
    if (!world.run_until([&] { return world.up(tunnel); }, 300s)) throw Violation("not up in time");
    world.network = {.loss = 0.05, .duplication = 0.2, .shortest = 5ms, .longest = 100ms};
    world.run_for(20s);
    for (Node* node : {&world.a, &world.b}) {
      world.step(*node, ike::RekeyChild{tunnel});
      world.run_for(10s);
      world.step(*node, ike::RekeyIke{tunnel});
      world.run_for(10s);
    }
    world.settle();
    world.expect_settled(tunnel);
  });
}

TEST_CASE("without fragments, a network that loses large datagrams lets no tunnel up") {
  for_seeds(1, [](World& world) {
    narrow(world);
    for (Node* node : {&world.b, &world.a}) {
      auto connection = large_connection(world, *node);
      connection.fragmentation = node == &world.a;
      world.step(*node, ike::SetConnection{std::move(connection)});
    }
    world.run_for(60s);
    if (world.up(tunnel)) throw Violation("up, against all expectation");
    world.settle();
    world.expect_settled(tunnel);
  });
}

}  // namespace
}  // namespace sekisho::sim
