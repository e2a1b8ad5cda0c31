// The named cases of RFC 7296 section 2.25.1, and simultaneous rekeys of section 2.8.1, message by message. Each ladder
// is drawn with the engine on the left.
#include <catch2/catch.hpp>

#include "tests/sim/puppet.h"

namespace sekisho::sim {
namespace {

using namespace ike::wire;

constexpr uint32_t new_spi = 0xb0b00002;

uint32_t spi_of(const Payloads& payloads) {
  ByteReader reader(find<SecurityAssociation>(payloads)->proposals.at(0).spi);
  return reader.u32();
}

// The engine's request to rekey its child, not answered yet.
IkeMessage engine_rekeys(Puppet& puppet) {
  puppet.step(ike::RekeyChild{"tunnel"});
  auto request = puppet.receive();
  REQUIRE(has(request.payloads, NotifyType::rekey_sa));
  return request;
}

}  // namespace

TEST_CASE("rekey of a child by the peer: make before break") {
  Puppet puppet;
  puppet.establish_as_initiator();
  REQUIRE(puppet.data_path.sends_on("tunnel")->inbound_spi == puppet.engine_spi);

  //   <-- CREATE_CHILD_SA N(REKEY_SA) SA Ni TSi TSr
  //   SA Nr TSi TSr -->
  const Payloads answer =
      puppet.ask(ExchangeType::create_child_sa, puppet.child_request(new_spi, Puppet::own_spi, filled(32, 1)));
  const uint32_t engine_new = spi_of(answer);
  CHECK(describe({.exchange = ExchangeType::create_child_sa, .response = true}, answer) ==
        "CREATE_CHILD_SA response 0 [ SA No TSi TSr ]");
  // Both receive; the engine sends on the old one, until the new one has shown that its answer arrived.
  CHECK(puppet.data_path.installed().size() == 2);
  CHECK(puppet.data_path.sends_on("tunnel")->inbound_spi == puppet.engine_spi);
  puppet.step(ike::ChildSaEvent{engine_new, ike::ChildSaEvent::Kind::first_inbound_packet});
  CHECK(puppet.data_path.sends_on("tunnel")->outbound_spi == new_spi);

  //   <-- INFORMATIONAL D(old)
  //   D(old, the engine's) -->
  const Payloads gone = puppet.ask(ExchangeType::informational, {delete_child(Puppet::own_spi)});
  CHECK(deleted(gone) == std::vector{puppet.engine_spi});
  puppet.pass(5s);
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(puppet.silent());
}

TEST_CASE("the delete of the old child activates the new one, where no packet came") {
  Puppet puppet;
  puppet.establish_as_initiator();
  puppet.ask(ExchangeType::create_child_sa, puppet.child_request(new_spi, Puppet::own_spi, filled(32, 1)));
  puppet.ask(ExchangeType::informational, {delete_child(Puppet::own_spi)});
  CHECK(puppet.data_path.sends_on("tunnel")->outbound_spi == new_spi);
}

TEST_CASE("rekey of a child by the engine: it deletes the old one") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const auto request = engine_rekeys(puppet);
  CHECK(find_notify(request.payloads, NotifyType::rekey_sa)->protocol == Protocol::esp);
  ByteReader named(find_notify(request.payloads, NotifyType::rekey_sa)->spi);
  CHECK(named.u32() == puppet.engine_spi);
  puppet.answer(request, puppet.child_answer(new_spi, filled(32, 1)));
  CHECK(puppet.data_path.sends_on("tunnel")->outbound_spi == new_spi);
  const auto removal = puppet.receive();
  CHECK(deleted(removal.payloads) == std::vector{puppet.engine_spi});
  puppet.answer(removal, {delete_child(Puppet::own_spi)});
  puppet.pass(5s);
  CHECK(puppet.data_path.installed().size() == 1);
}

