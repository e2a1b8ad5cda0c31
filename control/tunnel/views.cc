// What the tunnels show of themselves.
#include <algorithm>

#include "control/tunnel/tunnels.h"

namespace sekisho::control {
namespace {

void add(Tunnels::TrafficCount& total, const Tunnels::SaCounts& counts) {
  total.packets += counts[static_cast<size_t>(ipc::SaCounter::packets)];
  total.octets += counts[static_cast<size_t>(ipc::SaCounter::bytes)];
}

}  // namespace

void Tunnels::account(Tunnel& tunnel, const Child& child) const {
  if (!child.installed) return;
  add(tunnel.past_in, difference(sum_sa(sink_.counters(), child.inbound), child.inbound_base));
  add(tunnel.past_out, difference(sum_sa(sink_.counters(), child.outbound), child.outbound_base));
}

std::optional<Tunnels::Owner> Tunnels::owner(ipc::SaId id, uint32_t spi) const {
  for (const auto& [name, tunnel] : tunnels_)
    for (const Child& child : tunnel.children)
      if ((child.inbound == id && child.inbound_spi == spi) || (child.outbound == id && child.outbound_spi == spi))
        return Owner{name, child.inbound_spi};
  return {};
}

bool Tunnels::lost(const std::string& name, uint32_t inbound_spi) const {
  const Tunnel* tunnel = find(name);
  if (!tunnel) return false;
  return std::ranges::any_of(tunnel->children,
                             [&](const Child& child) { return child.inbound_spi == inbound_spi && child.lost; });
}

bool Tunnels::live(const std::string& name) const { return live_since(name).has_value(); }

bool Tunnels::adopted(const std::string& name) const {
  const Tunnel* tunnel = find(name);
  return tunnel && tunnel->live_since && leftovers_send(*tunnel) && tunnel->replaced.empty();
}

bool Tunnels::carries_leftover(const std::string& name, const std::string& child) const {
  const Tunnel* tunnel = find(name);
  return tunnel && leftovers_send(*tunnel) && !tunnel->replaced.contains(child);
}

std::optional<Instant> Tunnels::live_since(const std::string& name) const {
  const Tunnel* tunnel = find(name);
  return tunnel ? tunnel->live_since : std::nullopt;
}

bool Tunnels::present(const std::string& name) const {
  const Tunnel* tunnel = find(name);
  return tunnel && tunnel->present;
}

std::optional<TunnelMtu> Tunnels::mtu(const std::string& name) const {
  const Tunnel* tunnel = find(name);
  return tunnel ? std::optional(mtu_among_mates(name, *tunnel)) : std::nullopt;
}

std::optional<ipc::TunnelId> Tunnels::id(const std::string& name) const {
  const Tunnel* tunnel = find(name);
  return tunnel ? tunnel->id : std::nullopt;
}

std::optional<std::string> Tunnels::name_of(ipc::TunnelId id) const {
  for (const auto& [name, tunnel] : tunnels_)
    if (tunnel.id == id) return name;
  return {};
}

std::pair<Tunnels::TrafficCount, Tunnels::TrafficCount> Tunnels::traffic(const std::string& name) const {
  const Tunnel* tunnel = find(name);
  if (!tunnel) return {};
  TrafficCount in = tunnel->past_in, out = tunnel->past_out;
  for (const Child& child : tunnel->children) {
    if (!child.installed) continue;
    add(in, difference(sum_sa(sink_.counters(), child.inbound), child.inbound_base));
    add(out, difference(sum_sa(sink_.counters(), child.outbound), child.outbound_base));
  }
  return {in, out};
}

std::vector<Tunnels::ChildCount> Tunnels::child_counts() const {
  std::vector<ChildCount> counts;
  for (const auto& [name, tunnel] : tunnels_)
    for (const Child& child : tunnel.children)
      counts.push_back({child.inbound_spi, difference(sum_sa(sink_.counters(), child.inbound), child.inbound_base),
                        difference(sum_sa(sink_.counters(), child.outbound), child.outbound_base)});
  return counts;
}

}  // namespace sekisho::control
