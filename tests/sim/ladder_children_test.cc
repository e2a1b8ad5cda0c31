// Which child definition a peer's request goes by, and what is said where it gets less than it asked for (RFC 7296
// section 2.9). The engine is on the left in every ladder.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/puppet.h"

namespace sekisho::sim {
namespace {

using namespace ike::wire;

TrafficSelector network(const std::string& prefix) { return TrafficSelector::from_prefix(*Prefix::parse(prefix)); }

ike::ChildDefinition definition(const char* name, const char* esp, const char* local, const char* remote) {
  return {.name = name,
          .esp_proposals = {*ike::EspProposal::parse(esp)},
          .local_selectors = {network(local)},
          .remote_selectors = {network(remote)}};
}

// "tunnel" as always, for the first child; the others for what the test asks.
Puppet with_children(std::vector<ike::ChildDefinition> others, ike::StartMode start = ike::StartMode::respond) {
  auto connection = Puppet::engine_connection();
  connection.start = start;
  connection.children.insert(connection.children.end(), others.begin(), others.end());
  return Puppet(connection);
}

// The puppet asks for a child: its local side is the engine's remote one.
Payloads request(const char* esp, std::vector<TrafficSelector> engines, std::vector<TrafficSelector> own,
                 uint32_t spi = 0xb0b00010) {
  const std::vector proposals = {*ike::EspProposal::parse(esp)};
  return {ike::suite::offer_esp(proposals, spi, ike::suite::ChildOrigin::create_child_sa), Nonce{filled(32, 9)},
          TrafficSelectorsInitiator{std::move(own)}, TrafficSelectorsResponder{std::move(engines)}};
}

// The name of the newest child.
std::string newest(const Puppet& puppet) { return puppet.engine->ike_sas().at(0).children.back().name; }

}  // namespace

TEST_CASE("2.9: the child whose selectors fit best is taken, then the one with a proposal in common") {
  Puppet puppet = with_children({definition("wide", "aes128gcm16", "10.0.0.0/8", "10.0.0.0/8"),
                                 definition("exact", "aes128gcm16", "10.3.0.0/16", "10.4.0.0/16"),
                                 definition("first", "aes256gcm16", "10.5.0.0/16", "10.6.0.0/16"),
                                 definition("second", "aes128gcm16", "10.5.0.0/17", "10.6.0.0/17")});
  puppet.establish_as_initiator();
  puppet.ask(ExchangeType::create_child_sa, request("aes128gcm16", {network("10.3.0.0/16")}, {network("10.4.0.0/16")}));
  CHECK(newest(puppet) == "exact");
  puppet.ask(ExchangeType::create_child_sa,
             request("aes128gcm16", {network("10.3.7.0/24")}, {network("10.4.7.0/24")}, 0xb0b00011));
  // Both "wide" and "exact" hold all of it; "exact" is there already.
  CHECK(newest(puppet) == "wide");
  // An offer in which "first" fits exactly is not given to "second" for its proposal's sake.
  const Payloads refused = puppet.ask(ExchangeType::create_child_sa, request("aes128gcm16", {network("10.5.0.0/16")},
                                                                             {network("10.6.0.0/16")}, 0xb0b00012));
  CHECK(has(refused, NotifyType::no_proposal_chosen));
  CHECK(puppet.data_path.installed().size() == 3);
  CHECK(puppet.data_path.reserved() == 0);
}

TEST_CASE("a connection that was taken down begins nothing in an IKE SA that the peer made, until it has a child") {
  auto connection = Puppet::engine_connection();
  connection.start = ike::StartMode::start;
  connection.children.push_back(definition("other", "aes128gcm16", "10.3.0.0/16", "10.4.0.0/16"));
  Puppet puppet(connection);
  puppet.step(ike::Terminate{"tunnel"});
  puppet.pass(60s);
  puppet.outbox.clear();
  puppet.exchange_init();
  Payloads request_of_peer = puppet.auth_request();
  const std::vector unknown = {*ike::EspProposal::parse("aes256gcm16")};
  request_of_peer[2] = ike::suite::offer_esp(unknown, Puppet::own_spi, ike::suite::ChildOrigin::ike_auth);
  CHECK(has(puppet.ask(ExchangeType::ike_auth, request_of_peer), NotifyType::no_proposal_chosen));
  puppet.pass(60s);
  CHECK(puppet.ike_sas() == 1);
  CHECK(puppet.silent());
  CHECK_FALSE(puppet.engine->connections().at(0).wanted);
  puppet.ask(ExchangeType::create_child_sa, puppet.child_request(Puppet::own_spi, {}, filled(32, 1)));
  CHECK(puppet.data_path.installed().size() == 1);
  CHECK(puppet.engine->connections().at(0).wanted);
}

TEST_CASE("a connection that was taken down does not authenticate again, but lets the peer's IKE SA run out") {
  auto connection = Puppet::engine_connection();
  connection.start = ike::StartMode::start;
  connection.reauthenticate = true;
  connection.ike_lifetime = 100s;
  Puppet puppet(connection);
  puppet.step(ike::Terminate{"tunnel"});
  puppet.pass(60s);
  puppet.outbox.clear();
  puppet.exchange_init();
  Payloads childless = puppet.auth_request();
  childless.erase(childless.begin() + 2, childless.end());
  puppet.ask(ExchangeType::ike_auth, childless);
  puppet.pass(99s);
  CHECK(puppet.silent());
  puppet.pass(2s);
  CHECK(find<Delete>(puppet.receive().payloads));
}

TEST_CASE("2.9: an offer for several children is narrowed to one, and the answer says that there is more") {
  Puppet puppet = with_children({definition("one", "aes128gcm16", "10.3.0.0/16", "10.4.0.0/16"),
                                 definition("two", "aes128gcm16", "10.5.0.0/16", "10.4.0.0/16")});
  puppet.establish_as_initiator();
  const std::vector<TrafficSelector> all = {network("10.3.0.0/16"), network("10.5.0.0/16")};
  const Payloads first =
      puppet.ask(ExchangeType::create_child_sa, request("aes128gcm16", all, {network("10.4.0.0/16")}));
  CHECK(newest(puppet) == "one");
  CHECK(has(first, NotifyType::additional_ts_possible));
  CHECK(find<TrafficSelectorsResponder>(first)->selectors == std::vector{network("10.3.0.0/16")});
  const Payloads second =
      puppet.ask(ExchangeType::create_child_sa, request("aes128gcm16", all, {network("10.4.0.0/16")}, 0xb0b00011));
  CHECK(newest(puppet) == "two");
  CHECK_FALSE(has(second, NotifyType::additional_ts_possible));
}

TEST_CASE("2.9: what fits no child gets TS_UNACCEPTABLE, and both sides' selectors are kept") {
  Puppet puppet = with_children({});
  puppet.establish_as_initiator();
  const Payloads answer = puppet.ask(ExchangeType::create_child_sa,
                                     request("aes128gcm16", {network("10.7.0.0/16")}, {network("10.8.0.0/16")}));
  CHECK(has(answer, NotifyType::ts_unacceptable));
  const auto failure = puppet.engine->connections().at(0).last_failure;
  REQUIRE(failure);
  REQUIRE(failure->mismatch);
  CHECK(failure->mismatch->kind == ike::Mismatch::Kind::selectors);
  CHECK(failure->mismatch->ours == std::vector<std::string>{"local 10.1.0.0/24", "remote 10.2.0.0/24"});
  CHECK(failure->mismatch->theirs == std::vector<std::string>{"local 10.7.0.0/16", "remote 10.8.0.0/16"});
}

TEST_CASE("2.9: more pairs than the data path checks are cut, not in silence") {
  Puppet puppet = with_children({definition("wide", "aes128gcm16", "10.0.0.0/8", "10.0.0.0/8")});
  puppet.establish_as_initiator();
  std::vector<TrafficSelector> many;
  for (int i = 0; i < 12; ++i) many.push_back(network("10." + std::to_string(100 + i) + ".0.0/16"));
  const Payloads answer =
      puppet.ask(ExchangeType::create_child_sa, request("aes128gcm16", many, {network("10.9.0.0/16")}));
  CHECK(find<TrafficSelectorsResponder>(answer)->selectors.size() == 8);
  CHECK(has(answer, NotifyType::additional_ts_possible));
  CHECK(puppet.reports(messages::child_selectors_cut) == 1);
}

TEST_CASE("a rekey keeps its definition, whatever fits better") {
  Puppet puppet = with_children({definition("narrow", "aes128gcm16", "10.1.0.0/25", "10.2.0.0/25")});
  puppet.establish_as_initiator();
  Payloads rekey = puppet.child_request(0xb0b00002, Puppet::own_spi, filled(32, 1));
  for (Payload& payload : rekey) {
    if (auto* ts = std::get_if<TrafficSelectorsInitiator>(&payload)) ts->selectors = {network("10.2.0.0/25")};
    if (auto* ts = std::get_if<TrafficSelectorsResponder>(&payload)) ts->selectors = {network("10.1.0.0/25")};
  }
  puppet.ask(ExchangeType::create_child_sa, rekey);
  CHECK(newest(puppet) == "tunnel");
}

TEST_CASE("the engine asks for each further child; a refusal for good is not asked again soon") {
  const auto refusal = GENERATE(NotifyType::no_additional_sas, NotifyType::single_pair_required);
  Puppet puppet =
      with_children({definition("net2", "aes128gcm16", "10.3.0.0/16", "10.4.0.0/16")}, ike::StartMode::start);
  puppet.establish_as_responder();
  //   CREATE_CHILD_SA SA Ni TSi TSr -->
  //   <-- N(NO_ADDITIONAL_SAS)
  const auto asked = puppet.receive();
  CHECK(asked.header.exchange == ExchangeType::create_child_sa);
  CHECK(find<TrafficSelectorsInitiator>(asked.payloads)->selectors == std::vector{network("10.3.0.0/16")});
  puppet.answer(asked, {notify(refusal)});
  CHECK(puppet.reports(refusal == NotifyType::no_additional_sas ? messages::child_no_additional
                                                                : messages::child_single_pair) == 1);
  puppet.pass(4min);
  CHECK(puppet.silent());
  puppet.pass(62s);
  CHECK(puppet.receive().header.exchange == ExchangeType::create_child_sa);
  CHECK(puppet.data_path.installed().size() == 1);
}

TEST_CASE("a child that the data path refuses is deleted at the peer, and asked for again after retry_interval") {
  Puppet puppet = with_children({}, ike::StartMode::start);
  puppet.establish_as_responder();
  puppet.step(ike::ChildSaEvent{puppet.engine_spi, ike::ChildSaEvent::Kind::refused});
  const auto removal = puppet.receive();
  CHECK(deleted(removal.payloads) == std::vector{puppet.engine_spi});
  puppet.answer(removal, {delete_child(Puppet::own_spi)});
  puppet.pass(puppet.connection.retry_interval - 1ms);
  CHECK(puppet.silent());
  puppet.pass(1ms);
  CHECK(puppet.receive().header.exchange == ExchangeType::create_child_sa);
}

TEST_CASE("both ends ask for the same child: the IKE SA's initiator has its way") {
  Puppet puppet = with_children({definition("net2", "aes128gcm16", "10.3.0.0/16", "10.4.0.0/16"),
                                 definition("net3", "aes128gcm16", "10.5.0.0/16", "10.6.0.0/16")},
                                ike::StartMode::start);
  puppet.establish_as_responder();
  const auto asked = puppet.receive();  // for "net2", not answered yet
  puppet.session.next_request = 0;
  CHECK(has(puppet.ask(ExchangeType::create_child_sa,
                       request("aes128gcm16", {network("10.3.0.0/16")}, {network("10.4.0.0/16")})),
            NotifyType::temporary_failure));
  // Another one than that is made at once.
  CHECK(find<SecurityAssociation>(
      puppet.ask(ExchangeType::create_child_sa,
                 request("aes128gcm16", {network("10.5.0.0/16")}, {network("10.6.0.0/16")}, 0xb0b00011))));
  CHECK(newest(puppet) == "net3");
}

// RFC 6023.
TEST_CASE("a peer that wants no child with the IKE SA, and asks for it later") {
  Puppet puppet = with_children({});
  puppet.exchange_init();
  Payloads childless = puppet.auth_request();
  std::erase_if(childless, [](const Payload& payload) {
    return std::holds_alternative<SecurityAssociation>(payload) ||
           std::holds_alternative<TrafficSelectorsInitiator>(payload) ||
           std::holds_alternative<TrafficSelectorsResponder>(payload);
  });
  const Payloads answer = puppet.ask(ExchangeType::ike_auth, childless);
  CHECK(find<Authentication>(answer));
  CHECK_FALSE(find<SecurityAssociation>(answer));
  CHECK(puppet.ike_sas() == 1);
  CHECK(puppet.data_path.installed().empty());
  puppet.pass(1min);
  CHECK(puppet.ike_sas() == 1);
  CHECK(find<SecurityAssociation>(
      puppet.ask(ExchangeType::create_child_sa, puppet.child_request(0xb0b00002, {}, filled(32, 1)))));
  CHECK(newest(puppet) == "tunnel");
}

// RFC 4478.
TEST_CASE("a peer that says how long our authentication lasts sees another one in time") {
  Puppet puppet = with_children({}, ike::StartMode::start);
  puppet.establish_as_responder();
  ByteWriter lifetime;
  lifetime.u32(600);
  puppet.session.next_request = 0;
  puppet.ask(ExchangeType::informational, {notify(NotifyType::auth_lifetime, std::move(lifetime).take())});
  puppet.pass(450s);
  CHECK(puppet.silent());
  puppet.pass(100s);
  const auto begun = puppet.receive();
  CHECK(begun.header.exchange == ExchangeType::ike_sa_init);
  CHECK(puppet.data_path.installed().size() == 1);
}

}  // namespace sekisho::sim
