// What strangers get: few answers, no say in what is known of a connection, no memory beyond the bounds.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "control/ike/answer_limit.h"
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

const IpAddress any_v4 = IpAddress::any(Family::ipv4);

ike::Connection for_any_peer() {
  auto connection = Puppet::engine_connection();
  connection.name = "any";
  connection.remote = any_v4;
  connection.remote_id = *ike::Identity::parse("roaming.lab");
  return connection;
}

// The cookie that the engine asked for, or none.
Payloads cookie_asked(Puppet& puppet) {
  if (puppet.silent()) return {};
  const IkeMessage answer = puppet.receive();
  const auto* cookie = find_notify(answer.payloads, NotifyType::cookie);
  return cookie ? Payloads{*cookie} : Payloads{};
}

// An IKE SA that goes no further, with the cookie where one is asked for.
void open_half(Puppet& puppet, const Endpoint& from, uint64_t spi) {
  puppet.deliver(puppet.init_request(crypto::KeyExchangeId::x25519, {}, spi), from);
  if (const Payloads cookie = cookie_asked(puppet); !cookie.empty())
    puppet.deliver(puppet.init_request(crypto::KeyExchangeId::x25519, cookie, spi), from);
  puppet.outbox.clear();
}

// From the puppet's address, with a cookie.
bool connects(Puppet& puppet, uint64_t spi) {
  puppet.deliver(puppet.init_request(crypto::KeyExchangeId::x25519, {}, spi));
  const Payloads cookie = cookie_asked(puppet);
  if (cookie.empty()) return false;
  puppet.exchange_init(spi, cookie);
  return find<Authentication>(puppet.ask(ExchangeType::ike_auth, puppet.auth_request())) != nullptr;
}

}  // namespace

TEST_CASE("strangers who open more IKE SAs than there is room for lock out no peer") {
  Puppet puppet;
  puppet.step(ike::SetConnection{for_any_peer()});
  uint64_t spi = 1;
  for (uint8_t host = 1; host <= 20; ++host)
    for (int i = 0; i < 16; ++i) open_half(puppet, {*IpAddress::parse("192.0.2." + std::to_string(host)), 500}, spi++);
  CHECK(puppet.ike_sas() == 128);
  CHECK(puppet.reports(messages::ike_half_open_limit) > 0);

  SECTION("whose address is configured") { CHECK(connects(puppet, spi)); }
  SECTION("whose address may be any") {
    puppet.connection = for_any_peer();
    puppet.remote.address = *IpAddress::parse("198.51.100.1");
    CHECK(connects(puppet, spi));
  }
  SECTION("and who answers at none of its addresses takes no place") {
    const auto sas = puppet.ike_sas();
    puppet.deliver(puppet.init_request(crypto::KeyExchangeId::x25519, {}, spi),
                   {*IpAddress::parse("198.51.100.2"), 500});
    CHECK_FALSE(cookie_asked(puppet).empty());
    CHECK(puppet.ike_sas() == sas);
    CHECK(puppet.reports(messages::ike_half_open_limit) <= 10);
  }
}

TEST_CASE("of strangers with one half-open IKE SA each the oldest makes room, whatever its address") {
  Puppet puppet;
  puppet.step(ike::SetConnection{for_any_peer()});
  const auto open = [&](const char* network, int host, uint64_t spi) {
    open_half(puppet, {*IpAddress::parse(network + std::to_string(host)), 500}, spi);
    puppet.pass(1ms);
  };
  const auto is_there = [&](uint64_t spi) {
    const auto sas = puppet.engine->ike_sas();
    return std::ranges::find(sas, spi, &ike::IkeSaView::initiator_spi) != sas.end();
  };
  for (int host = 1; host <= 127; ++host) open("198.51.100.", host, static_cast<uint64_t>(host));
  open("192.0.2.", 1, 1000);  // the lowest address, and the youngest
  for (int host = 128; host <= 137; ++host) open("198.51.100.", host, static_cast<uint64_t>(host));
  CHECK(puppet.ike_sas() == 128);
  CHECK(is_there(1000));
  for (uint64_t spi = 1; spi <= 10; ++spi) CHECK_FALSE(is_there(spi));
}

