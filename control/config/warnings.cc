#include "control/config/warnings.h"

#include "base/messages/system.h"
#include "control/config/node.h"
#include "control/config/report.h"

namespace sekisho::config {

std::vector<Warning> warnings(const Config& config) {
  std::vector<Warning> all;
  if (config.key_log) all.push_back({"", {&messages::key_log_on, shown(config.key_log->directory.string())}});
  return all;
}

std::string to_text(const std::vector<Warning>& warnings) {
  std::string text;
  for (const auto& [tunnel, error] : warnings)
    text += (tunnel.empty() ? "warning" : "warning, tunnel " + tunnel) + "\n" + to_text(error);
  return text;
}

nlohmann::json to_json(const std::vector<Warning>& warnings) {
  auto list = nlohmann::json::array();
  for (const auto& [tunnel, error] : warnings) {
    list.push_back(to_json(error));
    list.back()["tunnel"] = tunnel.empty() ? nlohmann::json() : nlohmann::json(tunnel);
  }
  return list;
}

}  // namespace sekisho::config
