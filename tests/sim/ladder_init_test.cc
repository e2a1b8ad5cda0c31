// IKE_SA_INIT, IKE_AUTH and the message-id window as an attacker tries them: nothing but a keyed, fresh message moves
// an SA (RFC 7296 sections 2.1 to 2.6, 2.21, 2.23).
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/puppet.h"

namespace sekisho::sim {
namespace {

using namespace ike::wire;

constexpr auto x25519 = crypto::KeyExchangeId::x25519;

Bytes with_spi(Bytes init_request, uint32_t spi) {
  for (size_t i = 0; i < 4; ++i) init_request[4 + i] = static_cast<uint8_t>(spi >> (24 - 8 * i));
  return init_request;
}

bool answered_with_keys(Puppet& puppet) { return find<KeyExchange>(puppet.receive().payloads) != nullptr; }

}  // namespace

TEST_CASE("IKE_SA_INIT with another group than ours: INVALID_KE_PAYLOAD, and no state") {
  Puppet puppet;
  puppet.deliver(puppet.init_request(crypto::KeyExchangeId::ecp256));
  const auto answer = puppet.receive();
  REQUIRE(has(answer.payloads, NotifyType::invalid_ke_payload));
  CHECK(find_notify(answer.payloads, NotifyType::invalid_ke_payload)->data == Bytes{0, 31});
  CHECK(answer.header.responder_spi == 0);
  CHECK(puppet.ike_sas() == 0);
}

TEST_CASE("the same IKE_SA_INIT again gets the same answer, and makes no second SA") {
  Puppet puppet;
  const Bytes request = puppet.init_request(x25519);
  puppet.deliver(request);
  puppet.deliver(request);
  CHECK(puppet.take().data == puppet.take().data);
  CHECK(puppet.ike_sas() == 1);
}

TEST_CASE("IKE_SA_INIT that is nonsense is not answered") {
  Puppet puppet;
  Bytes request = puppet.init_request(x25519);
  for (size_t length = 0; length < request.size(); ++length)
    puppet.deliver(Bytes(request.begin(), request.begin() + static_cast<ptrdiff_t>(length)));
  request[23] = 1;  // message id
  puppet.deliver(request);
  CHECK(puppet.silent());
  // A value that is no point, and the one that makes the secret zero (RFC 7748 section 6.1).
  Bytes zero = puppet.init_request(x25519);
  const Bytes value(32, 0);
  const auto decoded = decode(zero);
  Payloads payloads = decoded->payloads;
  std::get<KeyExchange>(payloads[1]).value = value;
  puppet.deliver(encode(decoded->header, payloads));
  std::get<KeyExchange>(payloads[1]).value.resize(31);
  puppet.deliver(encode(decoded->header, payloads));
  CHECK(puppet.silent());
  CHECK(puppet.ike_sas() == 0);
}

TEST_CASE("a cookie is asked for under load, and must be the one for this address, SPI and nonce") {
  Puppet puppet(Puppet::engine_connection(), {.cookie_threshold = 0});
  puppet.deliver(puppet.init_request(x25519));
  const auto asked = puppet.receive();
  const Notify* cookie = find_notify(asked.payloads, NotifyType::cookie);
  REQUIRE(cookie != nullptr);
  CHECK(puppet.ike_sas() == 0);

  const Bytes good = puppet.init_request(x25519, {*cookie});
  puppet.deliver(with_spi(good, 77));
  CHECK(has(puppet.receive().payloads, NotifyType::cookie));
  puppet.deliver(good, {puppet.remote.address, 501});
  CHECK(has(puppet.receive().payloads, NotifyType::cookie));
  puppet.pass(10min);
  puppet.deliver(good);
  CHECK(has(puppet.receive().payloads, NotifyType::cookie));

  puppet.deliver(puppet.init_request(x25519));
  const auto fresh = puppet.receive();
  puppet.deliver(puppet.init_request(x25519, {*find_notify(fresh.payloads, NotifyType::cookie)}));
  CHECK(answered_with_keys(puppet));
}

TEST_CASE("who forges the peer's address cannot lock the peer out") {
  Puppet puppet;
  const Bytes forged = puppet.init_request(x25519);
  for (uint32_t spi = 1; spi <= 500; ++spi) puppet.deliver(with_spi(forged, spi));
  puppet.outbox.clear();
  // The peer is asked for a cookie, since it can show one where the forger cannot.
  puppet.deliver(puppet.init_request(x25519));
  auto answer = puppet.receive();
  if (const Notify* cookie = find_notify(answer.payloads, NotifyType::cookie)) {
    puppet.deliver(puppet.init_request(x25519, {*cookie}));
    answer = puppet.receive();
  }
  CHECK(find<KeyExchange>(answer.payloads) != nullptr);
}

TEST_CASE("an answer to IKE_AUTH that cannot be read is refused, in words that the peer hears") {
  Puppet puppet;
  puppet.answer_init();
  puppet.answer(puppet.receive(), {Unknown{PayloadType{200}, true, Bytes(4)}});
  CHECK(has(puppet.receive().payloads, NotifyType::authentication_failed));
  CHECK(puppet.reports(messages::ike_peer_error) == 1);
  CHECK(puppet.ike_sas() == 0);
  CHECK(puppet.data_path.reserved() == 0);
}

TEST_CASE("2.4: INITIAL_CONTACT is sent only where no connection has an SA between the two identities") {
  const bool same_peer = GENERATE(true, false);
  auto second = Puppet::engine_connection();
  second.name = "second";
  second.remote = *IpAddress::parse("10.9.3.3");
  if (!same_peer) second.remote_id = *ike::Identity::parse("c.lab");
  Puppet puppet;
  puppet.establish_as_initiator();
  puppet.step(ike::SetConnection{second});
  puppet.connection = second;
  puppet.remote.address = second.remote;
  puppet.answer_init();
  CHECK(has(puppet.receive().payloads, NotifyType::initial_contact) != same_peer);
}

TEST_CASE("a suite that another connection of the address chose is the reason that is given") {
  const auto aes256 = *ike::IkeProposal::parse("aes256-sha256-x25519");
  auto another = Puppet::engine_connection();
  another.name = "another";
  another.remote_id = *ike::Identity::parse("c.lab");
  another.ike_proposals = {aes256};
  Puppet puppet;
  puppet.step(ike::SetConnection{another});
  puppet.connection.ike_proposals.insert(puppet.connection.ike_proposals.begin(), aes256);
  puppet.exchange_init();
  CHECK(has(puppet.ask(ExchangeType::ike_auth, puppet.auth_request()), NotifyType::authentication_failed));
  CHECK(puppet.reports(messages::ike_unknown_identity) == 0);
  REQUIRE(puppet.reports(messages::ike_no_proposal) == 1);
  CHECK(puppet.reported.back().connection == "tunnel");
}

TEST_CASE("handshakes that failed at IKE_AUTH count as half open as long as they are remembered") {
  Puppet puppet;
  puppet.connection.psk = std::make_shared<const SecretBytes>(SecretBytes::copy_of(as_bytes("sardine")));
  unsigned refused = 0;
  try {
    for (uint64_t spi = 1; spi < 100; ++spi, ++refused) {
      puppet.exchange_init(spi);
      CHECK(has(puppet.ask(ExchangeType::ike_auth, puppet.auth_request()), NotifyType::authentication_failed));
    }
  } catch (const Violation&) {  // no answer, or a cookie: the engine has enough of it
  }
  CHECK(refused > 0);
  CHECK(refused <= 16);
  // They are forgotten, and who knows the key comes in.
  puppet.outbox.clear();
  puppet.pass(60s);
  puppet.connection = Puppet::engine_connection();
  puppet.establish_as_initiator();
  CHECK(puppet.ike_sas() == 1);
}

TEST_CASE("a wrong key or a wrong identity: AUTHENTICATION_FAILED, no SA, and a report that tells them apart") {
  const bool wrong_key = GENERATE(true, false);
  Puppet puppet;
  if (wrong_key)
    puppet.connection.psk = std::make_shared<const SecretBytes>(SecretBytes::copy_of(as_bytes("sardine")));
  else
    puppet.connection.remote_id = *ike::Identity::parse("c.lab");
  puppet.exchange_init();
  const Payloads refusal = puppet.ask(ExchangeType::ike_auth, puppet.auth_request());
  REQUIRE(refusal.size() == 1);
  CHECK(has(refusal, NotifyType::authentication_failed));
  CHECK(puppet.ike_sas() == 0);
  CHECK(puppet.data_path.reserved() == 0);
  CHECK(puppet.reports(messages::ike_peer_not_authentic) == (wrong_key ? 1 : 0));
  CHECK(puppet.reports(messages::ike_unknown_identity) == (wrong_key ? 0 : 1));
}

TEST_CASE("an AUTH by another method is refused") {
  Puppet puppet;
  puppet.exchange_init();
  Payloads request = puppet.auth_request();
  std::get<Authentication>(request[1]).method = AuthMethod::digital_signature;
  CHECK(has(puppet.ask(ExchangeType::ike_auth, request), NotifyType::authentication_failed));
  CHECK(puppet.ike_sas() == 0);
}

TEST_CASE("the window: old, repeated and future message ids") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const Bytes probe = puppet.sealed(puppet.session, ExchangeType::informational, false, 2, {});
  puppet.deliver(probe);
  const Bytes reply = puppet.take().data;
  // The same again: the same reply, byte by byte.
  puppet.deliver(probe);
  CHECK(puppet.take().data == reply);
  // Other bytes under the id of before, which would be another request; ids out of the window.
  for (const uint32_t id : {0u, 1u, 2u, 4u, 5u, 0xffffffffu}) {
    puppet.deliver(puppet.sealed(puppet.session, ExchangeType::informational, false, id, {delete_ike()}));
    CHECK(puppet.silent());
  }
  CHECK(puppet.ike_sas() == 1);
  CHECK(puppet.data_path.installed().size() == 1);
  puppet.session.next_request = 3;
  CHECK(puppet.ask(ExchangeType::informational, {}).empty());
}

