// The keys of all SAs of a scenario follow from its one key, so that a generator elsewhere can be given sealed packets.
#pragma once

#include "base/secret_bytes.h"
#include "dataplane/bench/scenario.h"
#include "ipc/schema.h"

namespace sekisho::dataplane::bench {

// HKDF-SHA-256 of the scenario's key with suite, tunnel, direction (as the gateway sees it) and a generation, which is
// 0 for the first SAs after the start and another for all that follow.
SecretBytes key_material(const Scenario& scenario, EspSuite suite, ipc::Direction direction, unsigned tunnel,
                         uint64_t generation);

}  // namespace sekisho::dataplane::bench
