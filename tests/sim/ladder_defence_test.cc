// What strangers get: few answers, no say in what is known of a connection, no memory beyond the bounds.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "control/ike/v2/answer_limit.h"
#include "tests/sim/puppet.h"

namespace sekisho::sim {
namespace {

using namespace ike::wire;

// An IKE_SA_INIT request with no proposal that the engine has.
Bytes unacceptable_request(Puppet& puppet, uint64_t spi) {
  auto message = decode(puppet.init_request(crypto::KeyExchangeId::x25519, {}, spi)).value();
  for (Payload& payload : message.payloads)
    if (auto* sa = std::get_if<SecurityAssociation>(&payload)) sa->proposals.resize(1);
  for (Payload& payload : message.payloads)
    if (auto* sa = std::get_if<SecurityAssociation>(&payload))
      for (Transform& transform : sa->proposals[0].transforms) transform.id = 9999;
  return encode(message);
}

}  // namespace

TEST_CASE("errors to one address are few, and come again with time") {
  Puppet puppet;
  for (uint64_t spi = 1; spi <= 100; ++spi) puppet.deliver(unacceptable_request(puppet, spi));
  CHECK(puppet.outbox.size() == 8);
  puppet.outbox.clear();
  puppet.now += 1s;
  for (uint64_t spi = 1; spi <= 100; ++spi) puppet.deliver(unacceptable_request(puppet, spi));
  CHECK(puppet.outbox.size() == 2);
}

TEST_CASE("errors to all addresses together are bounded") {
  SeededRandom random(3);
  ike::v2::AnswerLimit limit;
  unsigned answered = 0;
  for (uint32_t i = 0; i < 100'000; ++i) answered += limit.allows(random, IpAddress::v4(Be32(i)), Instant{} + 1s);
  CHECK(answered == 64);
}

TEST_CASE("what a stranger provoked is marked so") {
  Puppet puppet;
  puppet.deliver(unacceptable_request(puppet, 1));
  REQUIRE(puppet.reports(messages::ike_no_proposal) == 1);
  puppet.outbox.clear();
  puppet.exchange_init();
  Payloads request = puppet.auth_request();
  std::get<Authentication>(request[1]).data[0] ^= 1;
  puppet.ask(ExchangeType::ike_auth, request);
  REQUIRE(puppet.reports(messages::ike_peer_not_authentic) == 1);
  for (const ike::Report& report : puppet.reported) CHECK(report.proof == ike::Report::Proof::none);

  Puppet known;
  known.establish_as_initiator();
  for (const ike::Report& report : known.reported) CHECK(report.proof == ike::Report::Proof::authentic);
}

TEST_CASE("2.5: a later major version is answered INVALID_MAJOR_VERSION, a response never") {
  Puppet puppet;
  Bytes request = puppet.init_request(crypto::KeyExchangeId::x25519);
  request[17] = 0x30;
  puppet.deliver(request);
  const IkeMessage answer = puppet.receive();
  CHECK(answer.header.response);
  CHECK_FALSE(answer.header.from_initiator);
  CHECK(answer.header.initiator_spi == Puppet::default_spi);
  CHECK(answer.header.exchange == ExchangeType::ike_sa_init);
  CHECK(has(answer.payloads, NotifyType::invalid_major_version));

  request[19] |= 0x20;
  puppet.deliver(request);
  request[19] &= 0xdf;
  request[17] = 0x00;
  puppet.deliver(request);
  request[17] = 0x40;
  puppet.deliver(Bytes(request.begin(), request.begin() + 20));
  CHECK(puppet.silent());
  CHECK(puppet.ike_sas() == 0);
}

}  // namespace sekisho::sim
