// How connections begin, last and end: start modes, lifetimes, reauthentication, dead peers, a peer at any address.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

using Change = std::function<void(ike::Connection&)>;

void set(World& world, Node& node, const Change& change) {
  ike::Connection connection = connection_of(world, node);
  change(connection);
  world.step(node, ike::SetConnection{std::move(connection)});
}

void bring_up(World& world, const Change& at_a, const Change& at_b) {
  set(world, world.b, at_b);
  set(world, world.a, at_a);
  if (!world.run_until([&] { return world.up(tunnel); }, 10s)) throw Violation("not up in time");
  world.hitless = true;
  world.traffic = 5ms;
  world.run_for(100ms);
}

size_t sends(World& world) {
  size_t count = 0;
  for (const auto& recorded : world.recorded) count += recorded.to == &world.b;
  return count;
}

void expect_no_expiry(const World& world) {
  for (const Node* node : {&world.a, &world.b})
    if (node->count(messages::child_expired) + node->count(messages::ike_expired) != 0)
      throw Violation("something expired");
}

TEST_CASE("a child is replaced before its packets run out, without a gap") {
  for_seeds(30, [](World& world) {
    const Change limited = [](ike::Connection& connection) { connection.children.front().lifetime_packets = 1000; };
    const bool both = world.random().below(2) == 0;
    bring_up(world, limited, both ? limited : Change([](ike::Connection&) {}));
    world.run_for(60s);
    if (world.a.count(messages::child_established) < 5) throw Violation("too few rekeys");
    if (world.packets_without_sa != 0) throw Violation("packets were lost");
    expect_no_expiry(world);
  });
}

TEST_CASE("margin and fuzz say when an SA is renewed") {
  for_seeds(50, [](World& world) {
    set(world, world.b, [](ike::Connection&) {});
    set(world, world.a, [](ike::Connection& connection) {
      connection.children.front().lifetime = 1000s;
      connection.children.front().renewal = {.margin = 300s, .fuzz = 50};
      connection.ike_lifetime = 2000s;
      connection.ike_renewal = {.margin = 100s, .fuzz = 0};
    });
    world.run_for(5s);
    const auto sa = world.a.engine->ike_sas().at(0);
    const auto margin = sa.children.at(0).expires_at - sa.children.at(0).rekey_at;
    if (margin < 300s || margin > 450s) throw Violation("the child's margin is another one");
    if (sa.expires_at - sa.rekey_at != 100s) throw Violation("the IKE SA's margin is another one");
  });
}

// Either end, or both, wants to see it done; the initiator does it.
TEST_CASE("reauthentication makes before it breaks") {
  for_seeds(60, [](World& world) {
    const Change often = [](ike::Connection& connection) {
      connection.reauthenticate = true;
      connection.ike_lifetime = 40s;
    };
    const Change never = [](ike::Connection&) {};
    const auto who = world.random().below(3);
    bring_up(world, who == 0 ? never : often, who == 1 ? never : often);
    if (world.random().below(2) == 0)
      world.network = {.loss = 0.05, .duplication = 0.05, .shortest = 5ms, .longest = 100ms};
    world.run_for(200s);
    if (world.a.count(messages::ike_established) < 4) throw Violation("too few reauthentications");
    if (world.a.count(messages::ike_rekeyed) != 0 && who != 0) throw Violation("rekeyed, not reauthenticated");
    expect_no_expiry(world);
    world.traffic = 1s;
    world.network = Network{};
    if (!world.run_until(
            [&] {
              return world.a.engine->ike_sas().size() == 1 && world.b.engine->ike_sas().size() == 1 &&
                     world.a.data_path->installed().size() == 1 && world.b.data_path->installed().size() == 1;
            },
            60s))
      throw Violation("old ones are left over");
  });
}

