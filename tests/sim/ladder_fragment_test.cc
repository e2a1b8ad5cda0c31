// RFC 7383, message by message: fragments in and out, and what a forger or a faulty peer makes of their numbers.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/puppet.h"

namespace sekisho::sim {
namespace {

using namespace ike::wire;

// An SA with fragmentation, the puppet as initiator.
Puppet fragmenting_puppet(ike::Connection connection = Puppet::engine_connection()) {
  Puppet puppet(std::move(connection));
  puppet.announced = {notify(NotifyType::fragmentation_supported)};
  puppet.establish_as_initiator();
  return puppet;
}

// An authentic fragment with whatever counts.
Bytes fragment(Puppet& puppet, uint32_t message_id, PayloadType first, uint16_t number, uint16_t total,
               ByteView plaintext) {
  crypto::SkCipher& cipher = *puppet.session.sealing;
  ByteWriter datagram;
  datagram.bytes(ByteView(encode({puppet.session.spi_i, puppet.session.spi_r, ExchangeType::informational,
                                  puppet.session.initiator, false, message_id},
                                 {})));
  datagram.patch_u8(16, static_cast<uint8_t>(PayloadType::encrypted_fragment));
  datagram.u8(static_cast<uint8_t>(first));
  datagram.u8(0);
  datagram.u16(static_cast<uint16_t>(8 + cipher.sealed_length(plaintext.size())));
  datagram.u16(number);
  datagram.u16(total);
  datagram.patch_u32(24, static_cast<uint32_t>(datagram.size() + cipher.sealed_length(plaintext.size())));
  datagram.bytes(cipher.seal(datagram.view(), plaintext, puppet.random));
  return std::move(datagram).take();
}

const Payloads large = {VendorId{filled(700, 0x55)}};

std::vector<Bytes> large_request(Puppet& puppet) {
  return puppet.fragments(ExchangeType::informational, false, puppet.session.next_request++, large);
}

}  // namespace

TEST_CASE("the answer comes when the last fragment has, in whatever order they come") {
  for (const bool backwards : {false, true}) {
    Puppet puppet = fragmenting_puppet();
    auto request = large_request(puppet);
    REQUIRE(request.size() == 4);
    if (backwards) std::ranges::reverse(request);
    for (size_t i = 0; i + 1 < request.size(); ++i) {
      puppet.deliver(request[i]);
      puppet.deliver(request[i]);  // once more
      CHECK(puppet.silent());
    }
    puppet.deliver(request.back());
    CHECK(puppet.receive().payloads.empty());
    CHECK(puppet.silent());
  }
}

TEST_CASE("7383 2.6.1: a repeated request is answered once, for its first fragment") {
  Puppet puppet = fragmenting_puppet();
  const auto request = large_request(puppet);
  for (const Bytes& datagram : request) puppet.deliver(datagram);
  const Bytes answer = puppet.take().data;
  for (const Bytes& datagram : request) puppet.deliver(datagram);
  CHECK(puppet.take().data == answer);
  CHECK(puppet.silent());
  puppet.ask(ExchangeType::informational, {});
  for (const Bytes& datagram : request) puppet.deliver(datagram);  // too old
  CHECK(puppet.silent());
}

TEST_CASE("7383 2.5.1: a peer that tries again in other pieces gets the answer that it missed") {
  Puppet puppet = fragmenting_puppet();
  const uint32_t message_id = puppet.session.next_request++;
  puppet.deliver(puppet.sealed(puppet.session, ExchangeType::informational, false, message_id, large));
  const Bytes answer = puppet.take().data;
  auto again = puppet.fragments(ExchangeType::informational, false, message_id, large);
  Bytes forged = again[0];
  forged.back() ^= 1;
  puppet.deliver(forged);
  CHECK(puppet.silent());
  for (const Bytes& datagram : again) puppet.deliver(datagram);
  CHECK(puppet.take().data == answer);
  CHECK(puppet.silent());
}

TEST_CASE("forged fragments neither fill nor disturb what is being put together") {
  Puppet puppet = fragmenting_puppet();
  const auto request = large_request(puppet);
  for (size_t i = 0; i < request.size(); ++i) {
    for (const size_t at : {size_t{33}, size_t{35}, request[i].size() - 1}) {
      Bytes forged = request[i];
      forged[at] ^= 0x81;
      puppet.deliver(forged);
    }
    CHECK(puppet.silent());
    puppet.deliver(request[i]);
  }
  CHECK(puppet.receive().payloads.empty());
}

TEST_CASE("authentic fragments with numbers that cannot be change nothing") {
  Puppet puppet = fragmenting_puppet();
  const uint32_t id = puppet.session.next_request;
  const Bytes piece = {1, 2, 3, 4};
  const std::pair<uint16_t, uint16_t> counts[] = {{0, 1},   {0, 0},         {1, 0},         {2, 1},
                                                  {3, 2},   {65535, 1},     {65535, 65534}, {1, 65},
                                                  {65, 65}, {65535, 65535}, {1, 65535},     {0, 65535}};
  for (const auto& [number, total] : counts)
    puppet.deliver(
        fragment(puppet, id, number == 1 ? PayloadType::vendor_id : PayloadType::none, number, total, piece));
  CHECK(puppet.silent());
  puppet.ask(ExchangeType::informational, {});
  CHECK(puppet.ike_sas() == 1);
}

TEST_CASE("7383 2.6: more fragments begin anew, fewer are too late") {
  Puppet puppet = fragmenting_puppet();
  const uint32_t id = puppet.session.next_request++;
  const auto many = puppet.fragments(ExchangeType::informational, false, id, large, 256);
  const auto few = puppet.fragments(ExchangeType::informational, false, id, large, 500);
  REQUIRE(many.size() > few.size());
  puppet.deliver(few[0]);
  for (size_t i = 0; i + 1 < many.size(); ++i) puppet.deliver(many[i]);
  for (const Bytes& datagram : few) puppet.deliver(datagram);
  CHECK(puppet.silent());
  puppet.deliver(many.back());
  CHECK(puppet.receive().payloads.empty());
}

TEST_CASE("a whole message takes the place of fragments that never were all there") {
  Puppet puppet = fragmenting_puppet();
  const uint32_t id = puppet.session.next_request;
  puppet.deliver(puppet.fragments(ExchangeType::informational, false, id, large)[0]);
  CHECK(puppet.ask(ExchangeType::informational, {}).empty());
}

TEST_CASE("fragments that make nonsense are answered INVALID_SYNTAX, once the peer is known") {
  Puppet puppet = fragmenting_puppet();
  const uint32_t id = puppet.session.next_request++;
  puppet.deliver(fragment(puppet, id, PayloadType::vendor_id, 1, 2, Bytes{0, 0, 0}));
  puppet.deliver(fragment(puppet, id, PayloadType::none, 2, 2, Bytes{99}));
  CHECK(has(puppet.receive().payloads, NotifyType::invalid_syntax));
  CHECK(puppet.reports(messages::ike_invalid_syntax) == 1);
  CHECK(puppet.ask(ExchangeType::informational, {}).empty());
}

TEST_CASE("IKE_AUTH in fragments") {
  Puppet puppet;
  puppet.announced = {notify(NotifyType::fragmentation_supported)};
  puppet.exchange_init();
  Payloads request = puppet.auth_request();
  request.push_back(VendorId{filled(600, 1)});
  const uint32_t id = puppet.session.next_request++;
  for (const Bytes& datagram : puppet.fragments(ExchangeType::ike_auth, false, id, request)) {
    CHECK(puppet.silent());
    puppet.deliver(datagram);
  }
  CHECK(find<Authentication>(puppet.receive().payloads));
  CHECK(puppet.data_path.installed().size() == 1);
}

TEST_CASE("fragments that were not agreed upon are dropped") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const auto request = puppet.fragments(ExchangeType::informational, false, puppet.session.next_request, large);
  for (const Bytes& datagram : request) puppet.deliver(datagram);
  CHECK(puppet.silent());

