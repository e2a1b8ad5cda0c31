// What the security groups of a tunnel's interface have lately let not pass, in words for the operator.
#pragma once

#include <string>

#include "control/rpc/operations.h"

namespace sekisho::rpc {

std::string_view word(ipc::Direction direction);
std::string_view word(ipc::DenialReason reason);

// Of the last minute, the last packet: "icmp from 10.2.0.2 to 10.1.0.2, in (no-rule)"; empty: none is known. The
// dataplane reports some of them only.
std::string last_denial(const SecurityView& security, const config::Tunnel& tunnel, Instant now);
// Likewise of what the tunnel's probe sends, and of its answers.
std::string probe_denial(const SecurityView& security, const config::Tunnel& tunnel, Instant now);

}  // namespace sekisho::rpc
