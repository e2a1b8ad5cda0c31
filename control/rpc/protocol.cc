#include "control/rpc/protocol.h"

#include <exception>

#include "base/json_nesting.h"
#include "base/messages/system.h"
#include "control/config/report.h"
#include "control/rpc/views.h"

namespace sekisho::rpc {
namespace {

constexpr size_t max_levels = 32;  // a configuration has less than ten

std::string line_of(const json& answer) { return answer.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

std::string error_answer(const json& id, const RpcError& error) {
  return line_of(
      {{"jsonrpc", "2.0"},
       {"id", id},
       {"error", {{"code", error.code}, {"message", error.error.text()}, {"data", config::to_json(error.error)}}}});
}

std::string refusal(const json& id, int code, std::string detail) {
  return error_answer(id, {code, Error{&messages::rpc_malformed, std::move(detail)}});
}

void answer_request(Operations& operations, const json& request, const Say& say) {
  if (!request.is_object()) return say(refusal(nullptr, RpcError::invalid_request, "a request is a JSON object"));
  const auto id_member = request.find("id");
  const bool notification = id_member == request.end();
  if (!notification && !id_member->is_null() && !id_member->is_string() && !id_member->is_number())
    return say(refusal(nullptr, RpcError::invalid_request, "\"id\" is a string, a number or null"));
  const json id = notification ? json() : *id_member;
  const auto version = request.find("jsonrpc");
  if (version == request.end() || *version != "2.0")
    return say(refusal(id, RpcError::invalid_request, "\"jsonrpc\" must be \"2.0\""));
  const auto method = request.find("method");
  if (method == request.end() || !method->is_string())
    return say(refusal(id, RpcError::invalid_request, "\"method\" must be a string"));
  const auto params_member = request.find("params");
  static const json no_params = json::object();
  const json& params = params_member == request.end() ? no_params : *params_member;
  if (!params.is_object()) return say(refusal(id, RpcError::invalid_params, "\"params\" must be an object"));
  call_method(operations, method->get<std::string>(), params, [id, notification, say](const auto& result) {
    if (notification) return say({});
    if (!result) return say(error_answer(id, result.error()));
    say(line_of({{"jsonrpc", "2.0"}, {"id", id}, {"result", *result}}));
  });
}

}  // namespace

void answer_line(Operations& operations, std::string_view line, const Say& say) {
  if (nests_deeper(line, max_levels))
    return say(refusal(nullptr, RpcError::parse_error, "more than " + std::to_string(max_levels) + " levels of JSON"));
  const json request = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (request.is_discarded()) return say(refusal(nullptr, RpcError::parse_error, "the line is not JSON"));
  try {
    answer_request(operations, request, say);
  } catch (const std::exception& exception) {  // of the JSON library or of memory
    say(error_answer(nullptr, {RpcError::refused, Error{&messages::system_call_failed, exception.what()}}));
  }
}

std::string error_line(const Message& message, std::string detail) {
  return error_answer(nullptr, {RpcError::refused, Error{&message, std::move(detail)}});
}

}  // namespace sekisho::rpc