TEST_CASE("2.25.1: a request to rekey a child that does not exist gets CHILD_SA_NOT_FOUND") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const Payloads answer =
      puppet.ask(ExchangeType::create_child_sa, puppet.child_request(new_spi, 0xdeadbeef, filled(32, 1)));
  const Notify* error = find_notify(answer, NotifyType::child_sa_not_found);
  REQUIRE(error != nullptr);
  CHECK(error->protocol == Protocol::esp);
  CHECK(error->spi == Bytes{0xde, 0xad, 0xbe, 0xef});
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(puppet.data_path.reserved() == 0);
}

TEST_CASE("2.25.1: CHILD_SA_NOT_FOUND ends the child here, and a new one is made where it is wanted") {
  auto connection = Puppet::engine_connection();
  connection.start = ike::StartMode::start;
  Puppet puppet(connection);
  puppet.establish_as_responder();
  const auto request = engine_rekeys(puppet);
  puppet.answer(request, {Notify{NotifyType::child_sa_not_found, Protocol::esp, Bytes(4), {}}});
  puppet.pass(1s);
  const auto again = puppet.receive();
  CHECK(again.header.exchange == ExchangeType::create_child_sa);
  CHECK_FALSE(has(again.payloads, NotifyType::rekey_sa));
  CHECK(puppet.data_path.sends_on("tunnel") == nullptr);
}

TEST_CASE("2.25.1: a child that is being closed is not rekeyed: TEMPORARY_FAILURE") {
  Puppet puppet;
  puppet.establish_as_initiator();
  puppet.answer(engine_rekeys(puppet), puppet.child_answer(new_spi, filled(32, 1)));
  const auto removal = puppet.receive();  // the engine's delete of the old one, not answered
  const Payloads answer =
      puppet.ask(ExchangeType::create_child_sa, puppet.child_request(0xb0b00003, Puppet::own_spi, filled(32, 2)));
  CHECK(has(answer, NotifyType::temporary_failure));
  puppet.answer(removal, {delete_child(Puppet::own_spi)});
  puppet.pass(5s);
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(puppet.data_path.reserved() == 0);
}

TEST_CASE("2.25.1: both close the same child: neither answer lists it") {
  Puppet puppet;
  puppet.establish_as_initiator();
  puppet.answer(engine_rekeys(puppet), puppet.child_answer(new_spi, filled(32, 1)));
  const auto removal = puppet.receive();
  const Payloads answer = puppet.ask(ExchangeType::informational, {delete_child(Puppet::own_spi)});
  CHECK(deleted(answer).empty());
  puppet.answer(removal, {});
  puppet.pass(5s);
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(puppet.data_path.sends_on("tunnel")->outbound_spi == new_spi);
}

TEST_CASE("2.25.1: a child that is being rekeyed may be closed") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const auto request = engine_rekeys(puppet);
  const Payloads answer = puppet.ask(ExchangeType::informational, {delete_child(Puppet::own_spi)});
  CHECK(deleted(answer) == std::vector{puppet.engine_spi});
  puppet.answer(request, {Notify{NotifyType::child_sa_not_found, Protocol::esp, Bytes(4), {}}});
  puppet.pass(5s);
  CHECK(puppet.data_path.installed().empty());
  CHECK(puppet.data_path.reserved() == 0);
  CHECK(puppet.ike_sas() == 1);
}

TEST_CASE("a delete of what is not there, or said twice, is answered and changes nothing") {
  Puppet puppet;
  puppet.establish_as_initiator();
  CHECK(deleted(puppet.ask(ExchangeType::informational, {delete_child(0xdeadbeef)})).empty());
  // The SPI in a delete is the sender's inbound one; ours is none of its.
  CHECK(deleted(puppet.ask(ExchangeType::informational, {delete_child(puppet.engine_spi)})).empty());
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(deleted(puppet.ask(ExchangeType::informational, {Delete{Protocol::esp, {Puppet::own_spi, Puppet::own_spi}}})) ==
        std::vector{puppet.engine_spi});
}

