#include "cli/session.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/messages/system.h"
#include "cli/rpc_client.h"
#include "cli/text.h"

namespace sekisho::cli {

std::optional<json> Session::request(const std::string& method, const json& params) {
  auto answer = ask(socket, method, params);
  if (!answer) {
    const Message* message = answer.error().message;
    const bool unreached = message == &messages::control_unreachable || message == &messages::rpc_not_permitted;
    fail(unreached ? exit_unreachable : exit_no, *answer.error().message, answer.error().detail);
    return {};
  }
  if (const auto result = answer->find("result"); result != answer->end()) return *result;
  const json& data = at(*answer, "/error/data");
  fail(exit_no, data.is_object() ? data : json{{"title", field(*answer, "/error/message")}});
  return {};
}

void Session::print(const json& result, const std::function<std::string(const json&)>& text) {
  write(json_output ? dumped(result) : text(result));
}

void Session::write(const std::string& output) {
  // Flushed before anything that stderr gets.
  if (std::fputs(output.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return;
  fail(exit_no, messages::file_unwritable, "standard output: " + std::generic_category().message(errno));
}

void Session::fail(ExitCode code, const json& error) {
  exit_code = code;
  std::fputs((json_output ? dumped(json{{"error", error}}) : "sekisho: " + message_text(error, "")).c_str(), stderr);
}

void Session::fail(ExitCode code, const Message& message, const std::string& detail) {
  fail(code, json{{"id", message.id},
                  {"title", message.title},
                  {"detail", detail},
                  {"cause", message.cause},
                  {"remedy", message.remedy}});
}

}  // namespace sekisho::cli
