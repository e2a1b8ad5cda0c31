// Phase 1 of IKEv1 with strangers: what their messages cost, whom they lock out, and what they have sent where.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/v1_puppet.h"

namespace sekisho::sim {
namespace {

namespace wire = ike::v1::wire;
using Form = V1Puppet::Form;

// So many first messages of main mode that seem to come from there.
void feign_main_1(V1Puppet& puppet, const Endpoint& from, unsigned count) {
  const auto cookies = puppet.cookies;
  const Endpoint remote = std::exchange(puppet.remote, from);
  static uint64_t number = 0xfe00000000000000;
  for (unsigned i = 0; i < count; ++i) {
    puppet.cookies = {++number, 0};
    puppet.main_1();
  }
  puppet.cookies = cookies;
  puppet.remote = remote;
}

Endpoint stranger(uint32_t number) {
  return {*IpAddress::parse("10.66." + std::to_string(number / 200) + "." + std::to_string(number % 200 + 1)), 500};
}

ike::Connection aggressive_connection() {
  ike::Connection connection = V1Puppet::engine_connection();
  connection.aggressive = true;
  return connection;
}

bool established(const V1Puppet& puppet) {
  const auto sas = puppet.engine->ike_sas();
  return std::ranges::any_of(sas, [](const auto& sa) { return sa.state == "established"; });
}

}  // namespace

TEST_CASE("v1 ladder: first messages in a peer's name do not lock it out, nor interrupt it") {
  V1Puppet puppet;
  feign_main_1(puppet, puppet.remote, 30);
  puppet.main_1();
  puppet.main_3();
  feign_main_1(puppet, puppet.remote, 30);
  CHECK(puppet.ike_sas() <= 9);
  puppet.main_5();
  CHECK(established(puppet));
}

TEST_CASE("v1 ladder: strangers do not lock out a peer where any may come") {
  ike::Connection connection = V1Puppet::engine_connection();
  connection.remote = *IpAddress::parse("0.0.0.0");
  V1Puppet puppet(connection);
  puppet.remote = {*IpAddress::parse("10.9.2.2"), 500};
  for (uint32_t number = 0; number < 300; ++number) feign_main_1(puppet, stranger(number), 1);
  CHECK(puppet.ike_sas() == 256);
  puppet.establish();
  CHECK(established(puppet));
}

TEST_CASE("v1 ladder: strangers take no room from peers whose addresses are configured") {
  V1Puppet puppet;  // with one of them
  ike::Connection any = V1Puppet::engine_connection();
  any.name = "any";
  any.remote = *IpAddress::parse("0.0.0.0");
  any.remote_id = *ike::Identity::parse("c.lab");
  puppet.step(ike::SetConnection{any});
  puppet.main_1();
  for (uint32_t number = 0; number < 300; ++number) feign_main_1(puppet, stranger(number), 1);
  CHECK(puppet.ike_sas() == 129);
  CHECK(puppet.reports(messages::ike_half_open_limit) > 0);
  puppet.main_3();
  for (uint32_t number = 300; number < 600; ++number) feign_main_1(puppet, stranger(number), 1);
  puppet.main_5();
  CHECK(established(puppet));
}

TEST_CASE("v1 ladder: a public value of a wrong length is dropped, and the true one is taken") {
  V1Puppet puppet;
  puppet.main_1();
  const auto message_3 = [&](Bytes value) {
    puppet.deliver(wire::encode({.initiator_cookie = puppet.cookies.initiator,
                                 .responder_cookie = puppet.cookies.responder,
                                 .exchange = wire::ExchangeType::main_mode},
                                {wire::KeyExchange{std::move(value)}, wire::Nonce{Bytes(32, 9)}}));
  };
  for (int i = 0; i < 20; ++i) message_3(Bytes(3, 1));
  for (int i = 0; i < 20; ++i) message_3(Bytes(64, 1));  // not on the curve
  CHECK(puppet.silent());
  puppet.main_3();
  puppet.main_5();
  CHECK(established(puppet));
}

TEST_CASE("v1 ladder: public values that are none count as half open, and establish nothing") {
  V1Puppet puppet(aggressive_connection());
  for (int i = 0; i < 20; ++i) {
    ++puppet.cookies.initiator;
    puppet.aggressive_1(Bytes(64, 1));  // as long as it is to be, but not on the curve
  }
  CHECK(puppet.silent());
  CHECK(puppet.ike_sas() == 8);
  CHECK(puppet.reports(messages::ike_half_open_limit) > 0);
  // Without keys there is nothing that could be proven.
  for (const auto& sa : puppet.engine->ike_sas()) {
    puppet.cookies.responder = sa.responder_spi;
    puppet.cookies.initiator = sa.initiator_spi;
    puppet.deliver(wire::encode({.initiator_cookie = sa.initiator_spi,
                                 .responder_cookie = sa.responder_spi,
                                 .exchange = wire::ExchangeType::aggressive},
                                {wire::Hash{Bytes(32)}}));
  }
  CHECK_FALSE(established(puppet));
  puppet.pass(31s);
  CHECK(puppet.ike_sas() == 0);
}

TEST_CASE("v1 ladder: message 2 of aggressive mode goes out three times, and again only to where it was asked from") {
  V1Puppet puppet(aggressive_connection());
  puppet.aggressive_1();
  puppet.pass(29s);
  CHECK(puppet.outbox.size() == 3);
  CHECK(puppet.ike_sas() == 1);
  puppet.aggressive_2();
  puppet.aggressive_3(Form::encrypted);
  CHECK(established(puppet));
}

TEST_CASE("v1 ladder: a first message that comes again is answered where it came from, a few times") {
  V1Puppet puppet(aggressive_connection());
  puppet.aggressive_1();
  const auto again = [&](const Endpoint& from) {
    puppet.outbox.clear();
    const Endpoint remote = std::exchange(puppet.remote, from);
    for (int i = 0; i < 20; ++i) puppet.deliver(puppet.message_1);
    puppet.remote = remote;
    return puppet.outbox.size();
  };
  CHECK(again(stranger(1)) == 0);
  CHECK(again(puppet.remote) == 5);
}

TEST_CASE("v1 ladder: refusals in clear are sent to an address so often, and no more") {
  V1Puppet puppet;
  puppet.connection.ike_proposals = {*ike::IkeProposal::parse("aes256-sha1-modp1024")};
  for (int i = 0; i < 50; ++i) {
    ++puppet.cookies.initiator;
    puppet.offer_main_1();
  }
  CHECK(puppet.outbox.size() == 8);
}

TEST_CASE("v1 ladder: INITIAL-CONTACT in clear, which the hash does not cover, counts for nothing") {
  for (const Form form : {Form::clear, Form::encrypted}) {
    V1Puppet puppet(aggressive_connection());
    const auto begin = [&] {
      puppet.aggressive_1();
      puppet.aggressive_2();
    };
    begin();
    puppet.aggressive_3(Form::encrypted);
    REQUIRE(puppet.make_child(1, 0xb0b00001));
    puppet.outbox.clear();
    puppet.cookies = {0xb1b1b1b1b1b1b1b1, 0};
    puppet.pass(1s);
    begin();
    puppet.aggressive_3(form, {wire::Notification{.protocol = wire::Protocol::isakmp,
                                                  .notify = wire::NotifyType::initial_contact,
                                                  .spi = puppet.cookies.bytes(),
                                                  .data = {}}});
    const bool honoured = form == Form::encrypted;
    CHECK(puppet.data_path.installed().size() == 1);
    puppet.pass(9s);
    CHECK(puppet.data_path.installed().size() == 1);
    puppet.pass(1s);
    CHECK(puppet.data_path.installed().size() == (honoured ? 0 : 1));
  }
}

TEST_CASE("v1 ladder: a peer that started anew takes its tunnel over without a gap") {
  V1Puppet puppet(aggressive_connection());
  const auto establish = [&](const wire::Payloads& last) {
    puppet.aggressive_1();
    puppet.aggressive_2();
    puppet.aggressive_3(Form::encrypted, last);
  };
  establish({});
  REQUIRE(puppet.make_child(1, 0xb0b00001));
  puppet.cookies = {0xb1b1b1b1b1b1b1b1, 0};
  puppet.pass(10s);
  puppet.outbox.clear();
  establish({wire::Notification{.protocol = wire::Protocol::isakmp,
                                .notify = wire::NotifyType::initial_contact,
                                .spi = puppet.cookies.bytes(),
                                .data = {}}});
  puppet.pass(3s);  // repeated messages
  puppet.outbox.clear();
  const auto next = puppet.make_child(2, 0xb0b00002);
  REQUIRE(next);
  puppet.pass(10s);
  CHECK(puppet.data_path.installed().size() == 1);
  REQUIRE(puppet.data_path.sends_on("tunnel"));
  CHECK(puppet.data_path.sends_on("tunnel")->outbound_spi == 0xb0b00002);
  CHECK(puppet.data_path.gaps == 0);
}

}  // namespace sekisho::sim
