// What a valid configuration makes an operator want to know of: at start, with each change, and day after day.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/config/config.h"

namespace sekisho::config {

struct Warning {
  std::string tunnel;  // empty: of the whole
  Error error;
};

std::vector<Warning> warnings(const Config& config);

// A paragraph each: whose it is, message, cause, remedy.
std::string to_text(const std::vector<Warning>& warnings);
// [{"tunnel", ...as of an error}]; the tunnel is null where it is of the whole.
nlohmann::json to_json(const std::vector<Warning>& warnings);

}  // namespace sekisho::config