TEST_CASE("the answer to IKE_SA_INIT goes where the request came from, and is not sent again without end") {
  Puppet puppet;
  const Bytes request = puppet.init_request(crypto::KeyExchangeId::x25519);
  puppet.deliver(request);
  const Bytes answer = puppet.take().data;
  puppet.deliver(request, {*IpAddress::parse("192.0.2.1"), 500});
  puppet.local.port = 4500;
  puppet.deliver(request, {puppet.remote.address, 4500});
  puppet.local.port = 500;
  for (const auto& sent : puppet.outbox) CHECK(sent.data != answer);
  puppet.outbox.clear();
  for (int i = 0; i < 100; ++i) puppet.deliver(request);
  CHECK(puppet.outbox.size() == 5);
  CHECK(puppet.outbox.at(0).data == answer);
}

TEST_CASE("a request that comes again is answered again, but not without end") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const uint32_t id = puppet.session.next_request++;
  const Bytes request = puppet.sealed(puppet.session, ExchangeType::informational, false, id, {});
  puppet.deliver(request);
  const Bytes answer = puppet.take().data;
  for (uint16_t port = 1000; port < 1100; ++port) puppet.deliver(request, {*IpAddress::parse("192.0.2.1"), port});
  CHECK(puppet.outbox.size() == 5);
  puppet.outbox.clear();
  puppet.now += 1s;
  puppet.deliver(request);
  puppet.deliver(request);
  REQUIRE(puppet.outbox.size() == 1);
  CHECK(puppet.outbox.at(0).data == answer);
}

TEST_CASE("errors to one address are few, and come again with time") {
  Puppet puppet;
  for (uint64_t spi = 1; spi <= 100; ++spi) puppet.deliver(unacceptable_request(puppet, spi));
  CHECK(puppet.outbox.size() == 8);
  puppet.outbox.clear();
  puppet.now += 1s;
  for (uint64_t spi = 1; spi <= 100; ++spi) puppet.deliver(unacceptable_request(puppet, spi));
  CHECK(puppet.outbox.size() == 2);
}

TEST_CASE("an engine knows the messages of its SAs by both SPIs") {
  Puppet puppet;
  const auto header = [](uint64_t spi_i, uint64_t spi_r) {
    return encode({.initiator_spi = spi_i, .responder_spi = spi_r, .exchange = ExchangeType::ike_auth}, {});
  };
  CHECK_FALSE(puppet.engine->knows({}));
  CHECK_FALSE(puppet.engine->knows(header(0, 0)));
  puppet.exchange_init();
  const uint64_t spi_i = puppet.session.spi_i, spi_r = puppet.session.spi_r;
  CHECK(puppet.engine->knows(header(spi_i, spi_r)));
  CHECK_FALSE(puppet.engine->knows(header(spi_i, 0)));
  CHECK_FALSE(puppet.engine->knows(header(spi_i, spi_r ^ 1)));
  CHECK_FALSE(puppet.engine->knows(header(spi_i ^ 1, spi_r)));
  CHECK_FALSE(puppet.engine->knows(header(spi_r, spi_i)));
  // What is unknown is not answered either.
  puppet.deliver(header(spi_i, spi_r ^ 1));
  CHECK(puppet.silent());
  puppet.pass(60s);
  CHECK_FALSE(puppet.engine->knows(header(spi_i, spi_r)));
}

TEST_CASE("who feigns a peer's address cannot keep from it which group to take") {
  Puppet puppet;
  for (uint64_t spi = 1; spi <= 100; ++spi) puppet.deliver(unacceptable_request(puppet, spi));
  puppet.outbox.clear();
  puppet.deliver(puppet.init_request(crypto::KeyExchangeId::ecp384));
  CHECK(has(puppet.receive().payloads, NotifyType::invalid_ke_payload));
}

