// The path's MTU, found by IKE itself: over networks that lose what is too large, whatever else they lose, and with the
// IKE SA that asks still there at the end.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "control/ike/wire/message.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

using State = ike::PathMtuView::State;

void demand(bool holds, const char* what) {
  if (!holds) throw Violation(what);
}

using Edit = std::function<void(ike::Connection&)>;
void bring_up(World& world, const Edit& edit = {}) {
  for (Node* node : {&world.b, &world.a}) {
    node->data_path->way = ike::OuterWay{"wan", 1500};
    auto connection = connection_of(world, *node);
    if (edit) edit(connection);
    world.step(*node, ike::SetConnection{std::move(connection)});
  }
  if (!world.run_until([&] { return world.up(tunnel); }, 60s)) throw Violation("not up");
}

const ike::IkeSaView& sa_of(const std::vector<ike::IkeSaView>& sas) {
  demand(sas.size() == 1, "there is not exactly one IKE SA");
  return sas[0];
}
uint64_t ike_spi(const Node& node) { return sa_of(node.engine->ike_sas()).initiator_spi; }
ike::PathMtuView path_mtu(const Node& node) { return sa_of(node.engine->ike_sas()).path_mtu; }

void expect_found(World& world, uint16_t mtu) {
  for (const Node* node : {&world.a, &world.b}) {
    demand(node->path_mtu == mtu, "another path MTU was found, or none");
    demand(path_mtu(*node).state == State::found && path_mtu(*node).mtu == mtu, "the view shows another path MTU");
  }
}

// Requests of `from` are answered, but each first answer is lost.
void lose_first_answers(World& world) {
  auto seen = std::make_shared<std::set<std::pair<const Node*, uint32_t>>>();
  world.filter = [seen](const Node& from, ByteView data) {
    const auto header = ike::wire::decode_header(data);
    return !header || !header->response || !seen->emplace(&from, header->message_id).second;
  };
}

}  // namespace

TEST_CASE("both ends find what the path carries, whether or not it carries IP fragments") {
  for (const bool loses_fragments : {false, true})
    for (const uint16_t mtu : {1500, 1492, 1400, 1333, 600})
      for_seeds(1, [&](World& world) {
        world.network.mtu = mtu;
        world.network.loses_fragments = loses_fragments;
        bring_up(world);
        const uint64_t before = ike_spi(world.a);
        world.run_for(20s);
        expect_found(world, mtu);
        for (const Node* node : {&world.a, &world.b})
          demand(node->count(messages::ike_path_mtu) == (mtu == 1500 ? 0 : 1), "it is news, or none");
        world.run_for(10min);
        expect_found(world, mtu);
        demand(world.a.count(messages::ike_path_mtu) == (mtu == 1500 ? 0 : 1), "it is news twice");
        demand(ike_spi(world.a) == before, "the IKE SA went");
        world.expect_settled(tunnel);
      });
}

TEST_CASE("nothing is found where the peer answers too late to each probe, and the IKE SA stays") {
  for_seeds(1, [](World& world) {
    bring_up(world);
    const uint64_t before = ike_spi(world.a);
    lose_first_answers(world);
    world.run_for(60s);
    for (const Node* node : {&world.a, &world.b}) {
      demand(!node->path_mtu && path_mtu(*node).state == State::not_found, "something was found");
      demand(node->count(messages::ike_path_mtu) == 0, "nothing is news");
    }
    demand(ike_spi(world.a) == before, "the IKE SA went");
    world.run_for(11min);
    world.settle();
    world.expect_settled(tunnel);
    demand(ike_spi(world.a) == before, "the IKE SA went later");
  });
}

TEST_CASE("a rough network makes the search longer, its result no larger, and costs no IKE SA") {
  for (const bool loses_fragments : {false, true})
    for_seeds(40, [&](World& world) {
      bring_up(world);
      const uint64_t before = ike_spi(world.a);
      const auto mtu = static_cast<uint16_t>(600 + world.random().below(900));
      world.network = {.loss = 0.15,
                       .duplication = 0.2,
                       .shortest = 5ms,
                       .longest = 150ms,
                       .mtu = mtu,
                       .loses_fragments = loses_fragments};
      for (int i = 0; i < 30; ++i) {
        world.run_for(5s);
        for (const Node* node : {&world.a, &world.b})
          demand(!node->path_mtu || *node->path_mtu <= mtu, "more was found than the path carries");
      }
      demand(ike_spi(world.a) == before, "the IKE SA went");
      // What was taken for too large is tried again.
      world.network = {.mtu = mtu, .loses_fragments = loses_fragments};
      world.run_for(12min);
      expect_found(world, mtu);
      world.settle();
      world.expect_settled(tunnel);
      demand(ike_spi(world.a) == before, "the IKE SA went later");
    });
}

TEST_CASE("a path that gets narrower is noticed within a minute and a half, one that gets wider in eleven") {
  for_seeds(1, [](World& world) {
    world.network.mtu = 1454;
    bring_up(world);
    world.run_for(20s);
    expect_found(world, 1454);
    world.network.mtu = 1400;
    world.run_for(90s);
    expect_found(world, 1400);
    world.network.mtu = 0;
    world.run_for(11min);
    expect_found(world, 1500);
  });
}