// Section 2.8.1. The lowest of the four nonces decides: its exchange loses, and who began that one deletes its child.
TEST_CASE("2.8.1: simultaneous rekey of a child, either nonce lowest, either answer first") {
  const bool puppet_loses = GENERATE(true, false);
  const bool engine_hears_first = GENERATE(true, false);
  CAPTURE(puppet_loses, engine_hears_first);
  Puppet puppet;
  puppet.establish_as_initiator();

  //   N(REKEY_SA) SA Ni1 TSi TSr -->            (held back)
  //   <-- N(REKEY_SA) SA Ni2 TSi TSr
  //   SA Nr2 TSi TSr -->
  //   <-- SA Nr1 TSi TSr
  const auto request = engine_rekeys(puppet);
  const Bytes lowest = filled(32, 0), highest = filled(32, 0xff);
  const Payloads answer = puppet.ask(ExchangeType::create_child_sa,
                                     puppet.child_request(new_spi, Puppet::own_spi, puppet_loses ? lowest : highest));
  REQUIRE(find<SecurityAssociation>(answer) != nullptr);
  const uint32_t engine_second = spi_of(answer);
  const auto puppet_closes_own = [&] {
    const uint32_t own = puppet_loses ? new_spi : Puppet::own_spi;
    const uint32_t engines = puppet_loses ? engine_second : puppet.engine_spi;
    const auto closed = deleted(puppet.ask(ExchangeType::informational, {delete_child(own)}));
    CHECK(closed == std::vector{engines});
  };
  if (!engine_hears_first && !puppet_loses) puppet_closes_own();
  puppet.answer(request, puppet.child_answer(0xb0b00003, puppet_loses ? highest : lowest));

  // The engine closes: the old one where it won, its own new one where it lost.
  const auto removal = puppet.receive();
  const auto closed = deleted(removal.payloads);
  REQUIRE(closed.size() == 1);
  CHECK(closed[0] == (puppet_loses ? puppet.engine_spi : spi_of(request.payloads)));
  puppet.answer(removal, {delete_child(puppet_loses ? Puppet::own_spi : 0xb0b00003)});
  if (puppet_loses || engine_hears_first) puppet_closes_own();

  puppet.pass(5s);
  CHECK(puppet.silent());
  REQUIRE(puppet.data_path.installed().size() == 1);
  CHECK(puppet.data_path.sends_on("tunnel")->outbound_spi == (puppet_loses ? 0xb0b00003 : new_spi));
  CHECK(puppet.data_path.reserved() == 0);
}

TEST_CASE("an answer that was not offered is not installed, and deleted at the peer") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const auto request = engine_rekeys(puppet);
  Payloads answer = puppet.child_answer(new_spi, filled(32, 1));
  std::get<SecurityAssociation>(answer[0]).proposals[0].transforms[0].key_bits = 256;
  puppet.answer(request, answer);
  CHECK(deleted(puppet.receive().payloads) == std::vector{spi_of(request.payloads)});
  CHECK(puppet.data_path.installed().size() == 1);
}

TEST_CASE("a rekey that is asked for many times while it waits is tried once, and refused it waits again") {
  Puppet puppet;
  puppet.establish_as_initiator();
  puppet.step(ike::RekeyIke{"tunnel"});
  const auto before = puppet.receive();
  for (int i = 0; i < 5; ++i) puppet.step(ike::ChildSaEvent{puppet.engine_spi, ike::ChildSaEvent::Kind::soft_expired});
  puppet.answer(before, {notify(NotifyType::temporary_failure)});
  const auto request = puppet.receive();
  REQUIRE(has(request.payloads, NotifyType::rekey_sa));
  puppet.answer(request, {notify(NotifyType::no_proposal_chosen)});
  CHECK(puppet.silent());
  CHECK(puppet.data_path.installed().size() == 1);
}

