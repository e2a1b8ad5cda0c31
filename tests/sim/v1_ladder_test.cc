// Single cases of IKEv1 that two true ends never come to: one engine face to face with a peer that says what a ladder
// has it say.
#include <catch2/catch.hpp>

#include "control/ike/v1/ike_sa.h"
#include "tests/sim/v1_puppet.h"

namespace sekisho::sim {
namespace {

namespace wire = ike::v1::wire;
using wire::ExchangeType;

constexpr uint32_t own_spi = 0xb0b00001;

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

}  // namespace sekisho::sim
