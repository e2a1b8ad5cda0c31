// What a valid configuration makes an operator want to know of: at start, with each change, and as time goes on.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "control/config/config.h"
#include "control/config/expiry.h"

namespace sekisho::config {

struct Warning {
  std::string tunnel;  // empty: of the whole
  Error error;
  std::string subject;  // what it is about, the same from day to day
  Urgency urgency = Urgency::over;
};

// That keys are logged, or could not be; and of each tunnel, that it permits aggressive mode, that another one before
// it by name decides for its peer (candidates.h), that no interface of the configuration has its local address, that
// nothing leads into it or something leads past it (bypass.h), that its probe may not be answered (probe_targets.h),
// and what expires within 30 days or has expired.
std::vector<Warning> warnings(const Config& config, WallTime now);

// Which warnings are due when one looks day after day: what is over each time, everything else once at each stage.
class WarningWatch {
 public:
  std::vector<Warning> due(const Config& config, WallTime now);
  void forget() { told_.clear(); }  // another configuration: everything is due

 private:
  std::map<std::pair<std::string, std::string>, Urgency> told_;  // by tunnel and subject
};

// A paragraph each: whose it is, message, cause, remedy.
std::string to_text(const std::vector<Warning>& warnings);
// [{"tunnel", ...as of an error}]; the tunnel is null where it is of the whole.
nlohmann::json to_json(const std::vector<Warning>& warnings);

}  // namespace sekisho::config
