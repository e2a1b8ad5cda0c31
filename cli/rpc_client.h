// Asks the control daemon: one request, one answer, over its UNIX socket.
#pragma once

#include <expected>
#include <nlohmann/json.hpp>
#include <string>

#include "base/message.h"

namespace sekisho::cli {

// The whole answer of JSON-RPC: an object with "result" or "error". Waits half a minute at most.
Result<nlohmann::json> ask(const std::string& socket, const std::string& method, const nlohmann::json& params);

}  // namespace sekisho::cli