  auto unwilling = Puppet::engine_connection();
  unwilling.fragmentation = false;
  Puppet other(unwilling);
  other.announced = {notify(NotifyType::fragmentation_supported)};
  other.deliver(other.init_request(crypto::KeyExchangeId::x25519));
  CHECK_FALSE(has(other.receive().payloads, NotifyType::fragmentation_supported));
}

TEST_CASE("the engine's own messages are cut to size, and all pieces are sent again") {
  auto connection = Puppet::engine_connection();
  connection.fragment_size = 300;
  connection.children.front().local_selectors.assign(8, connection.children.front().local_selectors.front());
  Puppet puppet(connection);
  puppet.announced = {notify(NotifyType::fragmentation_supported)};
  puppet.establish_as_responder();
  CHECK(puppet.data_path.installed().size() == 1);

  puppet.step(ike::RekeyChild{"tunnel"});
  const auto sent = puppet.outbox;
  REQUIRE(sent.size() > 1);
  for (const auto& datagram : sent) CHECK(datagram.data.size() <= 300 - 28);
  const IkeMessage request = puppet.receive();
  CHECK(find<TrafficSelectorsInitiator>(request.payloads)->selectors.size() == 8);
  puppet.pass(1s);
  REQUIRE(puppet.outbox.size() == sent.size());
  for (size_t i = 0; i < sent.size(); ++i) CHECK(puppet.outbox[i].data == sent[i].data);
  puppet.outbox.clear();

  // The answer comes in fragments too, one of them late.
  const auto answer = puppet.fragments(ExchangeType::create_child_sa, true, request.header.message_id,
                                       puppet.child_answer(0xb0b00002, filled(250, 9)));
  REQUIRE(answer.size() > 1);
  puppet.deliver(answer.back());
  for (const Bytes& datagram : answer) puppet.deliver(datagram);
  CHECK(puppet.data_path.installed().size() == 2);
}

}  // namespace sekisho::sim