TEST_CASE("another link is asked anew, and so is another MTU of it") {
  for_seeds(1, [](World& world) {
    bring_up(world);
    world.run_for(10s);
    expect_found(world, 1500);
    world.network.mtu = 1400;
    world.a.probes.clear();
    world.step(world.a, ike::WayChanged{tunnel});  // the same one
    world.run_for(2s);
    demand(world.a.probes.empty(), "the same way is asked anew");
    world.a.data_path->way = ike::OuterWay{"wan2", 1500};
    world.step(world.a, ike::WayChanged{tunnel});
    world.run_for(10s);
    demand(world.a.path_mtu == 1400, "not found on the other link");
    world.network.mtu = 1300;
    world.a.data_path->way.reset();  // gone for a moment
    world.step(world.a, ike::WayChanged{tunnel});
    world.run_for(2s);
    demand(world.a.path_mtu == 1400, "no route is no news");
    world.a.data_path->way = ike::OuterWay{"wan2", 1300};
    world.step(world.a, ike::WayChanged{tunnel});
    world.run_for(10s);
    demand(world.a.path_mtu == 1300, "not found with the other MTU");
    demand(world.a.probes.back() <= 1300, "larger probes than the link carries");
  });
}

TEST_CASE("what was found outlasts rekeys and reauthentication, without another search") {
  for_seeds(10, [](World& world) {
    world.network.mtu = 1400;
    bring_up(world);
    world.run_for(20s);
    for (Node* node : {&world.a, &world.b}) {
      world.a.probes.clear();
      world.b.probes.clear();
      world.step(*node, ike::RekeyIke{tunnel});
      world.run_for(10s);
      expect_found(world, 1400);
      for (const Node* each : {&world.a, &world.b})
        for (const size_t size : each->probes) demand(size == 1400, "it is looked for anew");
    }
    world.run_for(3min);
    expect_found(world, 1400);
    world.settle();
    world.expect_settled(tunnel);
  });
  for_seeds(1, [](World& world) {
    world.network.mtu = 1400;
    bring_up(world, [](ike::Connection& connection) {
      connection.reauthenticate = true;
      connection.ike_lifetime = 100s;
    });
    world.run_for(20s);
    const uint64_t before = ike_spi(world.a);
    world.a.probes.clear();
    world.run_for(90s);
    demand(ike_spi(world.a) != before, "it was not reauthenticated");
    for (const size_t size : world.a.probes) demand(size == 1400, "it is looked for anew");
    demand(world.a.path_mtu == 1400, "it is lost");
  });
}