TEST_CASE("answers that were not asked for change nothing") {
  Puppet puppet;
  puppet.establish_as_initiator();
  for (const uint32_t id : {0u, 1u, 2u})
    puppet.deliver(puppet.sealed(puppet.session, ExchangeType::informational, true, id, {delete_ike()}));
  puppet.step(ike::RekeyChild{"tunnel"});
  const auto request = puppet.receive();
  // Of another exchange, and with the engine's own message turned round.
  puppet.deliver(puppet.sealed(puppet.session, ExchangeType::informational, true, request.header.message_id, {}));
  CHECK(puppet.silent());
  puppet.answer(request, puppet.child_answer(0xb0b00002, filled(32, 1)));
  CHECK(puppet.data_path.installed().size() == 2);
}

TEST_CASE("what is not authentic moves nothing, and is not answered") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const Bytes request = puppet.sealed(puppet.session, ExchangeType::informational, false, 2, {delete_ike()});
  for (size_t at = 0; at < request.size(); ++at) {
    Bytes changed = request;
    changed[at] ^= 1;
    puppet.deliver(changed, {*IpAddress::parse("10.66.6.6"), 500});
  }
  // In the clear, as a child of RFC 7296 section 1.4 must never be.
  const Header header{puppet.session.spi_i, puppet.session.spi_r, ExchangeType::informational, true, false, 2};
  puppet.deliver(encode(header, {delete_ike()}));
  puppet.deliver(encode(header, {notify(NotifyType::invalid_ike_spi), notify(NotifyType::authentication_failed)}));
  CHECK(puppet.silent());
  CHECK(puppet.ike_sas() == 1);
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(puppet.ask(ExchangeType::informational, {delete_ike()}).empty());
}

