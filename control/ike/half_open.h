// How the room for half-open IKE SAs is shared out; the same for both versions, which have this room each.
#pragma once

#include "control/ike/connection_table.h"
#include "control/ike/engine.h"

namespace sekisho::ike {

// Of EngineOptions::max_half_open: how many may be of strangers, who come from where no connection has its peer. The
// rest is for peers whose addresses are configured: whoever comes from elsewhere, where any peer may, cannot take it
// from them.
// Where no peer's address is configured there is nobody to keep it for.
inline size_t max_half_open_of_strangers(const EngineOptions& options, const ConnectionTable& connections) {
  return connections.knows_peers() ? options.max_half_open / 2 : options.max_half_open;
}

}  // namespace sekisho::ike
