// What a handshake costs its responder.
#pragma once

#include "tests/bench/ike/party.h"

namespace sekisho::bench {

// IKE_SA_INIT and IKE_AUTH with a child SA, as responder: microseconds of this thread's CPU time, the initiators' work
// outside. What is left out: sockets, the daemon's loop, the data path. Throws where a handshake fails.
double measure_rate(const Suite& suite, unsigned handshakes);

}  // namespace sekisho::bench
