// Payloads out of a script: what a ladder of the RFC would send, then spoiled, and what nobody would.
#pragma once

#include "tests/fuzz/script.h"
#include "tests/sim/puppet.h"

namespace sekisho::fuzz {

// What the peer knows when it writes a message.
struct Knowledge {
  sim::Puppet& puppet;
  const sim::Payloads* request = nullptr;  // of the engine, that is to be answered
};

// The payloads of one message.
sim::Payloads write_payloads(Script& script, const Knowledge& knowledge);

}  // namespace sekisho::fuzz
