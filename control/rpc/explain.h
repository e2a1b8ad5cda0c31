// `sekisho explain tunnel NAME`: where the negotiation stands, what failed last and why, what the data path says, and
// what to look at next.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "control/rpc/operations.h"

namespace sekisho::rpc {

// Of a tunnel that is configured: {"tunnel", "negotiation", "last_failure", "unproven_since", "child_sas",
// "credentials", "warnings", "hints"}; the first and the child SAs as `show` has them, credentials with the time until
// they expire. "negotiation" is null while the engine has nothing to do with it.
nlohmann::json explain_tunnel(const Operations& operations, std::string_view name);

}  // namespace sekisho::rpc
