// Probes and groups of tunnels in the daemon: what makes a tunnel usable, and what follows from that.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>

#include "base/messages/routing.h"
#include "control/main/daemon.h"

namespace sekisho::control {
namespace {

Group::Settings settings(const config::Group& group) {
  return {.tunnels = group.tunnels,
          .hold_down = group.hold_down,
          .fail_back = group.fail_back,
          .active = group.mode == config::Group::Mode::active};
}

}  // namespace

bool Daemon::usable(const std::string& tunnel) const {
  const auto configured = config_.tunnels.find(tunnel);
  const bool anywhere = configured != config_.tunnels.end() && !network_->fault(configured->second.interface.vrf);
  return anywhere && tunnels_.live(tunnel) && probes_.passes(tunnel);
}

std::optional<int> Daemon::probe_link(const std::string& name) const {
  const auto tunnel = config_.tunnels.find(name);
  const kernel::Link* link =
      tunnel == config_.tunnels.end() ? nullptr : network_->state().find_link(tunnel->second.interface.name);
  return link && link->up ? std::optional(link->index) : std::nullopt;
}

std::string Daemon::probe_interface(const std::string& name) const { return config_.tunnels.at(name).interface.name; }

void Daemon::probe_changed(const std::string& name) {
  if (const auto fault = probes_.fault(name)) {
    note_tunnel_error(name, *fault);
  } else {
    Status& status = status_[name];
    if (status.last_error && Probes::is_fault(*status.last_error->error.message)) status.last_error.reset();
    spdlog::info("tunnel {}: answers its probe", name);
  }
  if (!probes_.passes(name)) withdraw(config_.tunnels.at(name).routes, "");  // in a VRF there are no probes
  tell_group(name);
  network_->touch();
}

std::vector<Daemon::Carrier> Daemon::carriers(std::string_view group) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return {};
  std::vector<Carrier> all;
  const auto& weights = config_.groups.at(found->first).weights;
  for (const std::string& name : found->second.carriers()) {
    const auto tunnel = config_.tunnels.find(name);
    if (tunnel == config_.tunnels.end()) continue;
    const auto weight = weights.find(name);
    all.push_back({&tunnel->second, weight == weights.end() ? uint16_t{1} : weight->second});
  }
  return all;
}

void Daemon::set_groups() {
  std::erase_if(groups_, [this](const auto& each) { return !config_.groups.contains(each.first); });
  std::map<std::string, std::vector<std::string>> mates;
  for (const auto& [name, wanted] : config_.groups)
    if (wanted.mode == config::Group::Mode::active)
      for (const std::string& tunnel : wanted.tunnels) mates[tunnel] = wanted.tunnels;
  tunnels_.set_mates(std::move(mates));
  for (const auto& [name, wanted] : config_.groups) {
    Group& group = groups_.try_emplace(name, settings(wanted)).first->second;
    group.configure(settings(wanted));
    for (const std::string& tunnel : wanted.tunnels) group.set_usable(tunnel, usable(tunnel), now());
    decide(name, group);
  }
  arm_group_timer();
}

// By the kernel's routes, which outlive control. A path that failed has not been mended by another control's start.
void Daemon::recall_carriers() {
  std::map<Prefix, std::set<int>> links;  // that our routes lead out of
  for (const auto& [key, routes] : network_->state().routes)
    for (const kernel::Route& route : routes)
      if (route.protocol == kernel::own_protocol && key.table == kernel::main_table)
        for (const kernel::Hop& hop : route.hops) links[key.prefix].insert(hop.link);
  const auto carries = [&](const std::string& tunnel, const std::vector<Prefix>& routes) {
    const kernel::Link* link = network_->state().find_link(config_.tunnels.at(tunnel).interface.name);
    return link && std::ranges::any_of(routes, [&](const Prefix& prefix) {
             const auto known = links.find(prefix);
             return known != links.end() && known->second.contains(link->index);
           });
  };
  for (const auto& [name, tunnel] : config_.tunnels)
    if (!tunnel.routes.empty() && !carries(name, tunnel.routes)) doubtful_.insert(name);
  for (auto& [name, group] : groups_) {
    const config::Group& configured = config_.groups.at(name);
    std::vector<std::string> carried;
    std::ranges::copy_if(configured.tunnels, std::back_inserter(carried),
                         [&](const std::string& tunnel) { return carries(tunnel, configured.routes); });
    group.recall(carried);
    for (const Group::Member& member : group.members())
      if (member.failed) doubtful_.insert(member.tunnel);
  }
}

