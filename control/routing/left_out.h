// What to do without where the forwarding table has no room for what FRR brings: ports, tunnels and the operator's own
// routes must not wait for it, and what is there already stays.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string_view>

#include "control/routing/plan.h"

namespace sekisho::routing {

// What the dataplane says of a route that it has no room for: "10.0.0.0/8", or "10.0.0.0/8 in VRF 3". Nothing where it
// says something else.
std::optional<Destination> failing_destination(std::string_view detail);

// The table had no room for `failing`, when `added` were to be added to it. Which prefixes of FRR's to leave out,
// whoever told of them: of `added` those of the same family that are as long as it or longer, since short ones need
// less.
std::set<Prefix> without_room(const Prefix& failing, std::span<const Prefix> added, const Plan& plan);

// What of FRR's is to go for something else of that family: a sixteenth, the longest prefixes first, and of routes to
// nowhere none while there are others. Empty: FRR is not what fills the table.
std::set<Prefix> to_make_room(Family family, const Plan& plan);

}  // namespace sekisho::routing
