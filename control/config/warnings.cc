#include "control/config/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/messages/config.h"
#include "base/messages/ike.h"
#include "base/messages/system.h"
#include "control/config/bypass.h"
#include "control/config/candidates.h"
#include "control/config/node.h"
#include "control/config/report.h"

namespace sekisho::config {
namespace {

void add_expiries(const ike::Connection& connection, WallTime now, std::vector<Warning>& all) {
  for (const Expiry& each : expiries(connection)) {
    const Urgency stage = urgency(each.at, now);
    if (stage == Urgency::none) continue;
    const std::string subject = std::string(word(each.kind)) + " " + each.name + " " + date_text(each.at);
    all.push_back({connection.name, notice(each, now), subject, stage});
  }
}

// Of the front door.
std::set<IpAddress> own_addresses(const Config& config) {
  std::set<IpAddress> all;
  const auto add = [&all](const std::vector<InterfaceAddress>& addresses) {
    for (const InterfaceAddress& each : addresses) all.insert(each.address);
  };
  for (const auto& [name, port] : config.ports)
    if (port.vrf.empty()) add(port.addresses);
  for (const auto& [name, tunnel] : config.tunnels)
    if (tunnel.interface.vrf.empty()) add(tunnel.interface.addresses);
  return all;
}

bool has_local_address(const ike::Connection& connection, const std::set<IpAddress>& own) {
  const auto here = [&own](const IpAddress& address) { return own.contains(address); };
  return here(connection.local) || std::ranges::any_of(connection.other_locals, here);
}

}  // namespace

std::vector<Warning> warnings(const Config& config, WallTime now) {
  std::vector<Warning> all;
  if (config.key_log)
    all.push_back({"", {&messages::key_log_on, shown(config.key_log->directory.string())}, "key log"});
  if (config.key_log_fault) all.push_back({"", *config.key_log_fault, "key log"});
  Candidates candidates;
  const std::set<IpAddress> own = own_addresses(config);
  const ByName<std::string> past = bypasses(config);
  for (const auto& [name, tunnel] : config.tunnels) {
    if (tunnel.connection.aggressive)
      all.push_back({name, {&messages::ike_aggressive_mode, "\"aggressive\" is true"}, "aggressive mode"});
    if (auto difference = candidates.difference(tunnel.connection))
      all.push_back({name, {&messages::config_candidates_differ, std::move(*difference)}, "candidates"});
    if (!has_local_address(tunnel.connection, own))
      all.push_back(
          {name, {&messages::config_local_address_elsewhere, tunnel.connection.local.text()}, "local address"});
    if (tunnel.routes.empty() && !(config.frr && tunnel.interface.vrf.empty()) && !group_of(config, name))
      all.push_back({name, {&messages::config_no_route, "interface " + tunnel.interface.name}, "no route"});
    if (const auto found = past.find(name); found != past.end())
      all.push_back({name, {&messages::config_route_beside, found->second}, "route beside"});
    add_expiries(tunnel.connection, now, all);
  }
  return all;
}

std::vector<Warning> WarningWatch::due(const Config& config, WallTime now) {
  std::vector<Warning> all = warnings(config, now);
  std::erase_if(all, [&](const Warning& each) {
    Urgency& told = told_[{each.tunnel, each.subject}];
    const bool known = each.urgency != Urgency::over && told == each.urgency;
    told = each.urgency;
    return known;
  });
  return all;
}

std::string to_text(const std::vector<Warning>& warnings) {
  std::string text;
  for (const Warning& each : warnings)
    text += (each.tunnel.empty() ? "warning" : "warning, tunnel " + each.tunnel) + "\n" + to_text(each.error);
  return text;
}

nlohmann::json to_json(const std::vector<Warning>& warnings) {
  auto list = nlohmann::json::array();
  for (const Warning& each : warnings) {
    list.push_back(to_json(each.error));
    list.back()["tunnel"] = each.tunnel.empty() ? nlohmann::json() : nlohmann::json(each.tunnel);
  }
  return list;
}

}  // namespace sekisho::config
