// The named cases of RFC 7296 section 2.25.2, and simultaneous rekeys of section 2.8.2, message by message. Each ladder
// is drawn with the engine on the left.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/puppet.h"

namespace sekisho::sim {
namespace {

using namespace ike::wire;

constexpr uint64_t new_spi = 0xb0b0000000000002;

IkeMessage engine_rekeys(Puppet& puppet) {
  puppet.step(ike::RekeyIke{"tunnel"});
  auto request = puppet.receive();
  REQUIRE(request.header.exchange == ExchangeType::create_child_sa);
  return request;
}

// The answer to the engine's rekey.
Payloads rekey_answer(Puppet& puppet, const IkeMessage& request, const Bytes& nonce) {
  Payloads answer = puppet.rekey_request(new_spi, nonce);
  std::get<SecurityAssociation>(answer[0]).proposals[0].number =
      find<SecurityAssociation>(request.payloads)->proposals.at(0).number;
  return answer;
}

}  // namespace

TEST_CASE("rekey of the IKE SA by the peer: the child moves, message ids begin again") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const Bytes nonce = filled(32, 1);
  const Payloads answer = puppet.ask(ExchangeType::create_child_sa, puppet.rekey_request(new_spi, nonce));
  Session heir = puppet.heir(true, new_spi, nonce, answer);
  CHECK(puppet.ask(ExchangeType::informational, {delete_ike()}).empty());
  CHECK(puppet.ike_sas() == 1);
  CHECK(heir.next_request == 0);
  CHECK(puppet.ask(heir, ExchangeType::informational, {}).empty());
  CHECK(deleted(puppet.ask(heir, ExchangeType::informational, {delete_child(Puppet::own_spi)})) ==
        std::vector{puppet.engine_spi});
}

TEST_CASE("rekey of the IKE SA by the engine: it deletes the old one") {
  Puppet puppet;
  puppet.establish_as_responder();
  const auto request = engine_rekeys(puppet);
  const Bytes nonce = filled(32, 1);
  const Payloads answer = rekey_answer(puppet, request, nonce);
  Session heir = puppet.heir(false, new_spi, nonce, request.payloads);
  puppet.answer(request, answer);
  const auto removal = puppet.receive();
  CHECK(find<Delete>(removal.payloads)->protocol == Protocol::ike);
  puppet.answer(removal, {});
  CHECK(puppet.ike_sas() == 1);
  CHECK(puppet.ask(heir, ExchangeType::informational, {}).empty());
  CHECK(puppet.data_path.installed().size() == 1);
}

TEST_CASE("2.25.2: while it rekeys the IKE SA the engine makes and rekeys no child: TEMPORARY_FAILURE") {
  Puppet puppet;
  puppet.establish_as_initiator();
  engine_rekeys(puppet);
  CHECK(has(puppet.ask(ExchangeType::create_child_sa, puppet.child_request(0xb0b00002, {}, filled(32, 1))),
            NotifyType::temporary_failure));
  CHECK(has(puppet.ask(ExchangeType::create_child_sa, puppet.child_request(0xb0b00002, Puppet::own_spi, filled(32, 1))),
            NotifyType::temporary_failure));
  // Closing a child is another matter.
  CHECK(deleted(puppet.ask(ExchangeType::informational, {delete_child(Puppet::own_spi)})) ==
        std::vector{puppet.engine_spi});
}

TEST_CASE("2.25.2: while a child is being rekeyed or closed the IKE SA is not: TEMPORARY_FAILURE") {
  Puppet puppet;
  puppet.establish_as_initiator();
  puppet.step(ike::RekeyChild{"tunnel"});
  const auto request = puppet.receive();
  const auto refused = [&] {
    return has(puppet.ask(ExchangeType::create_child_sa, puppet.rekey_request(new_spi, filled(32, 1))),
               NotifyType::temporary_failure);
  };
  CHECK(refused());
  puppet.answer(request, puppet.child_answer(0xb0b00002, filled(32, 1)));
  const auto removal = puppet.receive();
  CHECK(refused());
  puppet.answer(removal, {delete_child(Puppet::own_spi)});
  CHECK_FALSE(refused());
}

TEST_CASE("2.25.2: an IKE SA that is being closed is not rekeyed; that it is closed twice is well") {
  Puppet puppet;
  puppet.establish_as_initiator();
  puppet.step(ike::Terminate{"tunnel"});
  const auto removal = puppet.receive();
  CHECK(find<Delete>(removal.payloads)->protocol == Protocol::ike);
  CHECK(puppet.data_path.installed().empty());
  CHECK(has(puppet.ask(ExchangeType::create_child_sa, puppet.rekey_request(new_spi, filled(32, 1))),
            NotifyType::temporary_failure));
  CHECK(has(puppet.ask(ExchangeType::create_child_sa, puppet.child_request(0xb0b00002, {}, filled(32, 1))),
            NotifyType::temporary_failure));
  CHECK(puppet.ask(ExchangeType::informational, {delete_ike()}).empty());
  CHECK(puppet.ike_sas() == 0);
  CHECK(puppet.silent());
}

