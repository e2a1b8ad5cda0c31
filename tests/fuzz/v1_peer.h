// The peer that the targets of IKEv1 play, and the payloads that it writes out of a script: what the RFCs would have,
// then spoiled, and what nobody would send.
#pragma once

#include <memory>

#include "tests/fuzz/script.h"
#include "tests/sim/v1_party.h"

namespace sekisho::fuzz {

enum class Proof : uint8_t { pre_shared_key, certificate };
std::unique_ptr<sim::V1Party> make_v1_puppet(Proof proof);

sim::V1Party::Payloads write_v1_payloads(Script& script, const sim::V1Party& puppet);
// What proves the peer in phase 1, spoiled.
sim::V1Party::Payloads spoiled_proof(Script& script, const sim::V1Party& puppet);
// A message of aggressive mode that is not encrypted (RFC 2409 section 5.4), spoiled.
sim::V1Party::Payloads blunt_payloads(Script& script, const sim::V1Party& puppet);

}  // namespace sekisho::fuzz
