// Named cases, message by message: what RFC 7296 says of one situation each, and what a forger may try.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "control/ike/wire/message.h"
#include "tests/sim/world.h"

namespace sekisho::sim {
namespace {

using ike::wire::ExchangeType;
using ike::wire::NotifyType;

void configure(World& world) {
  world.record = true;
  world.step(world.b, ike::SetConnection{connection_of(world, world.b)});
  world.step(world.a, ike::SetConnection{connection_of(world, world.a)});
}

void bring_up(World& world) {
  configure(world);
  world.run_for(1s);
  world.expect_settled(tunnel);
}

ike::wire::Header header_of(const World::Recorded& recorded) {
  return ike::wire::decode_header(recorded.datagram.data).value();
}

// An answer in clear to a request that the network has seen.
ike::DatagramReceived forged_answer(const World::Recorded& request, NotifyType type, Bytes data) {
  auto header = header_of(request);
  header.response = true;
  header.from_initiator = false;
  return {.local = request.datagram.remote,
          .remote = request.datagram.local,
          .data = ike::wire::encode(header, {ike::wire::Notify{.notify = type, .spi = {}, .data = std::move(data)}})};
}

TEST_CASE("2.21.1: forged errors before the answer do not stop a handshake") {
  for (const auto& [type, data] : std::vector<std::pair<NotifyType, Bytes>>{{NotifyType::no_proposal_chosen, {}},
                                                                            {NotifyType::authentication_failed, {}},
                                                                            {NotifyType::invalid_syntax, {}},
                                                                            {NotifyType::invalid_ke_payload, {0, 2}},
                                                                            {NotifyType::invalid_ke_payload, {}},
                                                                            {NotifyType::cookie, {}},
                                                                            {NotifyType::cookie, Bytes(65, 7)}})
    for_seeds(1, [&, type = type, data = data](World& world) {
      configure(world);
      for (int i = 0; i < 3; ++i) world.step(world.a, forged_answer(world.recorded.front(), type, data));
      world.run_for(2s);
      world.expect_settled(tunnel);
      if (world.a.count(messages::ike_no_proposal) != 0) throw Violation("a forged error was taken for the reason");
    });
}

// The request that is sent again with a forged cookie is another message, and AUTH covers only one of the two. Who sees
// our SPI can do that much; the next attempt mends it.
TEST_CASE("2.6: a forged cookie costs one attempt at most") {
  for_seeds(1, [](World& world) {
    configure(world);
    world.step(world.a, forged_answer(world.recorded.front(), NotifyType::cookie, Bytes(64, 7)));
    world.settle(60s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("2.21.2: errors and deletes in clear do not touch an established SA") {
  for_seeds(1, [](World& world) {
    bring_up(world);
    const auto auth = *std::ranges::find_if(
        world.recorded, [](const World::Recorded& r) { return header_of(r).exchange == ExchangeType::ike_auth; });
    for (const auto type : {NotifyType::authentication_failed, NotifyType::invalid_ike_spi, NotifyType::invalid_syntax,
                            NotifyType::no_proposal_chosen})
      world.step(world.a, forged_answer(auth, type, {}));
    auto header = header_of(auth);
    for (const auto exchange : {ExchangeType::informational, ExchangeType::create_child_sa, ExchangeType::ike_auth})
      for (const uint32_t id : {0U, 1U, 2U, 3U}) {
        header.exchange = exchange;
        header.message_id = id;
        const ike::wire::Delete request{.protocol = ike::wire::Protocol::ike, .spis = {}};
        world.step(world.b, ike::DatagramReceived{auth.datagram.local, auth.datagram.remote,
                                                  ike::wire::encode(header, {request})});
      }
    world.run_for(30s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("2.1: a request that comes again gets the same answer, bit by bit") {
  for_seeds(1, [](World& world) {
    bring_up(world);
    const auto history = world.recorded;
    const auto in_auth = [](bool response) {
      return [response](const World::Recorded& r) {
        return header_of(r).exchange == ExchangeType::ike_auth && header_of(r).response == response;
      };
    };
    const auto request = *std::ranges::find_if(history, in_auth(false));
    const auto answer = *std::ranges::find_if(history, in_auth(true));
    world.recorded.clear();
    world.step(world.b, request.datagram);
    if (world.recorded.size() != 1 || world.recorded[0].datagram.data != answer.datagram.data)
      throw Violation("not the same answer");
    world.expect_settled(tunnel);
  });
}

TEST_CASE("2.3: requests outside the window are not answered") {
  for_seeds(1, [](World& world) {
    bring_up(world);
    world.run_for(30s);  // probes move the window on
    const auto auth = *std::ranges::find_if(
        world.recorded, [](const World::Recorded& r) { return header_of(r).exchange == ExchangeType::ike_auth; });
    world.recorded.clear();
    world.step(world.b, auth.datagram);
    if (!world.recorded.empty()) throw Violation("an old request was answered");
    world.expect_settled(tunnel);
  });
}

TEST_CASE("2.5: a critical payload that is unknown is refused, one that is not is skipped") {
  for (const bool critical : {true, false})
    for_seeds(1, [&](World& world) {
      configure(world);
      const auto init = world.recorded.front();
      auto message = ike::wire::decode(init.datagram.data).value();
      message.header.initiator_spi ^= 1;
      message.payloads.push_back(
          ike::wire::Unknown{.type = static_cast<ike::wire::PayloadType>(200), .critical = critical, .body = {1, 2}});
      world.recorded.clear();
      world.step(world.b, ike::DatagramReceived{init.datagram.local, init.datagram.remote, ike::wire::encode(message)});
      if (world.recorded.size() != 1) throw Violation("no answer");
      const auto answer = ike::wire::decode(world.recorded[0].datagram.data).value();
      const auto* refusal = ike::wire::find_notify(answer.payloads, NotifyType::unsupported_critical_payload);
      if (critical != (refusal != nullptr)) throw Violation("the wrong answer");
      if (refusal && refusal->data != Bytes{200}) throw Violation("the payload is not named");
    });
}

TEST_CASE("2.8.1: of two rekeys that cross, the one with the lowest nonce goes, and its maker deletes it") {
  for_seeds(20, [](World& world) {
    bring_up(world);
    world.traffic = 10ms;
    world.run_for(1s);  // packets: each end knows that the other has the child
    world.hitless = true;
    for (Node* node : {&world.a, &world.b}) node->reports.clear();
    world.step(world.a, ike::RekeyChild{tunnel});
    world.step(world.b, ike::RekeyChild{tunnel});
    world.run_for(5s);
    world.expect_settled(tunnel);
    // The winner installed both, the loser only the winner's.
    const size_t at_a = world.a.count(messages::child_established), at_b = world.b.count(messages::child_established);
    if (std::min(at_a, at_b) != 1 || std::max(at_a, at_b) != 2) throw Violation("not three installations");
  });
}

TEST_CASE("2.8: the responder of a rekey whose answer is lost goes on sending on the old SA") {
  for_seeds(1, [](World& world) {
    bring_up(world);
    world.hitless = true;
    world.traffic = 10ms;
    bool cut = true;
    world.filter = [&](const Node& from, ByteView) { return !cut || &from == &world.a; };
    const uint32_t old = world.b.data_path->installed().begin()->first;
    world.step(world.a, ike::RekeyChild{tunnel});
    world.run_for(1s);
    if (world.b.data_path->installed().size() != 2) throw Violation("the responder did not install");
    if (world.b.data_path->sends_on(tunnel)->inbound_spi != old) throw Violation("the responder switched too early");
    cut = false;
    world.run_for(5s);
    world.traffic = 1s;
    world.run_for(5s);
    world.expect_settled(tunnel);
    if (world.b.data_path->find(old)) throw Violation("the old SA is still there");
  });
}

TEST_CASE("2.25.1: a child that the peer deletes while it is being rekeyed is made anew") {
  for_seeds(20, [](World& world) {
    bring_up(world);
    const uint32_t before = world.a.data_path->installed().begin()->first;
    world.step(world.b,
               ike::ChildSaEvent{world.b.data_path->installed().begin()->first, ike::ChildSaEvent::Kind::hard_expired});
    world.step(world.a, ike::RekeyChild{tunnel});
    world.run_for(30s);
    world.expect_settled(tunnel);
    if (world.a.data_path->find(before)) throw Violation("the deleted child is still there");
  });
}

}  // namespace
}  // namespace sekisho::sim
