// How one change that the kernel reports alters the mirrored state. The kernel does not report everything: routes that
// go because their link went down, or because the address that they are tied to was removed, vanish in silence, and
// some route changes say too little. Then the routes are suspect, and the mirror reads them anew.
#pragma once

#include <optional>

#include "control/kernel/decode.h"
#include "control/kernel/objects.h"

namespace sekisho::kernel {

struct Effect {
  bool changed = false;
  bool routes_suspect = false;
  std::optional<NeighbourKey> turned_stale;
};

Effect apply(State& state, const Change& change);

}  // namespace sekisho::kernel
