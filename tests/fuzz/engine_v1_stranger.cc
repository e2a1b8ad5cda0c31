#include "tests/fuzz/besiege.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/v1_peer.h"
#include "tests/sim/stage.h"

namespace sekisho::fuzz {
namespace {

// The situations that the engine can be in; from `established` on it has authenticated a peer.
enum class Situation : uint8_t {
  idle,
  main_1,
  main_2,
  main_4,
  main_5,
  aggressive_0,
  aggressive_1,
  established_as_responder,
  established_as_initiator,
  rekeying_child,
  rekeying_ike,
  deleting,
};
constexpr std::array situations = {Situation::idle,
                                   Situation::main_1,
                                   Situation::main_2,
                                   Situation::main_4,
                                   Situation::main_5,
                                   Situation::aggressive_0,
                                   Situation::aggressive_1,
                                   Situation::established_as_responder,
                                   Situation::established_as_initiator,
                                   Situation::rekeying_child,
                                   Situation::rekeying_ike,
                                   Situation::deleting};

void be_aggressive(sim::V1Party& puppet) {
  puppet.connection.aggressive = true;
  puppet.step(ike::SetConnection{puppet.connection});
}

void bring_to(sim::V1Party& puppet, Situation situation) {
  switch (situation) {
    case Situation::idle:
      return;
    case Situation::aggressive_0:
      return be_aggressive(puppet);
    case Situation::aggressive_1:
      be_aggressive(puppet);
      [[fallthrough]];
    case Situation::main_1:
      return puppet.step(ike::Initiate{"tunnel"});
    case Situation::main_2:
      return puppet.offer();
    case Situation::main_4:
      return puppet.exchange_keys();
    case Situation::main_5:
      return puppet.answer_keys();
    case Situation::established_as_initiator:
      return puppet.establish_as_responder();
    default:
      puppet.establish_as_initiator();
  }
  if (situation == Situation::rekeying_child) puppet.step(ike::RekeyChild{"tunnel"});
  if (situation == Situation::rekeying_ike) puppet.step(ike::RekeyIke{"tunnel"});
  if (situation == Situation::deleting) puppet.step(ike::Terminate{"tunnel"});
}

// Messages of aggressive mode, which go in clear until the last one: of an initiator, and answers to the engine.
void be_blunt(Script& script, sim::V1Party& puppet) {
  using namespace ike::v1::wire;
  uint64_t cookie = 0xc0c0c0c0c0c0c0c0;
  if (!puppet.silent())
    if (const auto theirs = decode(puppet.outbox.back().data)) cookie = theirs->header.initiator_cookie;
  for (size_t count = script.below(6); count > 0; --count) {
    const uint64_t responder = script.yes() ? 0 : script.u8();
    const Header header{
        .initiator_cookie = cookie, .responder_cookie = responder, .exchange = ExchangeType::aggressive};
    puppet.deliver(encode(header, blunt_payloads(script, puppet)));
    for (const auto& sa : puppet.engine->ike_sas())
      require(sa.state == "connecting", "nobody without a key is believed");
  }
}

}  // namespace

void engine_v1_stranger(ByteView input) {
  Script script(input);
  const auto proof = script.yes() ? Proof::certificate : Proof::pre_shared_key;
  Situation situation = script.one_of(situations);
  if (proof == Proof::certificate && (situation == Situation::aggressive_0 || situation == Situation::aggressive_1))
    situation = Situation::main_1;
  const auto puppet = make_v1_puppet(proof);
  bring_to(*puppet, situation);
  // Where certificates are awaited, anybody has keys, and this one sends no proof but what he can make up.
  if (proof == Proof::certificate && situation == Situation::main_4)
    for (size_t count = script.below(8); count > 0; --count) {
      const Bytes iv = puppet->sa.handshake->iv;
      auto payloads = spoiled_proof(script, *puppet);
      std::erase_if(payloads, [](const auto& each) { return std::holds_alternative<ike::v1::wire::Signature>(each); });
      payloads.push_back(ike::v1::wire::Signature{Bytes(256, script.u8())});
      puppet->prove(payloads);
      puppet->sa.handshake->iv = iv;
      for (const auto& sa : puppet->engine->ike_sas())
        require(sa.state == "connecting", "nobody without a key is believed");
    }
  if (situation == Situation::aggressive_0 || situation == Situation::aggressive_1) be_blunt(script, *puppet);
  const sim::Position before = position(*puppet);
  besiege(script, *puppet, ike::IkeVersion::v1);
  if (situation >= Situation::established_as_responder) require(position(*puppet) == before, "a stranger moves no SA");
  require_nothing_left(*puppet);
}

}  // namespace sekisho::fuzz
