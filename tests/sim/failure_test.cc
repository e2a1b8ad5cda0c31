// What goes wrong between two ends, how it is said, and that it mends itself.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

const Network rough{.loss = 0.15, .duplication = 0.15, .shortest = 5ms, .longest = 400ms};

using Change = std::function<void(ike::Connection&)>;

// Both sides with `change` at b, each side starting in turn; the messages that initiator and responder give.
void expect_failure(const Change& change, const Message& at_initiator, const Message& at_responder, bool ike_sa_stays) {
  for (const bool a_starts : {true, false})
    for_seeds(5, [&](World& world) {
      auto at_a = connection_of(world, world.a), at_b = connection_of(world, world.b);
      change(at_b);
      at_a.start = a_starts ? ike::StartMode::start : ike::StartMode::respond;
      at_b.start = a_starts ? ike::StartMode::respond : ike::StartMode::start;
      world.step(a_starts ? world.b : world.a, ike::SetConnection{a_starts ? at_b : at_a});
      world.step(a_starts ? world.a : world.b, ike::SetConnection{a_starts ? at_a : at_b});
      world.run_for(4s);
      Node& initiator = a_starts ? world.a : world.b;
      Node& responder = a_starts ? world.b : world.a;
      if (!initiator.last_error() || initiator.last_error()->message != &at_initiator)
        throw Violation("the initiator does not say " + std::string(at_initiator.id));
      if (!responder.last_error() || responder.last_error()->message != &at_responder)
        throw Violation("the responder does not say " + std::string(at_responder.id));
      for (const Node* node : {&world.a, &world.b}) {
        if (node->last_error()->connection != tunnel) throw Violation("the report names no connection");
        if (node->last_error()->detail.empty()) throw Violation("the report has no detail");
        for (const ike::Report& report : node->reports)
          if (report.detail.find("swordfish") != std::string::npos ||
              report.detail.find("herring") != std::string::npos)
            throw Violation("a secret in a report");
      }
      if (world.up(tunnel)) throw Violation("up in spite of it");
      if (ike_sa_stays == world.a.engine->ike_sas().empty()) throw Violation("the IKE SA is not as it should be");
      // Once it is mended the tunnel comes up by itself.
      world.step(world.b, ike::SetConnection{[&] {
                   auto mended = connection_of(world, world.b);
                   mended.start = at_b.start;
                   return mended;
                 }()});
      world.settle(60s);
      world.expect_settled(tunnel);
    });
}

TEST_CASE("a wrong pre-shared key") {
  expect_failure(
      [](ike::Connection& c) {
        c.psk = std::make_shared<const SecretBytes>(SecretBytes::copy_of(as_bytes("herring")));
      },
      messages::ike_authentication_failed, messages::ike_peer_not_authentic, false);
}

TEST_CASE("no common IKE proposal") {
  expect_failure([](ike::Connection& c) { c.ike_proposals = {*ike::IkeProposal::parse("aes256-sha512-ecp384")}; },
                 messages::ike_no_proposal, messages::ike_no_proposal, false);
}

TEST_CASE("no common ESP proposal") {
  expect_failure(
      [](ike::Connection& c) { c.children.front().esp_proposals = {*ike::EspProposal::parse("aes256-sha512")}; },
      messages::child_no_proposal, messages::child_no_proposal, true);
}

TEST_CASE("no common traffic selectors") {
  expect_failure(
      [](ike::Connection& c) {
        c.children.front().local_selectors = {TrafficSelector::from_prefix(*Prefix::parse("192.168.0.0/24"))};
      },
      messages::ike_ts_unacceptable, messages::ike_ts_unacceptable, true);
}

TEST_CASE("an identity that nobody expects") {
  expect_failure([](ike::Connection& c) { c.remote_id = *ike::Identity::parse("c.lab"); },
                 messages::ike_authentication_failed, messages::ike_unknown_identity, false);
}

