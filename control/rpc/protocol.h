// JSON-RPC 2.0 (https://www.jsonrpc.org/specification) without I/O: a line in, a line out. Batches are refused: a
// client writes one request a line instead.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "control/rpc/methods.h"

namespace sekisho::rpc {

// The answer with its newline; empty for a notification.
using Say = std::function<void(std::string answer)>;

// Never throws, whatever the line holds. `say` is called once, most often before this returns.
void answer_line(Operations& operations, std::string_view line, const Say& say);

// An answer to no request in particular: what the transport has to say before it hangs up.
std::string error_line(const Message& message, std::string detail);

}  // namespace sekisho::rpc
