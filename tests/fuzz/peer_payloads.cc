#include "tests/fuzz/peer_payloads.h"

#include "control/ike/v2/auth_payload.h"
#include "crypto/ike/signature_scheme.h"
#include "tests/fuzz/besiege.h"
#include "tests/fuzz/spoil.h"
#include "tests/sim/chain.h"

namespace sekisho::fuzz {
namespace {

using namespace ike::wire;
using sim::Payloads;
using sim::Puppet;

// SPIs that mean something: of children at either end, and of none.
uint32_t child_spi(Script& script, const Puppet& puppet) {
  switch (script.below(4)) {
    case 0:
      return Puppet::own_spi;
    case 1:
      return puppet.engine_spi;
    case 2:
      return installed_spi(script, puppet);
    default:
      return 0xb0b00000 + script.u8();
  }
}

Bytes octets(uint32_t spi) {
  ByteWriter writer;
  writer.u32(spi);
  return std::move(writer).take();
}

Bytes some_bytes(Script& script) {
  const ByteView bytes = script.bytes(script.u8());
  return {bytes.begin(), bytes.end()};
}

Bytes nonce(Script& script) { return sim::filled(16 + script.below(241), script.u8()); }

Protocol protocol(Script& script) {
  return script.one_of(std::array{Protocol::esp, Protocol::ike, Protocol::ah, Protocol::none, Protocol{7}});
}

Proposal proposal(Script& script) {
  Proposal made{.number = script.u8(), .protocol = protocol(script)};
  made.spi = made.protocol == Protocol::ike ? sim::filled(script.yes() ? 8 : 0, script.u8()) : octets(script.u32());
  for (size_t count = script.below(6); count > 0; --count) {
    Transform transform{.type = TransformType{static_cast<uint8_t>(1 + script.below(6))}, .id = script.u8()};
    if (script.yes()) transform.key_bits = script.one_of(std::array<uint16_t, 4>{128, 256, 0, 65535});
    made.transforms.push_back(transform);
  }
  return made;
}

SecurityAssociation offer(Script& script) {
  SecurityAssociation made;
  for (size_t count = 1 + script.below(4); count > 0; --count) made.proposals.push_back(proposal(script));
  return made;
}

KeyExchange key_exchange(Script& script) {
  const auto group = script.one_of(std::array{crypto::KeyExchangeId::x25519, crypto::KeyExchangeId::ecp256,
                                              crypto::KeyExchangeId::modp2048, crypto::KeyExchangeId::none});
  if (script.yes()) return {group, some_bytes(script)};
  return {group, sim::filled(32, script.u8())};
}

NotifyType notify_type(Script& script) {
  static constexpr uint16_t ranges[] = {0, 16384, 16416, 40960};
  return NotifyType{static_cast<uint16_t>(ranges[script.below(4)] + script.u8() % 64)};
}

Notify any_notify(Script& script, const Puppet& puppet) {
  Notify made{script.yes() ? NotifyType::rekey_sa : notify_type(script), protocol(script), {}, {}};
  if (made.protocol == Protocol::esp || made.protocol == Protocol::ah) made.spi = octets(child_spi(script, puppet));
  if (made.protocol == Protocol::ike && script.yes()) made.spi = sim::filled(8, script.u8());
  if (script.yes()) made.data = some_bytes(script);
  return made;
}

Delete any_delete(Script& script, const Puppet& puppet) {
  Delete made{protocol(script), {}};
  if (made.protocol == Protocol::ike) return made;
  for (size_t count = script.below(5); count > 0; --count) made.spis.push_back(child_spi(script, puppet));
  return made;
}

std::vector<TrafficSelector> selectors(Script& script) {
  static const auto wanted = {"10.1.0.0/24", "10.2.0.0/24", "0.0.0.0/0", "::/0", "10.1.0.128/25", "10.2.0.7/32"};
  std::vector<TrafficSelector> made;
  for (size_t count = 1 + script.below(4); count > 0; --count)
    made.push_back(TrafficSelector::from_prefix(*Prefix::parse(*(wanted.begin() + script.below(wanted.size())))));
  return made;
}

// A CERT or CERTREQ payload (RFC 7296 sections 3.6 and 3.7): of a real chain, or whatever.
Payload certificate(Script& script) {
  const auto type = script.yes() ? PayloadType::certificate : PayloadType::certificate_request;
  Bytes body = {script.yes() ? uint8_t{4} : script.u8()};
  const sim::Chain& chain = sim::chain_of(ike::IkeVersion::v2);
  const auto* whose =
      script.one_of(std::array<const testing::Credential*, 4>{&chain.b, &chain.a, &chain.middle, nullptr});
  const Bytes content = whose ? whose->der() : some_bytes(script);
  body.insert(body.end(), content.begin(), content.end());
  return Opaque{type, std::move(body)};
}

// AUTH as RFC 7427 has it: a true AlgorithmIdentifier or whatever, and what is no signature.
Authentication false_signature(Script& script) {
  Bytes data;
  if (script.yes()) {
    using crypto::SignatureHash;
    using crypto::SignatureKind;
    const auto kind = script.one_of(
        std::array{SignatureKind::ecdsa, SignatureKind::rsa_pss, SignatureKind::rsa_pkcs1, SignatureKind::eddsa});
    const auto hash = kind == SignatureKind::eddsa ? SignatureHash::identity : SignatureHash::sha2_256;
    const Bytes identifier = crypto::algorithm_identifier({kind, hash});
    data = {static_cast<uint8_t>(identifier.size())};
    data.insert(data.end(), identifier.begin(), identifier.end());
  }
  const Bytes rest = some_bytes(script);
  data.insert(data.end(), rest.begin(), rest.end());
  return {script.yes() ? AuthMethod::digital_signature : AuthMethod{script.u8()}, std::move(data)};
}

// RFC 4555: the notifies of a peer that moves, or that answers for where it is.
Payloads moving(Script& script, const Knowledge& knowledge) {
  Payloads payloads;
  if (knowledge.request)
    if (const Notify* cookie = find_notify(*knowledge.request, NotifyType::cookie2)) payloads.push_back(*cookie);
  if (script.yes()) payloads.push_back(sim::notify(NotifyType::update_sa_addresses));
  if (script.yes()) payloads.push_back(sim::notify(NotifyType::additional_ip4_address, sim::filled(4, script.u8())));
  if (script.yes()) payloads.push_back(sim::notify(NotifyType::no_additional_addresses));
  if (script.yes()) payloads.push_back(sim::notify(NotifyType::cookie2, sim::filled(8 + script.below(64), 1)));
  for (const NotifyType type : {NotifyType::nat_detection_source_ip, NotifyType::nat_detection_destination_ip})
    if (script.yes()) payloads.push_back(sim::notify(type, sim::filled(20, script.u8())));
  return payloads;
}

Payload any_payload(Script& script, const Puppet& puppet) {
  switch (script.below(13)) {
    case 12:
      return certificate(script);
    case 0:
      return offer(script);
    case 1:
      return key_exchange(script);
    case 2:
      return IdInitiator{puppet.connection.remote_id};
    case 3:
      return IdResponder{{ike::Identity::Type{script.u8()}, std::string(as_text(some_bytes(script)))}};
    case 4:
      return Authentication{AuthMethod{script.u8()}, some_bytes(script)};
    case 5:
      return Nonce{nonce(script)};
    case 6:
      return any_notify(script, puppet);
    case 7:
      return any_delete(script, puppet);
    case 8:
      return VendorId{some_bytes(script)};
    case 9:
      return TrafficSelectorsInitiator{selectors(script)};
    case 10:
      return TrafficSelectorsResponder{selectors(script)};
    default:
      return Unknown{PayloadType{script.u8()}, script.yes(), some_bytes(script)};
  }
}

// A message as it should be.
Payloads proper(Script& script, const Knowledge& knowledge) {
  Puppet& puppet = knowledge.puppet;
  switch (script.below(8)) {
    case 7:
      return moving(script, knowledge);
    case 0:
      return puppet.child_request(0xb0b00000 + script.u8(), child_spi(script, puppet), nonce(script));
    case 1:
      return puppet.child_request(0xb0b00000 + script.u8(), {}, nonce(script));
    case 2:
      return puppet.child_answer(0xb0b00000 + script.u8(), script.yes() ? nonce(script) : Bytes{});
    case 3:
      return puppet.rekey_request(0xb0b0b0b0b0b0b000 + script.u8(), nonce(script));
    case 4:
      return {sim::delete_child(child_spi(script, puppet))};
    case 5:
      return {sim::delete_ike()};
    default:
      return puppet.auth_request();
  }
}

// The proposal of an answer has the number of the one that was taken.
void take_number(Payloads& answer, const Payloads& request) {
  const auto* asked = find<SecurityAssociation>(request);
  for (Payload& payload : answer)
    if (auto* chosen = std::get_if<SecurityAssociation>(&payload); chosen && asked)
      chosen->proposals.front().number = asked->proposals.front().number;
}

constexpr size_t most_fragments = 64;

}  // namespace

Features::Features(uint8_t bits)
    : certificate((bits & 1) != 0),
      ppk((bits & 2) != 0),
      fragments((bits & 4) != 0),
      addresses((bits & 8) != 0),
      two_children((bits & 16) != 0) {}

std::unique_ptr<Puppet> make_puppet(const Features& features) {
  ike::Connection connection = Puppet::engine_connection();
  if (features.certificate) {
    const sim::Chain& chain = sim::chain_of(ike::IkeVersion::v2);
    connection.local_auth = by_certificate(chain.a, chain);
    connection.remote_auth = sim::trusting(chain.root);
  }
  if (features.ppk) connection.ppk = ike::PostQuantumKey{"blue", sim::secret("whale"), true};
  if (features.two_children) {
    connection.children.push_back(connection.children.front());
    connection.children.back().name = "second";
    connection.children.back().remote_selectors = {TrafficSelector::from_prefix(*Prefix::parse("10.3.0.0/24"))};
  }
  auto puppet = std::make_unique<Puppet>(std::move(connection));
  puppet->data_path.calendar = testing::new_year;
  if (features.certificate) puppet->announced.push_back(ike::v2::hash_announcement());
  if (features.ppk) puppet->announced.push_back(sim::notify(NotifyType::use_ppk));
  if (features.fragments) puppet->announced.push_back(sim::notify(NotifyType::fragmentation_supported));
  if (features.addresses) {
    puppet->announce_addresses();
    puppet->authenticated_notifies = {sim::notify(NotifyType::mobike_supported)};
  }
  return puppet;
}

Payloads write_proof(Script& script, Puppet& puppet, const Features& features) {
  Payloads payloads = puppet.auth_request();
  if (!puppet.session.initiator) {
    // The answer to the engine's request has the other identity, and the number of one of its proposals.
    payloads = puppet.child_answer(Puppet::own_spi, {});
    payloads.insert(payloads.begin(),
                    {IdResponder{puppet.connection.remote_id}, Authentication{AuthMethod::shared_key, nonce(script)}});
  }
  if (features.certificate && script.yes()) {
    std::erase_if(payloads, [](const Payload& each) { return std::holds_alternative<Authentication>(each); });
    payloads.push_back(false_signature(script));
    for (size_t count = script.below(6); count > 0; --count) payloads.insert(payloads.begin(), certificate(script));
  }
  if (features.ppk && script.yes()) payloads.push_back(sim::notify(NotifyType::ppk_identity, some_bytes(script)));
  if (features.ppk && script.yes()) payloads.push_back(sim::notify(NotifyType::no_ppk_auth, some_bytes(script)));
  spoil(script, payloads, [&] { return any_payload(script, puppet); });
  return payloads;
}

void say(Script& script, Puppet& puppet, const Header& header, const Payloads& payloads) {
  if (!script.yes())
    return puppet.deliver(puppet.sealed(puppet.session, header.exchange, header.response, header.message_id, payloads));
  const auto fragments =
      puppet.fragments(header.exchange, header.response, header.message_id, payloads, 100 + script.u8());
  for (size_t i = 0; i < std::min(fragments.size(), most_fragments); ++i)
    puppet.deliver(fragments[script.yes() ? i : script.below(fragments.size())]);
}

Payloads write_payloads(Script& script, const Knowledge& knowledge) {
  Payloads payloads;
  if (script.yes()) payloads = proper(script, knowledge);
  if (knowledge.request && script.yes()) take_number(payloads, *knowledge.request);
  spoil(script, payloads, [&] { return any_payload(script, knowledge.puppet); });
  return payloads;
}

}  // namespace sekisho::fuzz