TEST_CASE("an answer that cannot be read may stand for a child, which is deleted at the peer") {
  Puppet puppet;
  puppet.establish_as_initiator();
  puppet.step(ike::RekeyChild{"tunnel"});
  const auto request = puppet.receive();
  const uint32_t asked = ByteReader(find<SecurityAssociation>(request.payloads)->proposals.at(0).spi).u32();
  Payloads answer = puppet.child_answer(new_spi, filled(32, 1));
  answer.push_back(Unknown{PayloadType{200}, true, Bytes(4)});
  puppet.answer(request, answer);
  const auto removal = puppet.receive();
  CHECK(deleted(removal.payloads) == std::vector{asked});
  puppet.answer(removal, {});
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(puppet.data_path.reserved() == 0);
}

TEST_CASE("wider selectors than were offered are not installed") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const auto request = engine_rekeys(puppet);
  Payloads answer = puppet.child_answer(new_spi, filled(32, 1));
  for (Payload& payload : answer)
    if (auto* ts = std::get_if<TrafficSelectorsResponder>(&payload))
      ts->selectors = {TrafficSelector::from_prefix(*Prefix::parse("10.0.0.0/8"))};
  puppet.answer(request, answer);
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(puppet.data_path.sends_on("tunnel")->outbound_spi == Puppet::own_spi);
}

TEST_CASE("a peer cannot fill the SA table with children") {
  Puppet puppet;
  puppet.establish_as_initiator();
  bool refused = false;
  for (uint32_t i = 0; i < 40 && !refused; ++i)
    refused = has(puppet.ask(ExchangeType::create_child_sa, puppet.child_request(new_spi + i, {}, filled(32, 1))),
                  NotifyType::no_additional_sas);
  CHECK(refused);
  CHECK(puppet.data_path.installed().size() > 1);
  CHECK(puppet.data_path.installed().size() <= 8);
  CHECK(puppet.data_path.reserved() == 0);
}

TEST_CASE("PFS: the peer's wrong group gets INVALID_KE_PAYLOAD, none at all too") {
  auto connection = Puppet::engine_connection();
  connection.children.front().esp_proposals = {*ike::EspProposal::parse("aes128gcm16-x25519")};
  Puppet puppet(connection);
  puppet.establish_as_initiator();
  Payloads request = puppet.child_request(new_spi, Puppet::own_spi, filled(32, 1));
  const auto group_named = [](const Payloads& answer) {
    const Notify* error = find_notify(answer, NotifyType::invalid_ke_payload);
    return error ? error->data : Bytes{};
  };
  CHECK(group_named(puppet.ask(ExchangeType::create_child_sa, request)) == Bytes{0, 31});
  request.push_back(KeyExchange{crypto::KeyExchangeId::ecp256, Bytes(64, 1)});
  CHECK(group_named(puppet.ask(ExchangeType::create_child_sa, request)) == Bytes{0, 31});
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(puppet.data_path.reserved() == 0);
}

TEST_CASE("PFS: a peer that asks for another group gets it once, and is not followed further") {
  auto connection = Puppet::engine_connection();
  connection.children.front().esp_proposals = {*ike::EspProposal::parse("aes128gcm16-x25519"),
                                               *ike::EspProposal::parse("aes128gcm16-ecp256")};
  Puppet puppet(connection);
  puppet.establish_as_initiator();
  const auto first = engine_rekeys(puppet);
  CHECK(find<KeyExchange>(first.payloads)->group == crypto::KeyExchangeId::x25519);
  puppet.answer(first, {notify(NotifyType::invalid_ke_payload, {0, 19})});
  const auto second = puppet.receive();
  CHECK(find<KeyExchange>(second.payloads)->group == crypto::KeyExchangeId::ecp256);
  CHECK(has(second.payloads, NotifyType::rekey_sa));
  puppet.answer(second, {notify(NotifyType::invalid_ke_payload, {0, 31})});
  CHECK(puppet.silent());
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(puppet.data_path.reserved() == 0);
}

}  // namespace sekisho::sim