TEST_CASE("the engine's own messages sent back to it change nothing") {
  Puppet puppet;
  puppet.establish_as_initiator();
  puppet.step(ike::RekeyChild{"tunnel"});
  const Bytes own = puppet.take().data;
  puppet.deliver(own);
  Bytes turned = own;
  turned[19] ^= 0x08;  // the initiator flag
  puppet.deliver(turned);
  turned[19] ^= 0x20;  // the response flag
  puppet.deliver(turned);
  CHECK(puppet.silent());
  CHECK(puppet.data_path.installed().size() == 1);
}

TEST_CASE("a critical payload that is not understood refuses the request, one that is not critical is passed over") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const Payloads refusal = puppet.ask(ExchangeType::informational, {Unknown{PayloadType{200}, true, Bytes(4)}});
  REQUIRE(has(refusal, NotifyType::unsupported_critical_payload));
  CHECK(find_notify(refusal, NotifyType::unsupported_critical_payload)->data == Bytes{200});
  CHECK(puppet.ask(ExchangeType::informational, {Unknown{PayloadType{200}, false, Bytes(4)}}).empty());
  CHECK(puppet.ike_sas() == 1);
}

TEST_CASE("a request that is protected and malformed gets INVALID_SYNTAX, and the SA goes on") {
  Puppet puppet;
  puppet.establish_as_initiator();
  CHECK(has(puppet.ask(ExchangeType::create_child_sa, {Nonce{Bytes(3)}}), NotifyType::invalid_syntax));
  CHECK(has(puppet.ask(ExchangeType::create_child_sa, {}), NotifyType::invalid_syntax));
  CHECK(puppet.ask(ExchangeType::informational, {}).empty());
}

