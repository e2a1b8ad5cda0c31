// The command line of sekisho-control.
#pragma once

#include <filesystem>
#include <optional>

namespace sekisho::control {

struct Options {
  std::filesystem::path config;
  std::string dataplane = "/run/sekisho/dataplane.sock";
  std::string frr = "/run/frr";
  std::filesystem::path socket = "/run/sekisho/control.sock";
  bool check = false;
  bool grade = false;
  bool json = false;
};

// Fills `options`; or, where the process is to end at once (--help, a usage error), has printed why and returns the
// exit code.
std::optional<int> parse_options(int argc, char** argv, Options& options);

}  // namespace sekisho::control