TEST_CASE("rekeys in the middle of a search, with losses") {
  for_seeds(60, [](World& world) {
    world.network = {.loss = 0.1, .duplication = 0.1, .shortest = 5ms, .longest = 100ms, .mtu = 1380};
    bring_up(world);
    for (int i = 0; i < 8; ++i) {
      world.step(world.random().below(2) == 0 ? world.a : world.b, ike::RekeyIke{tunnel});
      world.step(world.random().below(2) == 0 ? world.a : world.b, ike::RekeyChild{tunnel});
      world.run_for(Duration(static_cast<int64_t>(world.random().below(2'000'000'000))));
    }
    world.network = {.mtu = 1380};
    world.run_for(12min);
    expect_found(world, 1380);
    world.settle();
    world.expect_settled(tunnel);
  });
}

TEST_CASE("an end that moves asks on its new path") {
  for_seeds(5, [](World& world) {
    const IpAddress second = *IpAddress::parse("10.9.3.3");
    world.step(world.a, ike::AddressesChanged{{world.a.address}});
    bring_up(world, [&](ike::Connection& connection) { connection.other_locals = {second}; });
    world.run_for(10s);
    expect_found(world, 1500);
    world.network.mtu = 1420;
    world.a.address = second;
    world.step(world.a, ike::AddressesChanged{{second}});
    world.run_for(15s);
    expect_found(world, 1420);
  });
}

TEST_CASE("a NAT that maps anew makes it ask anew") {
  for_seeds(2, [](World& world) {
    world.nat = *IpAddress::parse("10.9.7.7");
    bring_up(world, [](ike::Connection& connection) { connection.mobike = false; });
    world.run_for(10s);
    expect_found(world, 1500);
    world.network.mtu = 1420;
    world.nat_shift = 20000;
    world.run_for(50s);
    demand(world.b.path_mtu == 1420, "not found on the new path");
  });
}

TEST_CASE("with a block cipher no more is found than can be asked for, if that is not as good as all") {
  struct Suite {
    const char* proposal;
    uint16_t of_1500;
  };
  for (const auto& [proposal, of_1500] :
       {Suite{"aes128-sha1-x25519", 1500}, Suite{"aes256-sha256-x25519", 1488}, Suite{"aes256-sha384-x25519", 1500}})
    for (const uint16_t mtu : {1500, 1492, 1454})
      for_seeds(1, [&](World& world) {
        world.network.mtu = mtu;
        bring_up(world,
                 [&](ike::Connection& connection) { connection.ike_proposals = {*ike::IkeProposal::parse(proposal)}; });
        world.run_for(20s);
        demand(world.a.path_mtu && *world.a.path_mtu <= mtu, "more was found than the path carries");
        demand(*world.a.path_mtu + 16 > mtu, "far too little was found");
        if (mtu == 1500) expect_found(world, of_1500);
      });
}

TEST_CASE("nothing is asked where it is switched off, or not both ends speak RFC 7383, or there is no way") {
  const auto no_probes = [](const Edit& edit, State state) {
    for_seeds(1, [&](World& world) {
      bring_up(world, edit);
      world.run_for(3min);
      for (const Node* node : {&world.a, &world.b}) {
        demand(node->probes.empty() && !node->path_mtu, "it was looked for");
        demand(path_mtu(*node).state == state, "another state");
      }
    });
  };
  no_probes([](ike::Connection& connection) { connection.path_mtu_discovery = false; }, State::off);
  no_probes([](ike::Connection& connection) { connection.fragmentation = connection.start != ike::StartMode::start; },
            State::impossible);
  for_seeds(1, [](World& world) {
    for (Node* node : {&world.b, &world.a}) world.step(*node, ike::SetConnection{connection_of(world, *node)});
    world.run_for(60s);
    demand(world.a.probes.empty() && path_mtu(world.a).state == State::waiting, "it was looked for without a way");
    world.a.data_path->way = ike::OuterWay{"wan", 1500};
    world.step(world.a, ike::WayChanged{tunnel});
    world.run_for(5s);
    demand(path_mtu(world.a).state == State::found, "it is not looked for once there is a way");
  });
}

TEST_CASE("switched on and off while the IKE SA stands") {
  for_seeds(1, [](World& world) {
    world.network.mtu = 1400;
    bring_up(world, [](ike::Connection& connection) { connection.path_mtu_discovery = false; });
    const uint64_t before = ike_spi(world.a);
    auto connection = connection_of(world, world.a);
    world.step(world.a, ike::SetConnection{connection});
    world.run_for(15s);
    demand(world.a.path_mtu == 1400, "not found once it is switched on");
    connection.path_mtu_discovery = false;
    world.step(world.a, ike::SetConnection{connection});
    world.a.probes.clear();
    world.run_for(3min);
    demand(world.a.probes.empty(), "it is looked for after it is switched off");
    demand(ike_spi(world.a) == before, "the IKE SA went");
  });
}

TEST_CASE("a peer that dies under a probe is taken for dead as under any other request, from its small form on") {
  const auto time_of_death = [](bool under_probe) {
    Duration result{};
    for_seeds(1, [&](World& world) {
      bring_up(world, [&](ike::Connection& connection) { connection.path_mtu_discovery = under_probe; });
      if (under_probe) demand(world.run_until([&] { return !world.a.probes.empty(); }, 10s), "no probe");
      world.b.alive = false;
      if (!under_probe) world.step(world.a, ike::RekeyChild{tunnel});
      world.filter = [](const Node& from, ByteView) { return from.name == "a"; };  // an answer on its way
      const Instant begun = world.now;
      demand(world.run_until([&] { return world.a.count(messages::ike_peer_dead) != 0; }, 10min), "still not dead");
      result = world.now - begun;
    });
    return result;
  };
  const Duration longer = time_of_death(true) - time_of_death(false);
  CHECK(longer > Duration::zero());
  CHECK(longer <= ike::Retransmission{}.first);
}

TEST_CASE("nothing is asked where dead peer detection is off, so that nobody finds the peer dead") {
  for_seeds(1, [](World& world) {
    world.network.mtu = 1400;
    bring_up(world, [](ike::Connection& connection) { connection.dpd_action = ike::DpdAction::none; });
    world.run_for(3min);
    demand(world.a.probes.empty(), "it is looked for");
  });
}

TEST_CASE("one try is enough for what gets through") {
  for_seeds(1, [](World& world) {
    world.network.mtu = 1400;
    bring_up(world, [](ike::Connection& connection) { connection.retransmission.tries = 1; });
    const uint64_t before = ike_spi(world.a);
    world.run_for(3min);
    demand(world.a.path_mtu == 1400, "not found");
    demand(ike_spi(world.a) == before, "the IKE SA went");
  });
}

TEST_CASE("a probe that is lost holds up another request no longer than its own first repetition") {
  for_seeds(1, [](World& world) {
    world.network.mtu = 1400;
    bring_up(world);
    demand(world.run_until([&] { return !world.a.probes.empty(); }, 10s), "no probe");
    const auto before = world.a.engine->ike_sas()[0].children[0].inbound_spi;
    world.step(world.a, ike::RekeyChild{tunnel});
    const Instant asked = world.now;
    demand(world.run_until(
               [&] {
                 const auto& children = world.a.engine->ike_sas()[0].children;
                 return std::ranges::none_of(children, [&](const auto& child) { return child.inbound_spi == before; });
               },
               10s),
           "not rekeyed");
    demand(world.now - asked < 1300ms, "rekeyed late");  // a second of it is for packets under way
  });
}

}  // namespace sekisho::sim