TEST_CASE("as initiator: cookies and groups are followed, within bounds") {
  Puppet puppet;
  puppet.step(ike::Initiate{"tunnel"});
  auto request = puppet.receive();
  const auto answer = [&](Notify error) {
    puppet.deliver(
        encode({request.header.initiator_spi, 0, ExchangeType::ike_sa_init, false, true, 0}, {std::move(error)}));
  };
  answer(notify(NotifyType::cookie, filled(20, 9)));
  const auto second = puppet.receive();
  REQUIRE(std::get_if<Notify>(&second.payloads.front()) != nullptr);
  CHECK(std::get<Notify>(second.payloads.front()).data == filled(20, 9));
  CHECK(find<Nonce>(second.payloads)->value == find<Nonce>(request.payloads)->value);
  answer(notify(NotifyType::cookie, filled(20, 9)));  // the same again proves nothing
  answer(notify(NotifyType::cookie, filled(65, 9)));  // longer than a cookie may be
  answer(notify(NotifyType::invalid_ke_payload, {0, 2}));
  CHECK(puppet.silent());
  answer(notify(NotifyType::invalid_ke_payload, {0, 19}));
  const auto third = puppet.receive();
  CHECK(find<KeyExchange>(third.payloads)->group == crypto::KeyExchangeId::ecp256);
  CHECK(has(third.payloads, NotifyType::cookie));
  unsigned followed = 0;
  for (uint8_t i = 0; i < 100; ++i) {
    answer(notify(NotifyType::invalid_ke_payload, {0, static_cast<uint8_t>(i % 2 == 0 ? 31 : 19)}));
    answer(notify(NotifyType::cookie, filled(16, i)));
    followed += static_cast<unsigned>(puppet.outbox.size());
    puppet.outbox.clear();
  }
  CHECK(followed <= 10);
}

TEST_CASE("as initiator: an error that anybody could have sent does not end the attempt") {
  Puppet puppet;
  puppet.step(ike::Initiate{"tunnel"});
  const Bytes request = puppet.outbox.at(0).data;
  const auto header = decode_header(request);
  for (const NotifyType type : {NotifyType::no_proposal_chosen, NotifyType::authentication_failed,
                                NotifyType::invalid_syntax, NotifyType::invalid_major_version})
    puppet.deliver(encode({header->initiator_spi, 0, ExchangeType::ike_sa_init, false, true, 0}, {notify(type)}));
  CHECK(puppet.ike_sas() == 1);
  puppet.step(ike::Initiate{"tunnel"});  // goes on with the one there is
  puppet.establish_as_responder();
  CHECK(puppet.engine->ike_sas().at(0).state == "established");
}

TEST_CASE("NAT detection: only a hash that fits shows that there is no NAT") {
  Puppet puppet;
  const auto hash = [&](NotifyType type, const Endpoint& endpoint) {
    return ike::suite::nat_detection(type, 0xb0b0b0b0b0b0b0b0, 0, endpoint);
  };
  const auto source = NotifyType::nat_detection_source_ip, destination = NotifyType::nat_detection_destination_ip;
  const Endpoint other{*IpAddress::parse("192.168.1.1"), 500};
  // Several sources, one of which fits.
  puppet.deliver(
      puppet.init_request(x25519, {hash(source, other), hash(source, puppet.remote), hash(destination, puppet.local)}));
  CHECK_FALSE(puppet.engine->ike_sas().at(0).remote_behind_nat);
  CHECK_FALSE(puppet.engine->ike_sas().at(0).local_behind_nat);
  CHECK(has(puppet.receive().payloads, source));

  Puppet behind;
  behind.deliver(behind.init_request(x25519, {hash(source, other), hash(destination, other)}));
  CHECK(behind.engine->ike_sas().at(0).remote_behind_nat);
  CHECK(behind.engine->ike_sas().at(0).local_behind_nat);
}

}  // namespace sekisho::sim