void Daemon::tell_group(const std::string& tunnel) {
  const auto* configured = config::group_of(config_, tunnel);
  const auto group = configured ? groups_.find(configured->first) : groups_.end();
  if (group == groups_.end()) return;
  group->second.set_usable(tunnel, usable(tunnel), now());
  if (adopting_) return;  // not before all that is there is known
  decide(group->first, group->second);
  arm_group_timer();
}

void Daemon::decide_groups() {
  for (auto& [name, group] : groups_) decide(name, group);
  arm_group_timer();
}

void Daemon::decide(const std::string& name, Group& group) {
  if (!group.decide(now())) return;
  network_->touch();
  const std::vector<std::string>& carriers = group.carriers();
  const config::Group& configured = config_.groups.at(name);
  if (carriers.empty()) withdraw(configured.routes, config::vrf_of(config_, configured));
  if (farewell_until_ || !ready()) return;
  const auto& of_groups = {&messages::group_without_tunnel, &messages::group_stands_in,
                           &messages::group_carried_by_fewer};
  if (last_error_ && (last_error_->error.detail == name || last_error_->error.detail.starts_with(name + ": ")) &&
      std::ranges::find(of_groups, last_error_->error.message) != of_groups.end())
    last_error_.reset();
  const bool active = configured.mode == config::Group::Mode::active;
  const std::string through = fmt::format("{}", fmt::join(carriers, ", "));
  if (carriers.empty()) {
    note_daemon_error({&messages::group_without_tunnel, name});
  } else if (active && carriers.size() < group.members().size()) {
    note_daemon_error({&messages::group_carried_by_fewer, fmt::format("{}: {}", name, through)});
  } else if (carriers.front() != group.members().front().tunnel) {
    note_daemon_error({&messages::group_stands_in, fmt::format("{}: {}", name, through)});
  } else {
    spdlog::info("group {}: leads through {}", name, through);
  }
}

void Daemon::arm_group_timer() {
  std::optional<Instant> next;
  for (const auto& [name, group] : groups_)
    if (const auto at = group.next_deadline(); at && (!next || *at < *next)) next = at;
  if (next)
    group_timer_.set(*next);
  else
    group_timer_.cancel();
}

// Nobody is to send what has no way any more; the interface may be up for a moment yet.
void Daemon::withdraw(const std::vector<Prefix>& routes, const std::string& vrf) {
  if (!zebra_ || !vrf.empty()) return;
  for (const Prefix& prefix : routes) zebra_->withdraw(prefix);
}

std::vector<rpc::GroupView> Daemon::groups() const {
  std::vector<rpc::GroupView> views;
  for (const auto& [name, group] : groups_) {
    rpc::GroupView view{.name = name,
                        .carriers = group.carriers(),
                        .carried_since = group.carried_since(),
                        .preferred = group.preferred(),
                        .members = {}};
    for (const Group::Member& member : group.members())
      view.members.push_back({member.tunnel, member.usable_since, member.failed, group.returns_at(member)});
    views.push_back(std::move(view));
  }
  return views;
}

std::string Daemon::why_unusable(std::string_view group, const std::string& tunnel) const {
  const auto* own = config::group_of(config_, tunnel);
  if (!own || own->first != group) return "it is none of the group's tunnels";
  if (!tunnels_.live(tunnel)) return "it is down";
  if (const auto configured = config_.tunnels.find(tunnel); configured != config_.tunnels.end())
    if (const auto* fault = network_->fault(configured->second.interface.vrf)) return fault->error.text();
  if (const auto fault = probes_.fault(tunnel)) return fault->text();
  return "it has not answered its probe yet";
}

Result<void> Daemon::group_prefer(std::string_view name, std::string_view tunnel) {
  const auto group = groups_.find(name);
  if (group == groups_.end() || !group->second.prefer(tunnel))
    return fail(messages::group_tunnel_unusable,
                fmt::format("{} of {}: {}", tunnel, name, why_unusable(name, std::string(tunnel))));
  decide_groups();
  return {};
}

Result<void> Daemon::group_fail_back(std::string_view name) {
  if (const auto group = groups_.find(name); group != groups_.end()) group->second.fail_back();
  decide_groups();
  return {};
}

}  // namespace sekisho::control
