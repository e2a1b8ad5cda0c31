// Single cases of IKEv1 that two true ends never come to: one engine face to face with a peer that says what a ladder
// has it say.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "control/ike/v1/ike_sa.h"
#include "tests/sim/v1_puppet.h"

namespace sekisho::sim {
namespace {

namespace wire = ike::v1::wire;
using wire::ExchangeType;
using HashOf = V1Puppet::HashOf;

constexpr uint32_t own_spi = 0xb0b00001;

wire::Notification esp_error(wire::NotifyType type) {
  return {.protocol = wire::Protocol::esp, .notify = type, .spi = {}, .data = {}};
}

// R-U-THERE or its answer (RFC 3706 section 5.3).
wire::Notification dpd(const V1Puppet& puppet, wire::NotifyType type, uint32_t sequence) {
  ByteWriter data;
  data.u32(sequence);
  return {.protocol = wire::Protocol::isakmp,
          .notify = type,
          .spi = puppet.cookies.bytes(),
          .data = std::move(data).take()};
}

// A header of the established SA, and one block behind it that says whatever the receiver's key makes of it.
Bytes without_payloads(const V1Puppet& puppet, ExchangeType exchange) {
  const wire::Header header{.initiator_cookie = puppet.cookies.initiator,
                            .responder_cookie = puppet.cookies.responder,
                            .first = wire::PayloadType::none,
                            .exchange = exchange,
                            .message_id = 0x1234567};
  return wire::encode_encrypted(header, Bytes(16, 0x5a));
}

}  // namespace

TEST_CASE("v1 ladder: an encrypted message without payloads is dropped, in each exchange") {
  V1Puppet puppet;
  puppet.establish();
  for (const auto exchange : {ExchangeType::informational, ExchangeType::quick_mode, ExchangeType::transaction})
    puppet.deliver(without_payloads(puppet, exchange));
  CHECK(puppet.silent());
  CHECK(puppet.make_child(1, own_spi));

  // Whoever opens it is told so, and need not ask whether there is a first payload.
  ike::v1::IkeSa sa;
  sa.proposal = puppet.connection.ike_proposals.front();
  sa.keys.encryption = SecretBytes::copy_of(Bytes(16, 1));
  const Bytes empty = without_payloads(puppet, ExchangeType::informational);
  CHECK_FALSE(ike::v1::decrypt(sa, Bytes(16), *wire::decode_header(empty), empty));
}

TEST_CASE("v1 ladder: an SPI that the peer chose as well is not used, since it would be the same key both ways") {
  V1Puppet puppet;
  puppet.establish();
  puppet.data_path.next_spi = own_spi;
  CHECK(puppet.make_child(1, own_spi) == own_spi + 1);
  CHECK(puppet.data_path.reserved() == 0);

  // The other way round the answer is refused.
  puppet.outbox.clear();
  puppet.step(ike::RekeyChild{"tunnel"});
  V1Puppet::Exchange quick;
  const auto request = puppet.receive_first(quick, ExchangeType::quick_mode);
  quick.nonce_i = wire::find<wire::Nonce>(request)->data;
  puppet.deliver(puppet.sealed(quick, HashOf::message_2, puppet.quick_2(quick, spi_of(request), request)));
  CHECK(puppet.reports(messages::child_refused) == 1);
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(puppet.data_path.reserved() == 0);
}

TEST_CASE("v1 ladder: an engine that started anew sends by what is there until the peer surely has the first child") {
  V1Puppet puppet;
  puppet.data_path.has_leftovers = true;
  puppet.establish();
  puppet.outbox.clear();
  puppet.step(ike::Initiate{"tunnel"});
  V1Puppet::Exchange quick;
  const auto request = puppet.receive_first(quick, ExchangeType::quick_mode);
  quick.nonce_i = wire::find<wire::Nonce>(request)->data;
  puppet.deliver(puppet.sealed(quick, HashOf::message_2, puppet.quick_2(quick, own_spi, request)));
  REQUIRE(puppet.data_path.find(spi_of(request)));
  CHECK_FALSE(puppet.data_path.sends_on("tunnel"));  // it may have it with our third message only
  puppet.pass(2s);
  REQUIRE(puppet.data_path.sends_on("tunnel"));
  CHECK(puppet.data_path.sends_on("tunnel")->outbound_spi == own_spi);
}

TEST_CASE("v1 ladder: a peer has no more children than its connection may have") {
  ike::Connection connection = V1Puppet::engine_connection();
  connection.children.front().remote_selectors = {TrafficSelector::from_prefix(*Prefix::parse("10.2.0.0/16"))};
  V1Puppet puppet(connection);
  puppet.establish();
  const auto ask = [&](uint32_t number) {
    const std::string own = "10.2." + std::to_string(number) + ".0/24";
    return puppet.make_child(number, own_spi + number, own.c_str());
  };
  for (uint32_t number = 1; number <= 8; ++number) CHECK(ask(number));
  for (uint32_t number = 9; number <= 12; ++number) CHECK_FALSE(ask(number));
  CHECK(puppet.data_path.installed().size() == 8);
  CHECK(puppet.data_path.reserved() == 0);
  CHECK(puppet.reports(messages::sa_table_full) > 0);
  // Another ISAKMP SA brings no more; what the peer deletes makes room.
  puppet.outbox.clear();
  puppet.cookies = {0xb1b1b1b1b1b1b1b1, 0};
  puppet.establish();
  CHECK_FALSE(ask(13));
  ByteWriter spi;
  spi.u32(own_spi + 3);
  puppet.deliver(puppet.informational({wire::Delete{wire::Protocol::esp, {std::move(spi).take()}}}));
  puppet.pass(2s);
  CHECK(ask(14));
}

TEST_CASE("v1 ladder: R-U-THERE is answered by its number: a new one, the last one now and then, an older one never") {
  V1Puppet puppet;
  puppet.establish();
  const auto answers = [&](uint32_t sequence, unsigned times) {
    puppet.outbox.clear();
    const Bytes datagram = puppet.informational({dpd(puppet, wire::NotifyType::r_u_there, sequence)});
    for (unsigned i = 0; i < times; ++i) puppet.deliver(datagram);
    return puppet.outbox.size();
  };
  CHECK(answers(100, 1) == 1);
  CHECK(answers(101, 50) == 6);
  CHECK(answers(101, 50) == 0);  // under another message id
  puppet.pass(2s);
  CHECK(answers(101, 50) == 2);
  CHECK(answers(100, 1) == 0);
  CHECK(answers(102, 2) == 1);
  puppet.pass(5s);
  CHECK(answers(103, 2) == 2);
  for (uint32_t sequence = 104; sequence < 204; ++sequence) CHECK(answers(sequence, 1) == 1);
}

TEST_CASE("v1 ladder: every R-U-THERE has the next number, and an answer to any of a probe's counts") {
  ike::Connection connection = V1Puppet::engine_connection();
  connection.dpd_interval = 10s;
  V1Puppet puppet(connection);
  puppet.establish();
  puppet.outbox.clear();
  const auto next_number = [&] {
    while (puppet.silent()) puppet.pass(1s);
    V1Puppet::Exchange exchange;
    const auto asked = puppet.receive_first(exchange, ExchangeType::informational);
    return ByteReader(wire::find<wire::Notification>(asked)->data).u32();
  };
  const auto answer = [&](uint32_t sequence) {
    puppet.deliver(puppet.informational({dpd(puppet, wire::NotifyType::r_u_there_ack, sequence)}));
  };
  const uint32_t first = next_number();
  CHECK(next_number() == first + 1);
  CHECK(next_number() == first + 2);
  answer(first + 1);
  puppet.pass(9s);
  CHECK(puppet.silent());
  CHECK(next_number() == first + 3);
  // Neither an answer to the probe before, nor to one that was not sent.
  answer(first + 2);
  answer(first + 4);
  CHECK(next_number() == first + 4);
  puppet.pass(600s);
  CHECK(puppet.reports(messages::ike_peer_dead) == 1);
}

TEST_CASE("v1 ladder: an error notification counts once") {
  V1Puppet puppet;
  puppet.establish();
  REQUIRE(puppet.make_child(1, own_spi));
  puppet.outbox.clear();
  puppet.step(ike::RekeyChild{"tunnel"});
  const Bytes refusal = puppet.informational({esp_error(wire::NotifyType::no_proposal_chosen)});
  puppet.deliver(refusal);
  CHECK(puppet.reports(messages::child_no_proposal) == 1);

  puppet.outbox.clear();
  puppet.step(ike::RekeyChild{"tunnel"});
  V1Puppet::Exchange quick;
  const auto request = puppet.receive_first(quick, ExchangeType::quick_mode);
  quick.nonce_i = wire::find<wire::Nonce>(request)->data;
  puppet.deliver(refusal);
  puppet.deliver(puppet.sealed(quick, HashOf::message_2, puppet.quick_2(quick, own_spi + 1, request)));
  CHECK(puppet.data_path.installed().size() == 2);
  CHECK(puppet.reports(messages::child_no_proposal) == 1);
}

}  // namespace sekisho::sim