TEST_CASE("a peer that does not answer") {
  for_seeds(5, [](World& world) {
    world.b.alive = false;
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    world.run_for(100s);
    if (!world.a.last_error() || world.a.last_error()->message != &messages::ike_peer_unreachable)
      throw Violation("not reported");
    world.b.alive = true;
    world.step(world.b, ike::SetConnection{connection_of(world, world.b)});
    world.settle(60s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("a peer that is dead is noticed, from either end") {
  for_seeds(50, [](World& world) {
    auto at_b = connection_of(world, world.b);
    if (world.random().below(2) == 0) at_b.start = ike::StartMode::start;
    world.step(world.b, ike::SetConnection{at_b});
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    world.run_for(20s);
    world.expect_settled(tunnel);
    // The line is cut: both notice, and both give everything back.
    world.filter = [](const Node&, ByteView) { return false; };
    world.run_for(60s);
    for (const Node* node : {&world.a, &world.b}) {
      if (node->count(messages::ike_peer_dead) != 1) throw Violation(node->name + " does not notice");
      if (!node->data_path->installed().empty()) throw Violation("SAs with a dead peer");
    }
    world.settle(90s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("a peer that was restarted is believed when it proves itself") {
  for_seeds(100, [](World& world) {
    if (world.random().below(2) == 0) world.network = rough;
    auto at_b = connection_of(world, world.b);
    const bool both_start = world.random().below(2) == 0;
    if (both_start) at_b.start = ike::StartMode::start;
    world.step(world.b, ike::SetConnection{at_b});
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    world.run_for(20s);
    Node& victim = both_start && world.random().below(2) == 0 ? world.b : world.a;
    world.restart(victim);
    world.step(victim, ike::SetConnection{&victim == &world.b ? at_b : connection_of(world, world.a)});
    const bool back = world.run_until([&] { return world.up(tunnel); }, 300s);
    if (!back) throw Violation("not up again");
    world.settle(120s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("down and up again by the operator") {
  for_seeds(100, [](World& world) {
    if (world.random().below(2) == 0) world.network = rough;
    world.step(world.b, ike::SetConnection{connection_of(world, world.b)});
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    world.run_for(Duration(static_cast<int64_t>(world.random().below(20'000'000'000))));
    world.step(world.a, ike::Terminate{tunnel});
    if (!world.a.data_path->installed().empty()) throw Violation("taken down, and still in the data path");
    world.settle(120s);
    world.expect_nothing();
    world.step(world.a, ike::Initiate{tunnel});
    world.settle(30s);
    world.expect_settled(tunnel);
    // The end that only responds may begin when it is told to.
    world.step(world.a, ike::Terminate{tunnel});
    world.settle(30s);
    world.step(world.b, ike::Initiate{tunnel});
    world.settle(30s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("a configuration set again changes nothing; a changed one rebuilds") {
  for_seeds(50, [](World& world) {
    world.step(world.b, ike::SetConnection{connection_of(world, world.b)});
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    world.run_for(10s);
    const uint32_t before = world.a.data_path->installed().begin()->first;
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    auto slower = connection_of(world, world.a);
    slower.dpd_interval = 60s;
    slower.ike_lifetime = 4h;
    world.step(world.a, ike::SetConnection{std::move(slower)});
    world.run_for(10s);
    if (!world.a.data_path->find(before)) throw Violation("rebuilt without need");
    auto changed = connection_of(world, world.a);
    changed.children.front().esp_proposals.insert(changed.children.front().esp_proposals.begin(),
                                                  *ike::EspProposal::parse("aes256-sha256"));
    world.step(world.a, ike::SetConnection{std::move(changed)});
    if (world.a.data_path->find(before)) throw Violation("not rebuilt");
    world.settle(60s);
    world.expect_settled(tunnel);
    world.step(world.a, ike::RemoveConnection{tunnel});
    world.settle(30s);
    world.expect_nothing();
  });
}

TEST_CASE("the daemon ends and says so") {
  for_seeds(20, [](World& world) {
    world.step(world.b, ike::SetConnection{connection_of(world, world.b)});
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    world.run_for(10s);
    world.step(world.a, ike::Shutdown{});
    if (!world.a.data_path->installed().empty() || world.a.engine->next_deadline())
      throw Violation("something is left after Shutdown");
    world.run_for(1s);
    if (!world.b.data_path->installed().empty()) throw Violation("the peer was not told");
    world.step(world.b, ike::Initiate{tunnel});
    world.run_for(1s);
    if (!world.a.data_path->installed().empty()) throw Violation("a peer that comes again is served");
    world.step(world.b, ike::Terminate{tunnel});
    world.settle(30s);
    world.expect_nothing();
  });
}

TEST_CASE("a full SA table is reported and nothing leaks") {
  for_seeds(20, [](World& world) {
    Node& full = world.random().below(2) == 0 ? world.a : world.b;
    full.data_path->capacity = 0;
    world.step(world.b, ike::SetConnection{connection_of(world, world.b)});
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    world.run_for(20s);
    if (full.count(messages::sa_table_full) == 0) throw Violation("not reported");
    full.data_path->capacity = 64;
    world.settle(30s);
    world.expect_settled(tunnel);
  });
}

}  // namespace
}  // namespace sekisho::sim