TEST_CASE("2.25.2: an IKE SA that is being rekeyed may be closed") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const auto request = engine_rekeys(puppet);
  CHECK(puppet.ask(ExchangeType::informational, {delete_ike()}).empty());
  puppet.answer(request, rekey_answer(puppet, request, filled(32, 1)));  // too late
  CHECK(puppet.ike_sas() == 0);
  CHECK(puppet.data_path.installed().empty());
}

TEST_CASE("TEMPORARY_FAILURE: the engine tries its rekey again, after a moment") {
  Puppet puppet;
  puppet.establish_as_initiator();
  puppet.answer(engine_rekeys(puppet), {notify(NotifyType::temporary_failure)});
  CHECK(puppet.silent());
  puppet.pass(3s);
  const auto again = puppet.receive();
  CHECK(again.header.exchange == ExchangeType::create_child_sa);
  CHECK(again.header.message_id == 1);
}

// Section 2.8.2. As with children; the winner's IKE SA inherits.
TEST_CASE("2.8.2: simultaneous rekey of the IKE SA, either nonce lowest") {
  const bool puppet_loses = GENERATE(true, false);
  CAPTURE(puppet_loses);
  Puppet puppet;
  puppet.establish_as_initiator();
  const Bytes lowest = filled(32, 0), highest = filled(32, 0xff);
  const Bytes& asking = puppet_loses ? lowest : highest;
  const Bytes& answering = puppet_loses ? highest : lowest;

  const auto request = engine_rekeys(puppet);
  const Payloads answer = puppet.ask(ExchangeType::create_child_sa, puppet.rekey_request(new_spi + 1, asking));
  REQUIRE(find<SecurityAssociation>(answer) != nullptr);
  Session puppets = puppet.heir(true, new_spi + 1, asking, answer);
  const Payloads own_answer = rekey_answer(puppet, request, answering);
  Session engines = puppet.heir(false, new_spi, answering, request.payloads);
  puppet.answer(request, own_answer);

  if (puppet_loses) {
    // The engine deletes the old SA; the puppet its new one.
    const auto removal = puppet.receive();
    CHECK(find<Delete>(removal.payloads)->protocol == Protocol::ike);
    puppet.answer(removal, {});
    CHECK(puppet.ask(puppets, ExchangeType::informational, {delete_ike()}).empty());
  } else {
    // The engine deletes its new SA, by a message in that SA; the puppet the old one.
    const auto removal = puppet.receive(engines);
    CHECK(find<Delete>(removal.payloads)->protocol == Protocol::ike);
    CHECK(removal.header.initiator_spi == engines.spi_i);
    puppet.answer(engines, removal, {});
    CHECK(puppet.ask(ExchangeType::informational, {delete_ike()}).empty());
  }
  puppet.pass(90s);
  CHECK(puppet.silent());
  REQUIRE(puppet.ike_sas() == 1);
  Session& heir = puppet_loses ? engines : puppets;
  CHECK(puppet.engine->ike_sas()[0].initiator_spi == heir.spi_i);
  CHECK(deleted(puppet.ask(heir, ExchangeType::informational, {delete_child(Puppet::own_spi)})) ==
        std::vector{puppet.engine_spi});
}

//                   <-- rekey
//   rekey             -->
//   uses its own      -->  which is the heir by that
//   answer            -->
//                   <-- delete, on what our rekey made
TEST_CASE("2.8.2: what the engine's own rekey made is deleted where the peer's is in use already") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const auto request = engine_rekeys(puppet);
  const Bytes nonce = filled(32, 1);
  const Payloads answer = puppet.ask(ExchangeType::create_child_sa, puppet.rekey_request(new_spi + 1, nonce));
  Session puppets = puppet.heir(true, new_spi + 1, nonce, answer);
  CHECK(puppet.ask(puppets, ExchangeType::informational, {}).empty());
  const Payloads own_answer = rekey_answer(puppet, request, filled(32, 2));
  Session engines = puppet.heir(false, new_spi, filled(32, 2), request.payloads);
  puppet.answer(request, own_answer);
  const auto removal = puppet.receive(engines);
  CHECK(find<Delete>(removal.payloads)->protocol == Protocol::ike);
  puppet.answer(engines, removal, {});
  CHECK(puppet.ask(ExchangeType::informational, {delete_ike()}).empty());
  REQUIRE(puppet.ike_sas() == 1);
  CHECK(puppet.engine->ike_sas()[0].initiator_spi == puppets.spi_i);
  CHECK(puppet.data_path.installed().size() == 1);
}

TEST_CASE("a rekey of the IKE SA with the wrong group gets INVALID_KE_PAYLOAD, one without an SPI nothing") {
  Puppet puppet;
  puppet.establish_as_initiator();
  Payloads request = puppet.rekey_request(new_spi, filled(32, 1));
  std::get<KeyExchange>(request[2]).group = crypto::KeyExchangeId::ecp256;
  const Payloads wrong_group = puppet.ask(ExchangeType::create_child_sa, request);
  REQUIRE(has(wrong_group, NotifyType::invalid_ke_payload));
  CHECK(find_notify(wrong_group, NotifyType::invalid_ke_payload)->data == Bytes{0, 31});
  request = puppet.rekey_request(new_spi, filled(32, 1));
  std::get<SecurityAssociation>(request[0]).proposals[0].spi.clear();
  CHECK(has(puppet.ask(ExchangeType::create_child_sa, request), NotifyType::no_proposal_chosen));
  CHECK(puppet.ike_sas() == 1);
}

