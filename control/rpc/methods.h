// The methods of the JSON-RPC interface: status, show, tunnel.up, tunnel.down, tunnel.rekey, group.prefer,
// group.fail-back, config.check, config.diff, config.apply, route.show, bgp.show. docs/operations.md describes
// parameters and answers.
#pragma once

#include <expected>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "control/rpc/operations.h"

namespace sekisho::rpc {

// An "error" member of JSON-RPC 2.0 (section 5.1). `data` is the operator message as views.h writes it.
struct RpcError {
  static constexpr int parse_error = -32700;
  static constexpr int invalid_request = -32600;
  static constexpr int method_not_found = -32601;
  static constexpr int invalid_params = -32602;
  static constexpr int refused = -32000;    // the operation failed
  static constexpr int not_found = -32001;  // no object of that name

  int code = refused;
  Error error;
};

// Called once, most often before call_method() returns.
using Reply = std::function<void(std::expected<nlohmann::json, RpcError>)>;

void call_method(Operations& operations, const std::string& method, const nlohmann::json& params, Reply reply);

}  // namespace sekisho::rpc