TEST_CASE("a tunnel that comes with its first packet") {
  for_seeds(20, [](World& world) {
    world.record = true;
    set(world, world.a, [](ike::Connection& connection) {
      connection.start = ike::StartMode::on_traffic;
      connection.retransmission.tries = 2;
    });
    world.run_for(20s);
    if (!world.recorded.empty()) throw Violation("begun without a packet");
    // The peer is not there yet. However many packets come, it is tried once in a retry_interval.
    world.b.alive = false;
    for (int i = 0; i < 200; ++i) {
      world.step(world.a, ike::TrafficWaiting{tunnel});
      world.run_for(100ms);
    }
    const size_t tries = sends(world);
    if (tries < 2 || tries > 10) throw Violation(std::to_string(tries) + " messages in 20 s");
    world.b.alive = true;
    set(world, world.b, [](ike::Connection&) {});
    world.step(world.a, ike::TrafficWaiting{tunnel});
    world.run_for(10s);  // a retry_interval and more
    world.step(world.a, ike::TrafficWaiting{tunnel});
    world.run_for(2s);
    world.expect_settled(tunnel);
    // Taken down by the operator it stays down, whatever comes.
    world.step(world.a, ike::Terminate{tunnel});
    world.run_for(5s);
    world.step(world.a, ike::TrafficWaiting{tunnel});
    world.settle(30s);
    world.expect_nothing();
    if (world.a.engine->connections().at(0).state != "down") throw Violation("the view does not say so");
    world.step(world.a, ike::Initiate{tunnel});
    world.settle(10s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("what becomes of a tunnel whose peer is dead") {
  for (const auto action : {ike::DpdAction::restart, ike::DpdAction::clear, ike::DpdAction::none})
    for (const auto start : {ike::StartMode::start, ike::StartMode::on_traffic})
      for_seeds(5, [&](World& world) {
        set(world, world.b, [](ike::Connection&) {});
        set(world, world.a, [&](ike::Connection& connection) {
          connection.start = start;
          connection.dpd_action = action;
        });
        world.step(world.a, ike::TrafficWaiting{tunnel});
        world.run_for(5s);
        world.expect_settled(tunnel);
        world.b.alive = false;
        world.run_for(100s);
        if (action == ike::DpdAction::none) {
          if (world.a.data_path->installed().empty()) throw Violation("probed in spite of dpd_action none");
          return;
        }
        if (world.a.count(messages::ike_peer_dead) != 1) throw Violation("not noticed");
        if (!world.a.data_path->installed().empty()) throw Violation("SAs with a dead peer");
        const bool tries = world.a.engine->connections().at(0).attempts > 0;
        if (tries != (action == ike::DpdAction::restart)) throw Violation("not as dpd_action says");
        world.b.alive = true;
        world.restart(world.b);
        set(world, world.b, [](ike::Connection&) {});
        if (action == ike::DpdAction::clear) {
          world.run_for(30s);
          if (world.up(tunnel)) throw Violation("begun in spite of dpd_action clear");
        }
        world.step(world.a, ike::Initiate{tunnel});
        world.settle(60s);
        world.expect_settled(tunnel);
      });
}

TEST_CASE("a peer that refuses every rekey: the connection is set up anew beside the old one") {
  for_seeds(20, [](World& world) {
    // PFS here and none there shows only with the first rekey.
    bring_up(
        world,
        [](ike::Connection& connection) {
          connection.children.front().esp_proposals = {*ike::EspProposal::parse("aes128gcm16-x25519")};
          connection.children.front().lifetime = 200s;
        },
        [](ike::Connection&) {});
    world.traffic = 50ms;
    world.run_for(1000s);
    if (world.a.count(messages::child_rekey_failed) == 0) throw Violation("nothing was refused");
    if (world.a.count(messages::ike_established) < 3) throw Violation("not set up anew");
    expect_no_expiry(world);
    if (world.packets_without_sa != 0) throw Violation("packets were lost");
  });
}

TEST_CASE("a peer at any address, known by its identity, behind a NAT too") {
  for_seeds(40, [](World& world) {
    if (world.random().below(2) == 0) world.nat = IpAddress::parse("192.0.2.1");
    const auto any = [](ike::Connection& connection) { connection.remote = IpAddress::any(Family::ipv4); };
    set(world, world.b, any);
    world.step(world.b, ike::Initiate{tunnel});
    if (world.b.count(messages::ike_no_address) != 1) throw Violation("not said that it cannot begin");
    set(world, world.a, [](ike::Connection&) {});
    world.settle(10s);
    world.expect_settled(tunnel);
    // It comes again from somewhere else, without a word of the old SA: the new one takes its place.
    world.nat = IpAddress::parse("192.0.2.77");
    world.restart(world.a);
    set(world, world.a, [](ike::Connection&) {});
    world.settle(60s);
    world.expect_settled(tunnel);
  });
}

}  // namespace
}  // namespace sekisho::sim