TEST_CASE("with reauthentication, a peer that only rekeys goes when its first IKE SA would have") {
  auto connection = Puppet::engine_connection();
  connection.reauthenticate = true;
  connection.ike_lifetime = 100s;
  Puppet puppet(connection);
  puppet.establish_as_initiator();
  for (uint64_t i = 0; i < 3; ++i) {
    puppet.pass(30s);
    const Bytes nonce = filled(32, 1);
    const Payloads answer = puppet.ask(ExchangeType::create_child_sa, puppet.rekey_request(new_spi + i, nonce));
    Session heir = puppet.heir(true, new_spi + i, nonce, answer);
    CHECK(puppet.ask(ExchangeType::informational, {delete_ike()}).empty());
    puppet.session = std::move(heir);
  }
  CHECK(puppet.silent());
  CHECK(puppet.data_path.installed().size() == 1);
  puppet.pass(11s);
  CHECK(find<Delete>(puppet.receive().payloads)->protocol == Protocol::ike);
  CHECK(puppet.reports(messages::ike_expired) == 1);
  CHECK(puppet.data_path.installed().empty());
}

// The peer deletes an IKE SA that it began for no child, so the one before, superseded for 8 seconds, stands again.
void begin_and_delete_another(Puppet& puppet) {
  puppet.exchange_init(new_spi + 0x99);
  Payloads childless = puppet.auth_request();
  std::erase_if(childless, [](const Payload& payload) { return find<SecurityAssociation>({payload}) != nullptr; });
  CHECK(find<Authentication>(puppet.ask(ExchangeType::ike_auth, childless)));
  CHECK(puppet.ask(ExchangeType::informational, {delete_ike()}).empty());
}

TEST_CASE("a child whose rekey waited in an IKE SA that was superseded for nothing is rekeyed") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const IkeMessage asked = engine_rekeys(puppet);
  puppet.step(ike::RekeyChild{"tunnel"});
  Session first = std::move(puppet.session);
  begin_and_delete_another(puppet);
  puppet.answer(first, asked, {notify(NotifyType::temporary_failure)});
  puppet.pass(7s);
  CHECK(puppet.silent());
  puppet.pass(2s);
  CHECK(has(puppet.receive(first).payloads, NotifyType::rekey_sa));
}

TEST_CASE("an IKE SA that was superseded for nothing is reauthenticated in time") {
  auto connection = Puppet::engine_connection();
  connection.reauthenticate = true;
  connection.ike_lifetime = 1000s;
  connection.ike_renewal = {.margin = 100s, .fuzz = 0};
  connection.start = ike::StartMode::on_traffic;
  Puppet puppet(connection);
  puppet.establish_as_initiator();
  begin_and_delete_another(puppet);
  puppet.pass(949s);
  CHECK(puppet.silent());
  puppet.pass(2s);
  CHECK(puppet.receive().header.exchange == ExchangeType::ike_sa_init);
  CHECK(puppet.data_path.installed().size() == 1);
}

TEST_CASE("a peer cannot pile up IKE SAs by rekeying without end") {
  Puppet puppet;
  puppet.establish_as_initiator();
  size_t most = 0;
  for (uint64_t i = 0; i < 60; ++i) {
    const Bytes nonce = filled(32, 1);
    const Payloads answer = puppet.ask(ExchangeType::create_child_sa, puppet.rekey_request(new_spi + i, nonce));
    if (!find<SecurityAssociation>(answer)) break;
    puppet.session = puppet.heir(true, new_spi + i, nonce, answer);
    most = std::max(most, puppet.ike_sas());
  }
  CHECK(most > 1);
  CHECK(most <= 8);
}

TEST_CASE("a peer cannot pile up IKE SAs by coming again and answering no delete") {
  Puppet puppet;
  // At once, or after the one before was given up to its successor.
  const Duration pause = GENERATE(0s, 9s);
  size_t most_sas = 0, most_children = 0;
  for (uint64_t spi = 1; spi < 40; ++spi) {
    puppet.exchange_init(spi);
    puppet.ask(ExchangeType::ike_auth, puppet.auth_request());
    most_sas = std::max(most_sas, puppet.ike_sas());
    most_children = std::max(most_children, puppet.data_path.installed().size());
    puppet.pass(pause);
    puppet.outbox.clear();
  }
  CHECK(most_sas > 1);
  CHECK(most_sas <= 8);
  // At once: the newest, and the one that it takes over from. Later also those whose delete is not answered yet.
  CHECK(most_children <= (pause == 0s ? 2 : 8));
}

}  // namespace sekisho::sim
