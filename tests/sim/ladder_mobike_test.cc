// RFC 4555, message by message. The puppet began the IKE SA and moves, unless a case says otherwise.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/puppet.h"

namespace sekisho::sim {
namespace {

using namespace ike::wire;

const Endpoint elsewhere{*IpAddress::parse("10.9.66.6"), 4500};

// With NAT traversal and MOBIKE on both sides; no NAT in between.
Puppet mobile_puppet(ike::Connection connection = Puppet::engine_connection()) {
  Puppet puppet(std::move(connection));
  puppet.announce_addresses();
  puppet.exchange_init();
  puppet.local.port = puppet.remote.port = 4500;
  Payloads request = puppet.auth_request();
  request.push_back(notify(NotifyType::mobike_supported));
  puppet.authenticate(request);
  return puppet;
}

// A request of the puppet's from elsewhere, and the engine's answer.
Payloads ask_from(Puppet& puppet, const Endpoint& from, const Payloads& payloads) {
  const uint32_t id = puppet.session.next_request++;
  puppet.deliver(puppet.sealed(puppet.session, ExchangeType::informational, false, id, payloads), from);
  CHECK(puppet.outbox.at(0).remote == from);
  const IkeMessage answer = puppet.receive();
  CHECK(answer.header.response);
  return answer.payloads;
}

const DataPath::Installed& child(const Puppet& puppet) { return puppet.data_path.installed().begin()->second; }
ike::IkeSaView view(const Puppet& puppet) { return puppet.engine->ike_sas().at(0); }

const Payloads update = {Notify{NotifyType::update_sa_addresses, Protocol::none, {}, {}}};

Bytes no_nats(const Endpoint& source, const Endpoint& destination) {
  ByteWriter data;
  data.bytes(source.address.bytes());
  data.bytes(destination.address.bytes());
  data.u16(source.port);
  data.u16(destination.port);
  return std::move(data).take();
}

}  // namespace

//   update from elsewhere -->
//                        <-- answer; N(COOKIE2) to elsewhere
//   N(COOKIE2)           -->  the child moves
TEST_CASE("3.5, 3.7: an update moves the IKE SA at once and the child when the cookie has come back") {
  Puppet puppet = mobile_puppet();
  const Endpoint before = puppet.remote;
  ask_from(puppet, elsewhere, update);
  CHECK(view(puppet).remote == elsewhere);
  CHECK(child(puppet).remote == before);
  CHECK(puppet.outbox.at(0).remote == elsewhere);
  const IkeMessage check = puppet.receive();
  const auto* cookie = find_notify(check.payloads, NotifyType::cookie2);
  REQUIRE(cookie);
  CHECK(cookie->data.size() == 32);
  puppet.remote = elsewhere;
  puppet.answer(check, {*cookie});
  CHECK(child(puppet).remote == elsewhere);
  CHECK(puppet.reports(messages::ike_moved) == 1);
  CHECK(puppet.silent());
}

TEST_CASE("3.7: another cookie, or none, ends the IKE SA") {
  for (const Payloads& wrong : {Payloads{}, Payloads{notify(NotifyType::cookie2, filled(32, 1))}}) {
    Puppet puppet = mobile_puppet();
    ask_from(puppet, elsewhere, update);
    const IkeMessage check = puppet.receive();
    puppet.answer(check, wrong);
    CHECK(puppet.reports(messages::ike_not_routable) == 1);
    CHECK(find<Delete>(puppet.receive().payloads));
    CHECK(puppet.data_path.installed().empty());
  }
}

TEST_CASE("a peer that is not where it says it is gets no traffic sent there, and is dead in the end") {
  Puppet puppet = mobile_puppet();
  ask_from(puppet, elsewhere, update);
  puppet.pass(120s);
  CHECK(puppet.data_path.installed().empty());
  CHECK(puppet.reports(messages::ike_moved) == 0);
  CHECK(puppet.reports(messages::ike_peer_dead) == 1);
}

TEST_CASE("no child is made while it is open where the peer is") {
  Puppet puppet = mobile_puppet();
  ask_from(puppet, elsewhere, update);
  const IkeMessage check = puppet.receive();
  puppet.remote = elsewhere;
  const Payloads rekey = puppet.child_request(0xb0b00002, Puppet::own_spi, filled(32, 3));
  CHECK(has(puppet.ask(ExchangeType::create_child_sa, rekey), NotifyType::temporary_failure));
  puppet.answer(check, {*find_notify(check.payloads, NotifyType::cookie2)});
  CHECK(find<SecurityAssociation>(puppet.ask(ExchangeType::create_child_sa, rekey)));
}

TEST_CASE("two updates, the second before the first one's check has been answered: the last one counts") {
  Puppet puppet = mobile_puppet();
  const Endpoint third{*IpAddress::parse("10.9.77.7"), 4500};
  ask_from(puppet, elsewhere, update);
  const IkeMessage check = puppet.receive();
  ask_from(puppet, third, update);
  puppet.answer(check, {*find_notify(check.payloads, NotifyType::cookie2)});
  CHECK(child(puppet).remote.address == puppet.connection.remote);
  const IkeMessage second_check = puppet.receive();
  puppet.answer(second_check, {*find_notify(second_check.payloads, NotifyType::cookie2)});
  CHECK(child(puppet).remote == third);
}

//   update from V        -->
//                        <-- answer; N(COOKIE2) to V, where nobody listens to the puppet
//   update from A        -->
//                        <-- answer; a second later the same N(COOKIE2) to A
//   update from V        -->
//   N(COOKIE2)           -->  shows nothing of V
TEST_CASE("3.7: a cookie that was sent again to another address vouches for none") {
  Puppet puppet = mobile_puppet();
  const Endpoint before = puppet.remote;
  ask_from(puppet, elsewhere, update);
  puppet.outbox.clear();
  ask_from(puppet, before, update);
  puppet.pass(1s);
  CHECK(puppet.outbox.at(0).remote == before);
  const IkeMessage check = puppet.receive();
  ask_from(puppet, elsewhere, update);
  puppet.answer(check, {*find_notify(check.payloads, NotifyType::cookie2)});
  CHECK(child(puppet).remote == before);
  CHECK(puppet.reports(messages::ike_moved) == 0);
  // A new one goes there, and nowhere else.
  CHECK(puppet.outbox.at(0).remote == elsewhere);
  const IkeMessage anew = puppet.receive();
  CHECK(find_notify(anew.payloads, NotifyType::cookie2)->data !=
        find_notify(check.payloads, NotifyType::cookie2)->data);
  puppet.answer(anew, {*find_notify(anew.payloads, NotifyType::cookie2)});
  CHECK(child(puppet).remote == elsewhere);
}

//                        <-- CREATE_CHILD_SA, a rekey
//   update from elsewhere -->
//   answer               -->  the new child goes where the old one is
TEST_CASE("a child that the engine asked for is not made where the peer has not been seen to be") {
  Puppet puppet = mobile_puppet();
  const Endpoint before = puppet.remote;
  puppet.step(ike::RekeyChild{"tunnel"});
  const IkeMessage rekey = puppet.receive();
  ask_from(puppet, elsewhere, update);
  puppet.answer(rekey, puppet.child_answer(0xb0b00002, filled(32, 3)));
  REQUIRE(puppet.data_path.installed().size() == 2);
  for (const auto& [spi, sa] : puppet.data_path.installed()) CHECK(sa.remote == before);
  // The delete of the old child, or the check: whatever comes first.
  for (int i = 0; i < 2; ++i) {
    const IkeMessage request = puppet.receive();
    if (const auto* cookie = find_notify(request.payloads, NotifyType::cookie2))
      puppet.answer(request, {*cookie});
    else
      puppet.answer(request, {delete_child(Puppet::own_spi)});
  }
  puppet.pass(2s);
  REQUIRE(puppet.data_path.installed().size() == 1);
  CHECK(child(puppet).remote == elsewhere);
}

TEST_CASE("3.8: packets from elsewhere move no child while it is open where the peer is") {
  Puppet puppet = mobile_puppet();
  const Endpoint before = puppet.remote, victim{*IpAddress::parse("10.9.77.7"), 4500};
  Payloads behind_nat = update;
  behind_nat.push_back(notify(NotifyType::nat_detection_source_ip, filled(20, 1)));
  behind_nat.push_back(notify(NotifyType::nat_detection_destination_ip, filled(20, 1)));
  ask_from(puppet, elsewhere, behind_nat);
  REQUIRE(view(puppet).remote_behind_nat);
  const IkeMessage check = puppet.receive();
  puppet.step(ike::PeerMoved{puppet.engine_spi, victim});
  CHECK(child(puppet).remote == before);
  puppet.answer(check, {*find_notify(check.payloads, NotifyType::cookie2)});
  CHECK(child(puppet).remote == elsewhere);
  puppet.step(ike::PeerMoved{puppet.engine_spi, victim});
  CHECK(child(puppet).remote == victim);
}

TEST_CASE("an update to where the SA is already changes nothing") {
  Puppet puppet = mobile_puppet();
  CHECK(puppet.ask(ExchangeType::informational, update).empty());
  CHECK(puppet.silent());
}

TEST_CASE("a forged or repeated update moves nothing") {
  Puppet puppet = mobile_puppet();
  Bytes genuine =
      puppet.sealed(puppet.session, ExchangeType::informational, false, puppet.session.next_request, update);
  Bytes forged = genuine;
  forged.back() ^= 1;
  puppet.deliver(forged, elsewhere);
  CHECK(puppet.silent());
  CHECK(view(puppet).remote == puppet.remote);
  puppet.deliver(genuine);
  puppet.outbox.clear();
  puppet.deliver(genuine, elsewhere);  // gets the answer again, no more
  CHECK(puppet.outbox.size() == 1);
  CHECK(view(puppet).remote == puppet.remote);
}

TEST_CASE("an update to an address that is not the connection's is refused") {
  Puppet puppet = mobile_puppet();
  puppet.local.address = *IpAddress::parse("10.9.1.99");
  CHECK(has(ask_from(puppet, elsewhere, update), NotifyType::unacceptable_addresses));
  CHECK(puppet.reports(messages::ike_address_unacceptable) == 1);
  CHECK(view(puppet).remote == puppet.remote);
  CHECK(puppet.silent());
}

TEST_CASE("an update from an address that no tunnel can have outside is refused") {
  auto connection = Puppet::engine_connection();
  connection.local = *IpAddress::parse("2001:db8:1::1");
  connection.remote = *IpAddress::parse("2001:db8:2::2");
  Puppet puppet = mobile_puppet(connection);
  for (const char* address : {"fe80::2", "::ffff:10.9.66.6", "::1"}) {
    INFO(address);
    CHECK(has(ask_from(puppet, {*IpAddress::parse(address), 4500}, update), NotifyType::unacceptable_addresses));
  }
  CHECK(puppet.reports(messages::ike_address_unacceptable) > 0);
  CHECK(view(puppet).remote == puppet.remote);
  CHECK(puppet.silent());
}

TEST_CASE("an update by the end that did not begin is ignored") {
  Puppet puppet;
  puppet.announce_addresses();
  puppet.authenticated_notifies = {notify(NotifyType::mobike_supported)};
  puppet.establish_as_responder();
  puppet.local.port = puppet.remote.port = 4500;
  ask_from(puppet, elsewhere, update);
  CHECK(view(puppet).remote != elsewhere);
  CHECK(puppet.silent());
}

TEST_CASE("an update without MOBIKE is ignored") {
  auto connection = Puppet::engine_connection();
  connection.mobike = false;
  Puppet puppet = mobile_puppet(connection);
  CHECK(ask_from(puppet, elsewhere, update).empty());
  CHECK(view(puppet).remote != elsewhere);
  CHECK(puppet.silent());
}

TEST_CASE("3.7, 3.8: COOKIE2 and NAT_DETECTION payloads are answered in every INFORMATIONAL exchange") {
  Puppet puppet = mobile_puppet();
  const Bytes cookie = filled(64, 9);
  const Payloads answer = puppet.ask(ExchangeType::informational,
                                     {notify(NotifyType::cookie2, cookie), notify(NotifyType::nat_detection_source_ip),
                                      notify(NotifyType::nat_detection_destination_ip)});
  REQUIRE(has(answer, NotifyType::cookie2));
  CHECK(find_notify(answer, NotifyType::cookie2)->data == cookie);
  const auto expected = ike::suite::nat_detection_hash(puppet.session.spi_i, puppet.session.spi_r, puppet.remote);
  REQUIRE(has(answer, NotifyType::nat_detection_destination_ip));
  CHECK(find_notify(answer, NotifyType::nat_detection_destination_ip)->data == expected);
  CHECK_FALSE(
      has(puppet.ask(ExchangeType::informational, {notify(NotifyType::cookie2, filled(7, 9))}), NotifyType::cookie2));
}

TEST_CASE("3.9: NO_NATS_ALLOWED is heeded") {
  Puppet puppet = mobile_puppet();
  Payloads request = update;
  request.push_back(notify(NotifyType::no_nats_allowed, no_nats(elsewhere, puppet.local)));
  CHECK(has(puppet.ask(ExchangeType::informational, request), NotifyType::unexpected_nat_detected));
  request.back() = notify(NotifyType::no_nats_allowed, no_nats(elsewhere, puppet.local));
  CHECK_FALSE(has(ask_from(puppet, elsewhere, request), NotifyType::unexpected_nat_detected));
  CHECK(view(puppet).remote == elsewhere);

  Puppet other;
  other.exchange_init();
  Payloads auth = other.auth_request();
  auth.push_back(notify(NotifyType::no_nats_allowed, no_nats(elsewhere, other.local)));
  CHECK(has(other.ask(ExchangeType::ike_auth, auth), NotifyType::unexpected_nat_detected));
  CHECK(other.data_path.installed().empty());
}

TEST_CASE("notifies about further addresses are taken without effect") {
  Puppet puppet = mobile_puppet();
  const Payloads addresses = {notify(NotifyType::additional_ip4_address, {10, 9, 66, 6}),
                              notify(NotifyType::additional_ip4_address, {1}),
                              notify(NotifyType::additional_ip6_address, filled(16, 1))};
  CHECK(puppet.ask(ExchangeType::informational, addresses).empty());
  CHECK(puppet.ask(ExchangeType::informational, {notify(NotifyType::no_additional_addresses)}).empty());
  CHECK(view(puppet).remote == puppet.remote);
}

// The engine began, and moves.
TEST_CASE("3.5: the engine tells the peer that its address has changed, from the new one") {
  auto connection = Puppet::engine_connection();
  connection.other_locals = {*IpAddress::parse("10.9.1.2")};
  Puppet puppet(connection);
  puppet.announce_addresses();
  puppet.authenticated_notifies = {notify(NotifyType::mobike_supported)};
  puppet.establish_as_responder();
  puppet.step(ike::AddressesChanged{{connection.other_locals[0]}});
  CHECK(puppet.outbox.at(0).local.address == connection.other_locals[0]);
  const IkeMessage request = puppet.receive();
  CHECK(has(request.payloads, NotifyType::update_sa_addresses));
  CHECK(has(request.payloads, NotifyType::nat_detection_source_ip));
  CHECK(child(puppet).local.address == connection.local);
  puppet.local.address = connection.other_locals[0];

  SECTION("and its child follows when the peer has agreed") {
    puppet.answer(request, {});
    CHECK(child(puppet).local.address == connection.other_locals[0]);
  }
  SECTION("and says so where the peer does not agree") {
    puppet.answer(request, {notify(NotifyType::unacceptable_addresses)});
    CHECK(puppet.reports(messages::ike_address_refused) == 1);
    CHECK(child(puppet).local.address == connection.local);
  }
  SECTION("and asks anew after it has moved once more; the answer to what it asked before means nothing") {
    puppet.step(ike::AddressesChanged{{connection.local}});
    puppet.answer(request, {});
    CHECK(child(puppet).local.address == connection.local);
    CHECK(puppet.reports(messages::ike_moved) == 0);
    CHECK(puppet.outbox.at(0).local.address == connection.local);
    CHECK(has(puppet.receive().payloads, NotifyType::update_sa_addresses));
  }
}

}  // namespace sekisho::sim
