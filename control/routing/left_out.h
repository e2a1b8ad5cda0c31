// What to do without where the forwarding table has no room for what FRR brings: ports, tunnels and the operator's own
// routes must not wait for it, and what is there already stays.
#pragma once

#include <set>
#include <span>

#include "control/routing/plan.h"
#include "control/routing/pushed.h"

namespace sekisho::routing {

// The table had no room for `failing`, and refused `commands`, which led to `plan`. Returns prefixes of FRR's to leave
// out, whoever told of them: of what these commands add, those of the same family that are as long as it or longer,
// since short ones need less; where there is none, all of that family. Empty: FRR is not what fills the table.
std::set<Prefix> without_room(const Prefix& failing, std::span<const RouteCommand> commands, const Plan& plan);

}  // namespace sekisho::routing
