#include "tests/fuzz/peer_payloads.h"

#include "tests/fuzz/besiege.h"
#include "tests/fuzz/spoil.h"

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

Payload any_payload(Script& script, const Puppet& puppet) {
  switch (script.below(12)) {
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
  switch (script.below(7)) {
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

}  // namespace

Payloads write_payloads(Script& script, const Knowledge& knowledge) {
  Payloads payloads;
  if (script.yes()) payloads = proper(script, knowledge);
  if (knowledge.request && script.yes()) take_number(payloads, *knowledge.request);
  spoil(script, payloads, [&] { return any_payload(script, knowledge.puppet); });
  return payloads;
}

}  // namespace sekisho::fuzz
