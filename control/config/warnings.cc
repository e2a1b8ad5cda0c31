#include "control/config/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/messages/config.h"
#include "base/messages/ike.h"
#include "base/messages/system.h"
#include "control/config/bypass.h"
#include "control/config/candidates.h"
#include "control/config/node.h"
#include "control/config/probe_targets.h"
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

// Whose each address of the configuration is.
struct Owner {
  std::string vrf, what;
};

std::multimap<IpAddress, Owner> owners(const Config& config) {
  std::multimap<IpAddress, Owner> all;
  for (const auto& [name, port] : config.ports)
    for (const InterfaceAddress& each : port.addresses) all.emplace(each.address, Owner{port.vrf, "port " + name});
  for (const auto& [name, tunnel] : config.tunnels)
    for (const InterfaceAddress& each : tunnel.interface.addresses)
      all.emplace(each.address, Owner{tunnel.interface.vrf, "interface " + tunnel.interface.name});
  return all;
}

// An address that nothing of the front door has, where IKE is; empty: something has one.
std::string absent_local_address(const ike::Connection& connection, const std::multimap<IpAddress, Owner>& owners) {
  std::string elsewhere;
  const auto here = [&](const IpAddress& address) {
    const auto [first, last] = owners.equal_range(address);
    for (auto each = first; each != last; ++each) {
      if (each->second.vrf.empty()) return true;
      elsewhere = fmt::format("{}, which {} has in VRF {}", address.text(), each->second.what, each->second.vrf);
    }
    return false;
  };
  if (here(connection.local) || std::ranges::any_of(connection.other_locals, here)) return {};
  return elsewhere.empty() ? connection.local.text() : elsewhere;
}

std::string list_text(const std::vector<std::string>& groups) {
  std::string text;
  for (const std::string& each : groups) text += (text.empty() ? "" : ", ") + each;
  return groups.empty() ? "none" : text;
}

// Nothing where the tunnel's interface has the same security groups as the first one of its group.
std::optional<std::string> other_guards(const Config& config, const std::string& name) {
  const auto* group = group_of(config, name);
  if (!group || group->second.tunnels.empty()) return {};
  const std::string& first = group->second.tunnels.front();
  const auto& guards = config.tunnels.find(name)->second.interface.security_groups;
  const auto& others = config.tunnels.find(first)->second.interface.security_groups;
  if (guards == others) return {};
  return fmt::format("group {}: {} has {}, {} has {}", group->first, first, list_text(others), name, list_text(guards));
}

}  // namespace

std::vector<Warning> warnings(const Config& config, WallTime now) {
  std::vector<Warning> all;
  if (config.key_log)
    all.push_back({"", {&messages::key_log_on, shown(config.key_log->directory.string())}, "key log"});
  if (config.key_log_fault) all.push_back({"", *config.key_log_fault, "key log"});
  Candidates candidates;
  const auto owner = owners(config);
  const auto has_probe = [](const auto& each) { return each.second.probe.has_value(); };
  std::optional<ProbeTargets> targets;
  if (std::ranges::any_of(config.tunnels, has_probe)) targets.emplace(config);
  const ByName<std::string> past = bypasses(config);
  for (const auto& [name, tunnel] : config.tunnels) {
    if (tunnel.connection.aggressive)
      all.push_back({name, {&messages::ike_aggressive_mode, "\"aggressive\" is true"}, "aggressive mode"});
    if (auto difference = candidates.difference(tunnel.connection))
      all.push_back({name, {&messages::config_candidates_differ, std::move(*difference)}, "candidates"});
    if (std::string address = absent_local_address(tunnel.connection, owner); !address.empty())
      all.push_back({name, {&messages::config_local_address_elsewhere, std::move(address)}, "local address"});
    if (tunnel.routes.empty() && !(config.frr && tunnel.interface.vrf.empty()) && !group_of(config, name))
      all.push_back({name, {&messages::config_no_route, "interface " + tunnel.interface.name}, "no route"});
    if (const auto found = past.find(name); found != past.end())
      all.push_back({name, {&messages::config_route_beside, found->second}, "route beside"});
    if (tunnel.probe)
      if (std::string doubt = targets->doubt(tunnel); !doubt.empty())
        all.push_back({name, {&messages::config_probe_doubtful, std::move(doubt)}, "probe"});
    if (auto difference = other_guards(config, name))
      all.push_back({name, {&messages::config_group_guards_differ, std::move(*difference)}, "security groups"});
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
