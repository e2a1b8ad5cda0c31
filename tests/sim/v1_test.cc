// IKEv1 end to end: two engines over a network that does its worst, with the invariants of IKEv2 and those rules that
// IKEv1 has of its own: child SAs outlive the ISAKMP SA, messages that nobody answers, and no word on what replaces
// what.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/weather.h"

namespace sekisho::sim {
namespace {

const Network rough{.loss = 0.15, .duplication = 0.15, .shortest = 5ms, .longest = 400ms};
const Network awful{.loss = 0.4, .duplication = 0.2, .shortest = 5ms, .longest = 800ms};
// Superseded SAs are cleared after 10 seconds by one end, after 40 by the other.
constexpr Duration clearing = 60s;

struct Settings {
  const char* ike = "aes128-sha256-ecp256";
  const char* esp = "aes128-sha1";
  Duration child_lifetime = 1h, ike_lifetime = 8h;
  bool aggressive = false;
};

ike::Connection connection_for(World& world, const Node& node, const Settings& settings) {
  world.version = ike::IkeVersion::v1;
  ike::Connection connection = connection_of(world, node);
  connection.ike_proposals = {*ike::IkeProposal::parse(settings.ike)};
  connection.children.front().esp_proposals = {*ike::EspProposal::parse(settings.esp)};
  connection.children.front().lifetime = settings.child_lifetime;
  connection.ike_lifetime = settings.ike_lifetime;
  connection.aggressive = settings.aggressive;
  return connection;
}

void begin(World& world, const Settings& settings = {}) {
  for (Node* node : {&world.b, &world.a}) world.step(*node, ike::SetConnection{connection_for(world, *node, settings)});
}

void demand_up(World& world, Duration limit) {
  if (!world.run_until([&] { return world.up(tunnel); }, limit)) throw Violation("not up in time");
}

void bring_up(World& world, const Settings& settings = {}) {
  begin(world, settings);
  demand_up(world, 10s);
  world.run_for(200ms);
  world.hitless = true;
  world.traffic = 7ms;
  world.run_for(100ms);
}

void settle(World& world, Duration time = clearing) {
  world.traffic = 1s;
  world.settle(time);
}

uint32_t spi_of(const Node& node) { return node.data_path->installed().begin()->first; }

}  // namespace

TEST_CASE("v1: the tunnel comes up in main mode and in aggressive mode, with every cipher, hash and group") {
  const Settings all[] = {{.ike = "aes128-sha1-modp1024", .esp = "aes128-sha1-modp1024"},
                          {.ike = "aes256-sha256-modp2048", .esp = "aes256-sha256"},
                          {.ike = "3des-sha1-modp1536", .esp = "aes256gcm16-ecp256"},
                          {.ike = "aes256-sha384-ecp384", .esp = "aes128gcm16-ecp384"},
                          {.ike = "aes128-sha512-ecp521", .esp = "aes128-sha512-ecp521"},
                          {.aggressive = true},
                          {.ike = "3des-sha1-modp1024", .aggressive = true}};
  for (const Settings& settings : all)
    for_seeds(3, [&](World& world) {
      begin(world, settings);
      demand_up(world, 200ms);
      settle(world, 20s);
      world.expect_settled(tunnel);
      if (world.a.engine->ike_sas()[0].proposal != settings.ike) throw Violation("another proposal");
      if (world.a.engine->ike_sas()[0].version != ike::IkeVersion::v1) throw Violation("another version");
    });
}

TEST_CASE("v1: the tunnel comes up over a rough network, and over one that loses two of five") {
  for (const bool aggressive : {false, true})
    for (const Network& network : {rough, awful})
      for_seeds(60, [&](World& world) {
        world.network = network;
        begin(world, {.aggressive = aggressive});
        demand_up(world, 600s);
        settle(world, 120s);
        world.expect_settled(tunnel);
      });
}

TEST_CASE("v1: both ends begin at once and one of everything is left") {
  for (const bool aggressive : {false, true})
    for_seeds(100, [&](World& world) {
      if (world.random().below(2) == 0) world.network = rough;
      auto at_b = connection_for(world, world.b, {.aggressive = aggressive});
      at_b.start = ike::StartMode::start;
      world.step(world.a, ike::SetConnection{connection_for(world, world.a, {.aggressive = aggressive})});
      pause(world, 20ms);
      world.step(world.b, ike::SetConnection{std::move(at_b)});
      world.run_for(20s);
      settle(world, 120s);
      world.expect_settled(tunnel);
    });
}

TEST_CASE("v1: a NAT before the initiator is detected, and UDP encapsulation is used through it") {
  for (const bool aggressive : {false, true})
    for_seeds(60, [&](World& world) {
      world.nat = IpAddress::parse("10.9.9.9");
      if (world.random().below(2) == 0) world.network = rough;
      begin(world, {.aggressive = aggressive});
      demand_up(world, 300s);
      settle(world, 120s);
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

TEST_CASE("v1: encapsulation by configuration") {
  using ike::Encapsulation;
  for (const auto mode : {Encapsulation::automatic, Encapsulation::force, Encapsulation::off})
    for (const bool at_initiator : {true, false})
      for_seeds(3, [&](World& world) {
        auto at_a = connection_for(world, world.a, {}), at_b = connection_for(world, world.b, {});
        (at_initiator ? at_a : at_b).encapsulation = mode;
        world.step(world.b, ike::SetConnection{std::move(at_b)});
        world.step(world.a, ike::SetConnection{std::move(at_a)});
        demand_up(world, 1s);
        for (const Node* node : {&world.a, &world.b})
          if (node->data_path->installed().begin()->second.encapsulated != (mode == Encapsulation::force))
            throw Violation("encapsulation is not as configured");
      });
}

TEST_CASE("v1: each pair of selectors is a child SA of its own") {
  for_seeds(20, [](World& world) {
    if (world.random().below(2) == 0) world.network = rough;
    const auto second = [](const char* prefix) { return TrafficSelector::from_prefix(*Prefix::parse(prefix)); };
    auto at_a = connection_for(world, world.a, {}), at_b = connection_for(world, world.b, {});
    at_a.children.front().remote_selectors.push_back(second("10.3.0.0/24"));
    at_b.children.front().local_selectors.push_back(second("10.3.0.0/24"));
    world.step(world.b, ike::SetConnection{std::move(at_b)});
    world.step(world.a, ike::SetConnection{std::move(at_a)});
    settle(world, 120s);
    for (const Node* node : {&world.a, &world.b})
      if (node->data_path->installed().size() != 2 || node->data_path->reserved() != 0)
        throw Violation("not two child SAs");
  });
}

TEST_CASE("v1: a child SA is rekeyed from either end, without a gap") {
  for (const char* esp : {"aes128gcm16", "aes256-sha256-ecp256"})
    for_seeds(40, [&](World& world) {
      bring_up(world, {.esp = esp});
      if (world.random().below(2) == 0) world.network = rough;
      for (int round = 0; round < 4; ++round) {
        const uint32_t before = spi_of(world.a);
        world.step(either(world), ike::RekeyChild{tunnel});
        if (!world.run_until([&] { return !world.a.data_path->find(before); }, 60s))
          throw Violation("the old child SA is still there");
      }
      settle(world);
      world.expect_settled(tunnel);
    });
}

TEST_CASE("v1: without traffic the responder switches on the last message") {
  for_seeds(30, [](World& world) {
    bring_up(world);
    world.traffic = 0s;
    for (int round = 0; round < 3; ++round) {
      world.step(either(world), ike::RekeyChild{tunnel});
      world.run_for(clearing);
      world.expect_settled(tunnel);
    }
  });
}

TEST_CASE("v1: both ends rekey the child SA at once") {
  for_seeds(150, [](World& world) {
    bring_up(world);
    if (world.random().below(2) == 0) world.network = rough;
    for (int round = 0; round < 3; ++round) {
      world.step(world.a, ike::RekeyChild{tunnel});
      pause(world, 30ms);
      world.step(world.b, ike::RekeyChild{tunnel});
      world.run_for(clearing);
    }
    settle(world, 120s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("v1: the ISAKMP SA is replaced from either end or both, and the child SA stays") {
  for_seeds(100, [](World& world) {
    bring_up(world);
    const uint32_t child = spi_of(world.a);
    const uint64_t before = world.a.engine->ike_sas()[0].initiator_spi;
    if (world.random().below(2) == 0) world.network = rough;
    for (int round = 0; round < 3; ++round) {
      world.step(either(world), ike::RekeyIke{tunnel});
      if (world.random().below(2) == 0) world.step(either(world), ike::RekeyIke{tunnel});
      world.run_for(15s);
    }
    settle(world, 120s);
    world.expect_settled(tunnel);
    if (world.a.engine->ike_sas()[0].initiator_spi == before) throw Violation("the ISAKMP SA is still the old one");
    if (!world.a.data_path->find(child)) throw Violation("the child SA did not stay");
  });
}

TEST_CASE("v1: short lifetimes renew everything by themselves, without a gap") {
  for_seeds(15, [](World& world) {
    bring_up(world, {.child_lifetime = 60s, .ike_lifetime = 150s});
    world.network = {.loss = 0.05, .duplication = 0.05, .shortest = 5ms, .longest = 100ms};
    world.traffic = 50ms;
    world.run_for(600s);
    for (const Node* node : {&world.a, &world.b}) {
      if (node->count(messages::child_expired) + node->count(messages::ike_expired) != 0)
        throw Violation("something expired");
      if (node->count(messages::child_established) < 8) throw Violation("too few rekeys");
    }
  });
}

TEST_CASE("v1: the data path asks for a rekey, and for an end") {
  for_seeds(30, [](World& world) {
    bring_up(world);
    const uint32_t first = spi_of(world.a);
    world.step(world.a, ike::ChildSaEvent{first, ike::ChildSaEvent::Kind::soft_expired});
    world.step(world.a, ike::ChildSaEvent{first, ike::ChildSaEvent::Kind::soft_expired});
    world.run_for(clearing);
    world.expect_settled(tunnel);
    if (spi_of(world.a) == first) throw Violation("not rekeyed");
    world.hitless = false;
    Node& node = either(world);
    world.step(node, ike::ChildSaEvent{spi_of(node), ike::ChildSaEvent::Kind::hard_expired});
    if (!node.data_path->installed().empty()) throw Violation("a hard-expired SA stays in the data path");
    settle(world);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("v1: a peer that falls silent is found dead, and the tunnel comes back with it") {
  for_seeds(30, [](World& world) {
    bring_up(world);
    world.hitless = false;
    world.b.alive = false;
    if (!world.run_until([&] { return world.a.count(messages::ike_peer_dead) > 0; }, 120s))
      throw Violation("the dead peer was not noticed");
    if (!world.a.data_path->installed().empty()) throw Violation("a dead peer's SAs stay");
    world.b.alive = true;
    world.restart(world.b);
    world.step(world.b, ike::SetConnection{connection_for(world, world.b, {})});
    settle(world, 180s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("v1: what becomes of a tunnel whose peer is dead") {
  for (const auto action : {ike::DpdAction::restart, ike::DpdAction::clear, ike::DpdAction::none})
    for_seeds(10, [&](World& world) {
      world.step(world.b, ike::SetConnection{connection_for(world, world.b, {})});
      ike::Connection connection = connection_for(world, world.a, {});
      connection.dpd_action = action;
      world.step(world.a, ike::SetConnection{std::move(connection)});
      demand_up(world, 10s);
      world.b.alive = false;
      world.run_for(120s);
      const bool probed = action != ike::DpdAction::none;
      if (world.a.data_path->installed().empty() != probed) throw Violation("probed or not, against dpd_action");
      const bool tries = world.a.engine->connections().at(0).attempts > 0;
      if (tries != (action == ike::DpdAction::restart)) throw Violation("not as dpd_action says");
    });
}

TEST_CASE("v1: an end that starts anew is believed after it has authenticated") {
  for_seeds(60, [](World& world) {
    bring_up(world);
    world.hitless = false;
    if (world.random().below(2) == 0) world.network = rough;
    Node& node = either(world);
    world.restart(node);
    world.step(node, ike::SetConnection{connection_for(world, node, {})});
    world.run_for(60s);
    settle(world, 180s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("v1: what is terminated is gone at both ends, though deletes may be lost") {
  for_seeds(60, [](World& world) {
    bring_up(world);
    world.hitless = false;
    if (world.random().below(2) == 0) world.network = rough;
    Node& node = either(world);
    world.step(node, ike::Terminate{tunnel});
    // The other end does not begin again.
    world.step(world.peer_of(node), ike::Terminate{tunnel});
    settle(world, 180s);
    world.expect_nothing();
  });
}

TEST_CASE("v1: a definition that changes is negotiated anew, and one that is removed leaves nothing") {
  for_seeds(20, [](World& world) {
    bring_up(world);
    world.hitless = false;
    for (Node* node : {&world.b, &world.a})
      world.step(*node, ike::SetConnection{connection_for(world, *node, {.esp = "aes256gcm16"})});
    settle(world, 120s);
    world.expect_settled(tunnel);
    if (world.a.engine->ike_sas()[0].children[0].suite != EspSuite::aes256gcm16) throw Violation("the old suite");
    for (Node* node : {&world.a, &world.b}) world.step(*node, ike::RemoveConnection{tunnel});
    settle(world);
    world.expect_nothing();
  });
}

TEST_CASE("v1: a wrong key, identity, proposal or mode fails with its reason") {
  const auto reason_at = [](World& world, Node& node, const Message& message) {
    if (!world.run_until([&] { return node.count(message) > 0; }, 60s))
      throw Violation(std::string("not reported: ") + std::string(message.title));
    if (!world.a.data_path->installed().empty() || !world.b.data_path->installed().empty())
      throw Violation("something was installed");
  };
  for_seeds(3, [&](World& world) {
    auto wrong = connection_for(world, world.a, {});
    wrong.psk = std::make_shared<const SecretBytes>(SecretBytes::copy_of(as_bytes("sardine")));
    world.step(world.b, ike::SetConnection{connection_for(world, world.b, {})});
    world.step(world.a, ike::SetConnection{std::move(wrong)});
    reason_at(world, world.b, messages::ike_unreadable_identity);
    reason_at(world, world.a, messages::ike_authentication_failed);
  });
  for_seeds(3, [&](World& world) {
    auto wrong = connection_for(world, world.a, {});
    wrong.local_id = *ike::Identity::parse("c.lab");
    world.step(world.b, ike::SetConnection{connection_for(world, world.b, {})});
    world.step(world.a, ike::SetConnection{std::move(wrong)});
    reason_at(world, world.b, messages::ike_unknown_identity);
  });
  for_seeds(3, [&](World& world) {
    world.step(world.b, ike::SetConnection{connection_for(world, world.b, {})});
    world.step(world.a, ike::SetConnection{connection_for(world, world.a, {.ike = "aes256-sha1-modp1024"})});
    reason_at(world, world.b, messages::ike_no_proposal);
    reason_at(world, world.a, messages::ike_no_proposal);
  });
  for_seeds(3, [&](World& world) {
    world.step(world.b, ike::SetConnection{connection_for(world, world.b, {})});
    world.step(world.a, ike::SetConnection{connection_for(world, world.a, {.esp = "aes256-sha512"})});
    reason_at(world, world.b, messages::child_no_proposal);
    reason_at(world, world.a, messages::child_no_proposal);
  });
  for_seeds(3, [&](World& world) {
    world.step(world.b, ike::SetConnection{connection_for(world, world.b, {})});
    world.step(world.a, ike::SetConnection{connection_for(world, world.a, {.aggressive = true})});
    reason_at(world, world.b, messages::ike_aggressive_refused);
    reason_at(world, world.a, messages::ike_peer_unreachable);
  });
}

TEST_CASE("v1: a connection that demands more than the pre-shared key makes no SA, at either end") {
  const auto demand_certificate = [](ike::Connection& connection) {
    connection.remote_auth.authorities = std::make_shared<const crypto::TrustAnchors>(
        std::vector<crypto::Certificate>{}, std::vector<crypto::RevocationList>{}, crypto::RequireCrl::no);
  };
  const auto demand_ppk = [](ike::Connection& connection) {
    connection.ppk = ike::PostQuantumKey{"blue", connection.psk};
  };
  for (const std::function<void(ike::Connection&)>& demand : {std::function(demand_certificate), {demand_ppk}})
    for (const bool aggressive : {false, true})
      for (const bool at_a : {false, true})
        for_seeds(1, [&](World& world) {
          for (Node* node : {&world.b, &world.a}) {
            auto connection = connection_for(world, *node, {.aggressive = aggressive});
            if ((node == &world.a) == at_a) demand(connection);
            world.step(*node, ike::SetConnection{std::move(connection)});
          }
          world.run_for(60s);
          for (const Node* node : {&world.a, &world.b}) {
            const auto is_up = [](const auto& sa) { return sa.state == "established"; };
            if (std::ranges::any_of(node->engine->ike_sas(), is_up) || !node->data_path->installed().empty())
              throw Violation("an SA was made");
          }
        });
}

TEST_CASE("v1: half-open SAs are limited and forgotten") {
  for_seeds(3, [](World& world) {
    world.filter = [&](const Node& from, ByteView) { return &from != &world.b; };
    world.step(world.b, ike::SetConnection{connection_for(world, world.b, {})});
    for (int i = 0; i < 40; ++i) {
      ike::Connection again = connection_for(world, world.a, {});
      again.name = "attempt " + std::to_string(i);
      world.step(world.a, ike::SetConnection{std::move(again)});
    }
    world.run_for(1s);
    if (world.b.engine->ike_sas().size() > 8) throw Violation("half-open SAs without a limit");
    if (world.b.count(messages::ike_half_open_limit) == 0) throw Violation("the limit was not reported");
    for (int i = 0; i < 40; ++i) world.step(world.a, ike::RemoveConnection{"attempt " + std::to_string(i)});
    world.settle(90s);
    world.expect_nothing();
  });
}

TEST_CASE("v1: every message again, after all of them were seen, changes nothing") {
  for_seeds(10, [](World& world) {
    world.record = true;
    bring_up(world);
    world.step(world.a, ike::RekeyChild{tunnel});
    world.run_for(clearing);
    const auto installed = [&] { return std::pair(spi_of(world.a), spi_of(world.b)); };
    const auto before = installed();
    const auto seen = world.recorded;
    for (const auto& [to, datagram] : seen) world.step(*to, datagram);
    world.run_for(1s);
    if (world.a.data_path->installed().size() != 1 || installed() != before) throw Violation("a replay changed an SA");
    settle(world);
    world.expect_settled(tunnel);
  });
}

}  // namespace sekisho::sim
