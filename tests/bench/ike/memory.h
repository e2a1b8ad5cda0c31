// What an IKE SA weighs.
#pragma once

#include "tests/bench/ike/party.h"

namespace sekisho::bench {

struct Weight {
  size_t half_open = 0;    // bytes: IKE_SA_INIT was answered
  size_t established = 0;  // bytes: IKE SA and one child
};

// By how much the anonymous resident memory of a responder's process grows for each; the peers are another process.
// Throws where a handshake fails.
Weight measure_weight(const Suite& suite, unsigned peers);

}  // namespace sekisho::bench
