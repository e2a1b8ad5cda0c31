// One run of the CLI: where the daemon is, how to print, and the exit code.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/message.h"

namespace sekisho::cli {

using nlohmann::json;

// Part of the interface: scripts rely on them.
enum ExitCode : int {
  exit_ok = 0,
  exit_no = 1,  // the answer is no: something is wrong, the tunnel is not up, the configuration is not valid, there is
                // no such object
  exit_usage = 2,        // the command line
  exit_unreachable = 3,  // no daemon was there to ask, or the caller may not ask it
};

struct Session {
  std::string socket = "/run/sekisho/control.sock";
  bool json_output = false;
  int exit_code = exit_ok;

  // The "result" of the answer. Else the error is printed, the exit code set, and nothing returned.
  std::optional<json> request(const std::string& method, const json& params);

  // The JSON as it is, or what text() makes of it. Output that cannot be written is an error of its own.
  void print(const json& result, const std::function<std::string(const json&)>& text);
  void write(const std::string& output);

  // To stderr: id, cause and remedy.
  void fail(ExitCode code, const json& error);
  void fail(ExitCode code, const Message& message, const std::string& detail);
};

}  // namespace sekisho::cli
