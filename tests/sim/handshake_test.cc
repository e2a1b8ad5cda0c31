// How a tunnel comes up: every way through IKE_SA_INIT and IKE_AUTH, over a network that does its worst.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

const Network rough{.loss = 0.15, .duplication = 0.15, .shortest = 5ms, .longest = 400ms};

void demand_up(World& world, Duration limit) {
  if (!world.run_until([&] { return world.up(tunnel); }, limit)) throw Violation("not up in time");
}

TEST_CASE("the tunnel comes up from either side, over a perfect network at once") {
  for_seeds(10, [](World& world) {
    auto at_a = connection_of(world, world.a), at_b = connection_of(world, world.b);
    if (world.random().below(2) == 0) std::swap(at_a.start, at_b.start);
    const bool a_starts = at_a.start == ike::StartMode::start;
    // The one that starts comes last, so that its first request finds somebody who knows it.
    if (a_starts) world.step(world.b, ike::SetConnection{std::move(at_b)});
    world.step(world.a, ike::SetConnection{std::move(at_a)});
    if (!a_starts) world.step(world.b, ike::SetConnection{std::move(at_b)});
    demand_up(world, 100ms);
    world.settle(20s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("the tunnel comes up over a rough network") {
  for_seeds(300, [](World& world) {
    world.network = rough;
    world.step(world.b, ike::SetConnection{connection_of(world, world.b)});
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    demand_up(world, 300s);
    world.settle();
    world.expect_settled(tunnel);
  });
}

TEST_CASE("both ends begin at once and one IKE SA is left") {
  for_seeds(300, [](World& world) {
    const bool bad = world.random().below(2) == 0;
    if (bad) world.network = rough;
    auto at_b = connection_of(world, world.b);
    at_b.start = ike::StartMode::start;
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    world.run_for(Duration(static_cast<int64_t>(world.random().below(static_cast<uint64_t>(Duration(20ms).count())))));
    world.step(world.b, ike::SetConnection{std::move(at_b)});
    world.run_for(20s);
    world.settle();
    world.expect_settled(tunnel);
  });
}

TEST_CASE("a responder that wants another group gets it") {
  for_seeds(20, [](World& world) {
    auto at_a = connection_of(world, world.a), at_b = connection_of(world, world.b);
    at_a.ike_proposals = {*ike::IkeProposal::parse("aes256gcm16-prfsha384-x25519"),
                          *ike::IkeProposal::parse("aes256-sha256-ecp256")};
    at_b.ike_proposals = {*ike::IkeProposal::parse("aes256-sha256-ecp256")};
    world.network = {.loss = 0, .duplication = 0.3, .shortest = 5ms, .longest = 50ms};
    world.step(world.b, ike::SetConnection{std::move(at_b)});
    world.step(world.a, ike::SetConnection{std::move(at_a)});
    demand_up(world, 10s);
    world.settle(40s);
    world.expect_settled(tunnel);
    if (world.a.engine->ike_sas()[0].proposal != "aes256-sha256-ecp256") throw Violation("wrong proposal");
  });
}

TEST_CASE("a responder under load asks for a cookie") {
  for_seeds(50, [](World& world) {
    world.b.options.cookie_threshold = 0;
    world.restart(world.b);
    if (world.random().below(2) == 0) world.network = rough;
    auto at_a = connection_of(world, world.a), at_b = connection_of(world, world.b);
    at_a.ike_proposals.insert(at_a.ike_proposals.begin(), *ike::IkeProposal::parse("aes128gcm16-prfsha256-ecp256"));
    size_t cookies = 0;
    world.filter = [&](const Node& from, ByteView data) {
      cookies += &from == &world.b && data.size() > 28 && data.size() < 100;
      return true;
    };
    world.step(world.b, ike::SetConnection{std::move(at_b)});
    world.step(world.a, ike::SetConnection{std::move(at_a)});
    demand_up(world, 300s);
    if (cookies == 0) throw Violation("no cookie was asked for");
    world.settle();
    world.expect_settled(tunnel);
  });
}

TEST_CASE("half-open IKE SAs are limited and forgotten") {
  for_seeds(3, [](World& world) {
    // Of the responder's answers only the cookies arrive.
    world.filter = [&](const Node& from, ByteView data) { return &from != &world.b || data.size() < 100; };
    world.step(world.b, ike::SetConnection{connection_of(world, world.b)});
    for (int i = 0; i < 100; ++i) {
      ike::Connection again = connection_of(world, world.a);
      again.name = "attempt " + std::to_string(i);
      world.step(world.a, ike::SetConnection{std::move(again)});
    }
    world.run_for(1s);
    if (world.b.engine->ike_sas().size() > 16) throw Violation("half-open SAs without a limit");
    if (world.b.count(messages::ike_half_open_limit) == 0) throw Violation("the limit was not reported");
    for (int i = 0; i < 100; ++i) world.step(world.a, ike::RemoveConnection{"attempt " + std::to_string(i)});
    world.settle();
    world.expect_nothing();
  });
}

TEST_CASE("a NAT before the initiator is detected, and UDP encapsulation is used through it") {
  for_seeds(100, [](World& world) {
    world.nat = IpAddress::parse("10.9.9.9");
    if (world.random().below(2) == 0) world.network = rough;
    world.step(world.b, ike::SetConnection{connection_of(world, world.b)});
    world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
    demand_up(world, 300s);
    world.settle();
    world.expect_settled(tunnel);
    const auto& at_a = world.a.data_path->installed().begin()->second;
    const auto& at_b = world.b.data_path->installed().begin()->second;
    if (!at_a.encapsulated || !at_b.encapsulated) throw Violation("no UDP encapsulation through a NAT");
    if (at_a.remote != Endpoint{world.b.address, 4500}) throw Violation("the initiator sends elsewhere than to 4500");
    if (at_b.remote != Endpoint{*world.nat, static_cast<uint16_t>(4500 + world.nat_shift)})
      throw Violation("the responder does not send to the NAT");
    if (!world.a.engine->ike_sas()[0].local_behind_nat || !world.b.engine->ike_sas()[0].remote_behind_nat)
      throw Violation("the wrong end is said to be behind the NAT");
  });
}

TEST_CASE("encapsulation by configuration") {
  using ike::Encapsulation;
  for (const auto mode : {Encapsulation::automatic, Encapsulation::force, Encapsulation::off})
    for (const bool at_initiator : {true, false})
      for_seeds(10, [&](World& world) {
        const bool behind_nat = world.random().below(2) == 0;
        if (behind_nat) world.nat = IpAddress::parse("10.9.9.9");
        const bool encapsulated = mode == Encapsulation::force || (mode == Encapsulation::automatic && behind_nat);
        auto at_a = connection_of(world, world.a), at_b = connection_of(world, world.b);
        (at_initiator ? at_a : at_b).encapsulation = mode;
        world.step(world.b, ike::SetConnection{std::move(at_b)});
        world.step(world.a, ike::SetConnection{std::move(at_a)});
        demand_up(world, 1s);
        for (const Node* node : {&world.a, &world.b})
          if (node->data_path->installed().begin()->second.encapsulated != encapsulated)
            throw Violation("encapsulation is not as configured");
      });
}

TEST_CASE("selectors are narrowed to what both ends have") {
  for_seeds(3, [](World& world) {
    auto at_a = connection_of(world, world.a), at_b = connection_of(world, world.b);
    for (auto* selectors : {&at_a.children.front().local_selectors, &at_a.children.front().remote_selectors})
      *selectors = {TrafficSelector::from_prefix(Prefix{}), TrafficSelector::from_prefix(*Prefix::parse("::/0"))};
    world.step(world.b, ike::SetConnection{std::move(at_b)});
    world.step(world.a, ike::SetConnection{std::move(at_a)});
    demand_up(world, 1s);
    const auto& sa = world.a.data_path->installed().begin()->second;
    if (sa.local_selectors != connection_of(world, world.a).children.front().local_selectors ||
        sa.remote_selectors != connection_of(world, world.a).children.front().remote_selectors)
      throw Violation("not narrowed");
  });
}

TEST_CASE("every suite of the data path and every key exchange comes up") {
  const char* const proposals[] = {"aes128gcm16-prfsha256-modp2048",
                                   "aes256gcm16-prfsha384-ecp384",
                                   "aes128-sha256-ecp256",
                                   "aes256-sha512-x25519",
                                   "aes256-sha384-modp3072",
                                   "aes256-sha1-modp1024",
                                   "chacha20poly1305-prfsha256-x25519"};
  size_t at = 0;
  for (const EspSuiteInfo& suite : esp_suites)
    for_seeds(1, [&](World& world) {
      for (Node* node : {&world.b, &world.a}) {
        ike::Connection connection = connection_of(world, *node);
        connection.children.front().esp_proposals = {*ike::EspProposal::parse(suite.name)};
        connection.ike_proposals = {*ike::IkeProposal::parse(proposals[at % std::size(proposals)])};
        world.step(*node, ike::SetConnection{std::move(connection)});
      }
      ++at;
      demand_up(world, 1s);
    });
}

}  // namespace
}  // namespace sekisho::sim
