// Several child SAs in one IKE SA: they come up together, are renewed each for itself, and fail each for itself.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

const Network rough{.loss = 0.15, .duplication = 0.15, .shortest = 5ms, .longest = 400ms};

// Three children: 10.1.N.0/24 at a, 10.2.N.0/24 at b.
ike::Connection three_children(World& world, const Node& node) {
  ike::Connection connection = connection_of(world, node);
  const ike::ChildDefinition first = connection.children.front();
  connection.children.clear();
  world.children.clear();
  for (const char* number : {"0", "1", "2"}) {
    ike::ChildDefinition& child = connection.children.emplace_back(first);
    child.name = std::string("net") + number;
    const auto prefix = [&](const char* start) {
      return TrafficSelector::from_prefix(*Prefix::parse(std::string(start) + number + ".0/24"));
    };
    const bool at_a = &node == &world.a;
    child.local_selectors = {prefix(at_a ? "10.1." : "10.2.")};
    child.remote_selectors = {prefix(at_a ? "10.2." : "10.1.")};
    world.children.push_back(child.name);
  }
  return connection;
}

void bring_up(World& world, const std::function<void(ike::Connection&)>& change = {}) {
  for (Node* node : {&world.b, &world.a}) {
    ike::Connection connection = three_children(world, *node);
    if (change) change(connection);
    world.step(*node, ike::SetConnection{std::move(connection)});
  }
  if (!world.run_until([&] { return world.up(tunnel); }, 300s)) throw Violation("not up in time");
}

TEST_CASE("every child comes up, whoever begins, over a rough network") {
  for_seeds(150, [](World& world) {
    world.network = rough;
    const bool both = world.random().below(2) == 0;
    bring_up(world, [&](ike::Connection& connection) {
      if (both) connection.start = ike::StartMode::start;
    });
    world.settle(120s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("each end has the child that its selectors say") {
  for_seeds(20, [](World& world) {
    bring_up(world);
    for (const std::string& name : world.children) {
      const auto *at_a = world.a.data_path->sends_on(tunnel, name), *at_b = world.b.data_path->sends_on(tunnel, name);
      if (at_a->local_selectors != at_b->remote_selectors || at_a->outbound_spi != at_b->inbound_spi)
        throw Violation(name + " is another child at the other end");
    }
  });
}

TEST_CASE("children are rekeyed without a gap in any of them") {
  for_seeds(100, [](World& world) {
    bring_up(world);
    world.hitless = true;
    world.traffic = 5ms;
    world.run_for(200ms);
    if (world.random().below(2) == 0) world.network = rough;
    for (int round = 0; round < 6; ++round) {
      Node& node = world.random().below(2) == 0 ? world.a : world.b;
      if (world.random().below(3) == 0)
        world.step(node, ike::RekeyIke{tunnel});
      else
        world.step(node, ike::RekeyChild{tunnel});
      world.run_for(Duration(static_cast<int64_t>(world.random().below(4'000'000'000))));
    }
    world.traffic = 1s;
    world.settle(180s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("children with short lifetimes of their own") {
  for_seeds(20, [](World& world) {
    bring_up(world, [](ike::Connection& connection) {
      connection.children[0].lifetime = 15s;
      connection.children[1].lifetime = 25s;
      connection.ike_lifetime = 60s;
    });
    world.hitless = true;
    world.traffic = 50ms;
    world.network = {.loss = 0.05, .duplication = 0.05, .shortest = 5ms, .longest = 100ms};
    world.run_for(300s);
    for (const Node* node : {&world.a, &world.b})
      if (node->count(messages::child_expired) + node->count(messages::ike_expired) != 0)
        throw Violation("something expired");
  });
}

TEST_CASE("a child that fails is tried again alone") {
  for_seeds(20, [](World& world) {
    auto at_b = three_children(world, world.b);
    auto mended = at_b;
    at_b.children[1].esp_proposals = {*ike::EspProposal::parse("aes256-sha512")};
    world.step(world.b, ike::SetConnection{at_b});
    world.step(world.a, ike::SetConnection{three_children(world, world.a)});
    world.run_for(4s);
    const auto view = world.a.engine->connections().at(0);
    if (view.state != "established" || !view.children[0].up || view.children[1].up || !view.children[2].up)
      throw Violation("not just one child is down");
    if (!view.children[1].next_attempt || view.children[0].next_attempt)
      throw Violation("the wrong one is tried again");
    if (!view.last_failure || view.last_failure->message != &messages::child_no_proposal ||
        !view.last_failure->mismatch || view.last_failure->mismatch->ours.size() != 1)
      throw Violation("the failure is not kept");
    const uint32_t other = world.a.data_path->sends_on(tunnel, "net2")->inbound_spi;
    world.run_for(30s);
    if (!world.a.data_path->find(other)) throw Violation("the others do not stay");
    world.step(world.b, ike::SetConnection{mended});
    world.settle(60s);
    world.expect_settled(tunnel);
    if (world.a.engine->connections().at(0).state != "up") throw Violation("the view does not say up");
  });
}

TEST_CASE("a child that expires, or that the peer deletes, comes back alone") {
  for_seeds(20, [](World& world) {
    bring_up(world);
    world.run_for(1s);
    const uint32_t kept = world.a.data_path->sends_on(tunnel, "net0")->inbound_spi;
    Node& node = world.random().below(2) == 0 ? world.a : world.b;
    const uint32_t lost = node.data_path->sends_on(tunnel, "net1")->inbound_spi;
    world.step(node, ike::ChildSaEvent{lost, ike::ChildSaEvent::Kind::hard_expired});
    world.settle(30s);
    world.expect_settled(tunnel);
    if (!world.a.data_path->find(kept)) throw Violation("another child was touched");
  });
}

TEST_CASE("one child is renewed by its name, and the others stay as they are") {
  for_seeds(5, [](World& world) {
    bring_up(world);
    world.run_for(1s);
    const auto spis = [&] {
      std::map<std::string, uint32_t> result;
      for (const std::string& name : world.children)
        result[name] = world.a.data_path->sends_on(tunnel, name)->outbound_spi;
      return result;
    };
    const auto before = spis();
    world.step(world.a, ike::RekeyChild{tunnel, "net1"});
    world.settle(20s);
    for (const auto& [name, spi] : spis())
      if ((spi == before.at(name)) == (name == "net1")) throw Violation(name + " was not what was renewed");
  });
}

}  // namespace
}  // namespace sekisho::sim
