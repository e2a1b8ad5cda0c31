// Payloads out of a script: what a ladder of the RFC would send, then spoiled, and what nobody would.
#pragma once

#include <memory>

#include "tests/fuzz/script.h"
#include "tests/sim/puppet.h"

namespace sekisho::fuzz {

// What a script decides before the first message: what the engine is configured for, and what its peer announces.
struct Features {
  bool certificate = false;  // the peer is to prove itself by one, as the engine does
  bool ppk = false;          // RFC 8784, on both sides
  bool fragments = false;    // RFC 7383
  bool addresses = false;    // NAT detection, and MOBIKE (RFC 4555)
  bool two_children = false;

  explicit Features(uint8_t bits);
};
std::unique_ptr<sim::Puppet> make_puppet(const Features& features);

// What the peer knows when it writes a message.
struct Knowledge {
  sim::Puppet& puppet;
  const sim::Payloads* request = nullptr;  // of the engine, that is to be answered
};

// The payloads of one message.
sim::Payloads write_payloads(Script& script, const Knowledge& knowledge);
// The IKE_AUTH request, spoiled; with certificates if the peer is to have some.
sim::Payloads write_proof(Script& script, sim::Puppet& puppet, const Features& features);

// A message of the peer's, whole or in fragments: of these some may be missing, others come twice or in the wrong
// order.
void say(Script& script, sim::Puppet& puppet, const ike::wire::Header& header, const sim::Payloads& payloads);

}  // namespace sekisho::fuzz