TEST_CASE("an offer of more transforms than are looked at is refused, whatever is in it") {
  Puppet puppet;
  auto message = decode(puppet.init_request(crypto::KeyExchangeId::x25519)).value();
  const auto enlarge = [&](size_t transforms) {
    for (Payload& payload : message.payloads)
      if (auto* sa = std::get_if<SecurityAssociation>(&payload)) {
        sa->proposals.resize(1);
        Proposal padding = sa->proposals.front();
        padding.transforms.assign(62, Transform{TransformType::encryption, 9999, {}, false});
        for (size_t left = transforms - sa->proposals.front().transforms.size(); left > 0;
             left -= padding.transforms.size()) {
          padding.transforms.resize(std::min(left, size_t{62}));
          padding.number = static_cast<uint8_t>(sa->proposals.size() + 1);
          sa->proposals.push_back(padding);
        }
      }
    return encode(message);
  };
  puppet.deliver(enlarge(513));
  CHECK(has(puppet.receive().payloads, NotifyType::no_proposal_chosen));
  CHECK(puppet.reports(messages::ike_no_proposal) == 1);
  puppet.deliver(enlarge(512));
  CHECK(find<KeyExchange>(puppet.receive().payloads));
}

TEST_CASE("an identity that is very long is nobody's, and a report names few connections") {
  auto connection = Puppet::engine_connection();
  connection.remote_id = {ike::Identity::Type::key_id, std::string(1025, 'x')};
  Puppet puppet(connection);
  for (int i = 0; i < 20; ++i) {
    auto other = Puppet::engine_connection();
    other.name = "tunnel " + std::to_string(i);
    other.remote_id = *ike::Identity::parse("peer" + std::to_string(i) + ".lab");
    puppet.step(ike::SetConnection{other});
  }
  puppet.exchange_init();
  CHECK(has(puppet.ask(ExchangeType::ike_auth, puppet.auth_request()), NotifyType::authentication_failed));
  REQUIRE(puppet.reports(messages::ike_unknown_identity) == 1);
  const auto report = std::ranges::find(puppet.reported, &messages::ike_unknown_identity, &ike::Report::message);
  CHECK(report->detail.size() < 1024);
  CHECK(report->detail.ends_with("and 17 more"));
}

TEST_CASE("who is no peer gets no cookie either") {
  Puppet puppet(Puppet::engine_connection(), {.cookie_threshold = 0});
  puppet.deliver(puppet.init_request(crypto::KeyExchangeId::x25519), {*IpAddress::parse("192.0.2.1"), 500});
  CHECK(puppet.silent());
  CHECK(puppet.reports(messages::ike_unknown_peer) == 1);
}

TEST_CASE("errors to all addresses together are bounded") {
  SeededRandom random(3);
  ike::AnswerLimit limit;
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

TEST_CASE("what a stranger provoked takes the place of an earlier stranger's, but not of what is certain") {
  const auto last = [](const Puppet& puppet) {
    return puppet.engine->connections().at(0).last_failure.value().message;
  };
  Puppet puppet;
  puppet.exchange_init();
  Payloads request = puppet.auth_request();
  std::get<Authentication>(request[1]).data[0] ^= 1;
  puppet.ask(ExchangeType::ike_auth, request);
  REQUIRE(last(puppet) == &messages::ike_peer_not_authentic);
  puppet.deliver(unacceptable_request(puppet, 1));
  CHECK(last(puppet) == &messages::ike_no_proposal);

  Puppet known;
  known.establish_as_initiator();
  known.ask(ExchangeType::informational, {Delete{Protocol::ike, {}}});
  REQUIRE(last(known) == &messages::ike_closed_by_peer);
  known.deliver(unacceptable_request(known, 1));
  CHECK(last(known) == &messages::ike_closed_by_peer);
  // It stands beside it, until something certain comes.
  CHECK(known.engine->connections().at(0).unproven_since.value().message == &messages::ike_no_proposal);
  known.outbox.clear();
  known.establish_as_initiator();
  known.ask(ExchangeType::informational, {Delete{Protocol::ike, {}}});
  CHECK_FALSE(known.engine->connections().at(0).unproven_since);
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
