#include "tests/fuzz/v1_peer.h"

#include "control/ike/v1/suite/identities.h"
#include "control/ike/v1/suite/proposals.h"
#include "tests/fuzz/besiege.h"
#include "tests/fuzz/spoil.h"
#include "tests/sim/chain.h"

namespace sekisho::fuzz {
namespace {

using namespace ike::v1::wire;
using sim::V1Party;

Bytes octets(uint32_t value) {
  ByteWriter writer;
  writer.u32(value);
  return std::move(writer).take();
}

Bytes some_bytes(Script& script) {
  const ByteView bytes = script.bytes(script.u8());
  return {bytes.begin(), bytes.end()};
}

uint32_t child_spi(Script& script, const V1Party& puppet) {
  switch (script.below(3)) {
    case 0:
      return V1Party::own_spi;
    case 1:
      return installed_spi(script, puppet);
    default:
      return 0xb0b00000 + script.u8();
  }
}

Protocol protocol(Script& script) {
  return script.one_of(std::array{Protocol::esp, Protocol::isakmp, Protocol::ah, Protocol::none, Protocol{9}});
}

Proposal proposal(Script& script) {
  Proposal made{.number = script.u8(), .protocol = protocol(script), .spi = {}, .transforms = {}};
  if (script.yes()) made.spi = octets(script.u32());
  for (size_t count = 1 + script.below(4); count > 0; --count) {
    Transform transform{.number = script.u8(), .id = script.u8(), .attributes = {}};
    for (size_t attributes = script.below(6); attributes > 0; --attributes)
      transform.attributes.push_back(Attribute::make(script.u8(), script.yes() ? script.u8() : script.u32()));
    made.transforms.push_back(std::move(transform));
  }
  return made;
}

SecurityAssociation offer(Script& script) {
  SecurityAssociation made;
  for (size_t count = 1 + script.below(3); count > 0; --count) made.proposals.push_back(proposal(script));
  return made;
}

Identification identity(Script& script) {
  static const auto known = {"10.1.0.0/24", "10.2.0.0/24", "0.0.0.0/0", "::/0", "10.2.0.7/32"};
  if (script.yes())
    return ike::v1::suite::encode_selector(
        TrafficSelector::from_prefix(*Prefix::parse(*(known.begin() + script.below(known.size())))));
  return {.id_type = IdType{script.u8()}, .protocol = script.u8(), .port = script.u16(), .data = some_bytes(script)};
}

NotifyType notify_type(Script& script) {
  static constexpr auto known = std::array{NotifyType::no_proposal_chosen, NotifyType::invalid_id_information,
                                           NotifyType::invalid_spi,        NotifyType::authentication_failed,
                                           NotifyType::connected,          NotifyType::responder_lifetime,
                                           NotifyType::initial_contact,    NotifyType::r_u_there,
                                           NotifyType::r_u_there_ack};
  return script.yes() ? script.one_of(known) : NotifyType{script.u16()};
}

Notification notification(Script& script, const V1Party& puppet) {
  Notification made{.protocol = protocol(script), .notify = notify_type(script), .spi = {}, .data = {}};
  switch (script.below(3)) {
    case 0:
      made.spi = puppet.sa.cookies.bytes();
      break;
    case 1:
      made.spi = octets(child_spi(script, puppet));
      break;
    default:
      made.spi = some_bytes(script);
  }
  made.data = script.yes() ? octets(script.u8()) : some_bytes(script);
  return made;
}

Delete deletion(Script& script, const V1Party& puppet) {
  if (script.yes()) return {.protocol = Protocol::isakmp, .spis = {puppet.sa.cookies.bytes()}};
  Delete made{.protocol = Protocol::esp, .spis = {}};
  for (size_t count = 1 + script.below(4); count > 0; --count) made.spis.push_back(octets(child_spi(script, puppet)));
  return made;
}

Payload any_payload(Script& script, const V1Party& puppet) {
  switch (script.below(12)) {
    case 0:
      return offer(script);
    case 1:
      return KeyExchange{some_bytes(script)};
    case 2:
      return identity(script);
    case 3:
      return Certificate{script.yes() ? x509_signature : script.u8(), some_bytes(script)};
    case 4:
      return CertificateRequest{script.u8(), some_bytes(script)};
    case 5:
      return Hash{some_bytes(script)};
    case 6:
      return Signature{some_bytes(script)};
    case 7:
      return Nonce{Bytes(script.u8(), script.u8())};
    case 8:
      return deletion(script, puppet);
    case 9:
      return NatDetection{PayloadType::nat_detection, some_bytes(script)};
    case 10:
      return Opaque{PayloadType{script.u8()}, some_bytes(script)};
    default:
      return notification(script, puppet);
  }
}

// A message as it should be.
Payloads proper(Script& script, const V1Party& puppet) {
  const Bytes nonce(16 + script.below(64), script.u8());
  switch (script.below(5)) {
    case 0:
    case 1:
      return puppet.quick_request(0xb0b00000 + script.u8(), nonce);
    case 2:
      return puppet.quick_answer(0xb0b00000 + script.u8(), nonce);
    case 3:
      return {deletion(script, puppet)};
    default:
      return {notification(script, puppet)};
  }
}

}  // namespace

std::unique_ptr<V1Party> make_v1_puppet(Proof proof) {
  ike::Connection connection = sim::V1Puppet::engine_connection();
  if (proof == Proof::pre_shared_key) return std::make_unique<V1Party>(std::move(connection));
  const sim::Chain& chain = sim::chain_of(ike::IkeVersion::v1);
  connection.psk.reset();
  connection.local_auth = by_certificate(chain.a, chain);
  connection.remote_auth = sim::trusting(chain.root);
  auto puppet = std::make_unique<V1Party>(std::move(connection));
  puppet->data_path.calendar = testing::new_year;
  puppet->mirror.local_auth = by_certificate(chain.b, chain);
  return puppet;
}

Payloads write_v1_payloads(Script& script, const V1Party& puppet) {
  Payloads payloads;
  if (script.yes()) payloads = proper(script, puppet);
  spoil(script, payloads, [&] { return any_payload(script, puppet); });
  return payloads;
}

Payloads blunt_payloads(Script& script, const V1Party& puppet) {
  const ike::Connection& own = puppet.connection;
  const auto& proposals = own.ike_proposals;
  Payloads payloads = {ike::v1::suite::offer_ike(proposals, IkeAuthentication::pre_shared_key, own.ike_lifetime),
                       KeyExchange{Bytes(crypto::public_value_length(proposals.front().key_exchange), script.u8())},
                       Nonce{Bytes(16, script.u8())},
                       ike::v1::suite::encode_identity(script.yes() ? own.remote_id : own.local_id)};
  spoil(script, payloads, [&] { return any_payload(script, puppet); });
  return payloads;
}

Payloads spoiled_proof(Script& script, const V1Party& puppet) {
  Payloads payloads = puppet.proof();
  spoil(script, payloads, [&] { return any_payload(script, puppet); });
  return payloads;
}

}  // namespace sekisho::fuzz
