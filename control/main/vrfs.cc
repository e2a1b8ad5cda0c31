// VRFs in the daemon: which id each has, and what is to be made again with its namespace.
#include <fmt/format.h>

#include <algorithm>

#include "base/messages/routing.h"
#include "control/main/daemon.h"
#include "ipc/convert.h"

namespace sekisho::control {

void Daemon::set_vrfs() {
  std::vector<std::string> names;
  for (const auto& [name, vrf] : config_.vrfs) names.push_back(name);
  vrf_ids_.set(names, [this](ipc::VrfId id) { return network_ && network_->has_routes(id); });
}

void Daemon::adopt_vrfs(const Inventory& inventory) {
  std::map<std::string, std::string> vrf_of;  // by twin
  for (const auto& [name, port] : config_.ports) vrf_of[name] = port.vrf;
  for (const auto& [name, tunnel] : config_.tunnels) vrf_of[tunnel.interface.name] = tunnel.interface.vrf;
  std::vector<VrfIds::Word> words;
  const auto hear = [&](const auto& held) {
    const auto known = vrf_of.find(*ipc::to_string(held.name));
    words.push_back({known == vrf_of.end() ? "" : known->second, held.vrf});
  };
  std::ranges::for_each(inventory.ports, hear);
  std::ranges::for_each(inventory.tunnels, hear);
  vrf_ids_.adopt(words);
  for (const auto& [name, port] : config_.ports) ports_.set_vrf(name, vrf_ids_.of(port.vrf));
  for (const auto& [name, tunnel] : config_.tunnels) tunnels_.set_vrf(name, vrf_ids_.of(tunnel.interface.vrf));
}

void Daemon::set_port(const std::string& name, const config::Port& port) {
  ports_.set(name, port, vrf_ids_.of(port.vrf));
}

void Daemon::vrfs_changed() { set_groups(); }

void Daemon::twins_gone(const std::set<std::string>& twins) {
  note_daemon_error({&messages::twin_gone, fmt::format("{}", fmt::join(twins, ", "))});
  for (const auto& [name, port] : config_.ports)
    if (twins.contains(name)) ports_.remake(name);
  for (const auto& [name, tunnel] : config_.tunnels) {
    if (!twins.contains(tunnel.interface.name)) continue;
    forget_tunnel_for_now(name);
    renew_tunnel(name);
  }
  set_groups();
}

}  // namespace sekisho::control
