#include "control/config/probe_targets.h"

#include <fmt/format.h>

#include <algorithm>

namespace sekisho::config {
namespace {

bool covers(const std::vector<TrafficSelector>& selectors, const IpAddress& address) {
  return std::ranges::any_of(selectors, [&](const TrafficSelector& each) {
    return each.first.family() == address.family() && each.first <= address && address <= each.last;
  });
}

std::string texts(const std::vector<TrafficSelector>& selectors) {
  std::string all;
  for (const TrafficSelector& each : selectors) all += (all.empty() ? "" : " ") + each.text();
  return all;
}

// The narrowest network of the interface that has the address.
const InterfaceAddress* network_of(const TunnelInterface& interface, const IpAddress& address) {
  const InterfaceAddress* best = nullptr;
  for (const InterfaceAddress& each : interface.addresses)
    if (Prefix(each.address, each.length).contains(address) && (!best || each.length > best->length)) best = &each;
  return best;
}

bool has_family(const TunnelInterface& interface, Family family) {
  return std::ranges::any_of(interface.addresses, [&](const auto& each) { return each.address.family() == family; });
}

// Nothing: the kernel takes an address of another interface.
std::optional<IpAddress> asked_from(const Tunnel& tunnel) {
  if (tunnel.probe->source) return tunnel.probe->source;
  const IpAddress& target = tunnel.probe->target;
  if (const auto* own = network_of(tunnel.interface, target)) return own->address;
  for (const InterfaceAddress& each : tunnel.interface.addresses)
    if (each.address.family() == target.family()) return each.address;
  return {};
}

// No child takes a packet that is not within one of its own pairs of selectors.
std::string selector_fault(const Tunnel& tunnel) {
  const IpAddress& target = tunnel.probe->target;
  const auto source = asked_from(tunnel);
  std::string remote, local;
  for (const ike::ChildDefinition& child : tunnel.connection.children) {
    remote += (remote.empty() ? "" : " ") + texts(child.remote_selectors);
    if (!covers(child.remote_selectors, target)) continue;
    if (!source || covers(child.local_selectors, *source)) return {};
    local += (local.empty() ? "" : " ") + texts(child.local_selectors);
  }
  if (local.empty()) return fmt::format("{} is not within the remote selectors, {}", target.text(), remote);
  return fmt::format("{} is asked from {}, which is not within the local selectors, {}", target.text(), source->text(),
                     local);
}

// Up to /30 the first address of a network and the last one are no host's (RFC 3021).
std::string broadcast_fault(const TunnelInterface& interface, const IpAddress& target) {
  const auto* own = network_of(interface, target);
  if (!own || !target.is_v4() || own->length > 30) return {};
  const Prefix network(own->address, own->length);
  if (target != network.address() && target != network.last()) return {};
  return fmt::format("{} is the {} address of {}, the network of interface {}", target.text(),
                     target == network.last() ? "broadcast" : "network", network.text(), interface.name);
}

}  // namespace

ProbeTargets::ProbeTargets(const Config& config) : config_(config) {
  const auto add = [this](const std::vector<InterfaceAddress>& addresses, const std::string& interface) {
    for (const InterfaceAddress& each : addresses) {
      own_.insert(each.address);
      networks_.add(Prefix(each.address, each.length), interface);
    }
  };
  const auto guard = [this](const std::vector<Prefix>& prefixes) {
    for (const Prefix& each : prefixes) guards_.add(each, true);
  };
  for (const auto& [name, port] : config.ports)
    if (port.vrf.empty()) add(port.addresses, name);
  guard(config.guards);
  for (const auto& [name, tunnel] : config.tunnels) {
    own_.insert(tunnel.connection.local);
    own_.insert(tunnel.connection.other_locals.begin(), tunnel.connection.other_locals.end());
    if (!tunnel.interface.vrf.empty()) continue;
    add(tunnel.interface.addresses, tunnel.interface.name);
    guard(tunnel.routes);
  }
  for (const auto& [name, group] : config.groups)
    if (vrf_of(config, group).empty()) guard(group.routes);
  for (const Route& route : config.routes) static_routes_.add(route.prefix, route.via);
}

// While the tunnel is unproven the target falls to that blackhole: an IPv4 answer then comes from where no route leads,
// which the kernel's reverse path check drops, and an IPv6 request is not even sent.
std::string ProbeTargets::blackhole_fault(const IpAddress& target) const {
  const auto* guard = guards_.longest(target);
  const auto* network = networks_.longest(target);
  const auto* route = static_routes_.longest(target);
  const auto narrower = [&](const auto* way) { return way && way->first.length() >= guard->first.length(); };
  if (!guard || narrower(network) || narrower(route)) return {};
  return fmt::format("{} is in {}, which is a blackhole until the probe is answered, so it never would be",
                     target.text(), guard->first.text());
}

std::string ProbeTargets::fault(const Tunnel& tunnel) const {
  const IpAddress& target = tunnel.probe->target;
  if (own_.contains(target))
    return fmt::format("{} is the gateway's own: it always answers, and not through the tunnel", target.text());
  if (target == tunnel.connection.remote)
    return fmt::format("{} is the peer's address outside of the tunnel", target.text());
  for (std::string fault : {selector_fault(tunnel), broadcast_fault(tunnel.interface, target)})
    if (!fault.empty()) return fault;
  return blackhole_fault(target);
}

// The peer has one way back to one address, whichever tunnel it was asked through.
std::string ProbeTargets::twin_doubt(const Tunnel& tunnel) const {
  const auto* group = group_of(config_, tunnel.connection.name);
  if (!group) return {};
  for (const std::string& name : group->second.tunnels) {
    if (name == tunnel.connection.name) break;
    const auto other = config_.tunnels.find(name);
    if (other == config_.tunnels.end() || !other->second.probe) continue;
    if (other->second.probe->target == tunnel.probe->target && asked_from(other->second) == asked_from(tunnel))
      return fmt::format(
          "{} is asked from the same address by tunnel {} of group {}, and the peer's way back leads "
          "through one of the two",
          tunnel.probe->target.text(), name, group->first);
  }
  return {};
}

std::string ProbeTargets::doubt(const Tunnel& tunnel) const {
  const IpAddress& target = tunnel.probe->target;
  const std::string& interface = tunnel.interface.name;
  const auto* own = network_of(tunnel.interface, target);
  const auto* network = networks_.longest(target);
  if (network && network->second != interface && (!own || network->first.length() > own->length))
    return fmt::format("{} is in {}, the network of interface {}", target.text(), network->first.text(),
                       network->second);
  if (const auto* route = static_routes_.longest(target);
      !own && !(route && network_of(tunnel.interface, route->second)))
    return has_family(tunnel.interface, target.family())
               ? fmt::format("{} is in no network of interface {}", target.text(), interface)
               : fmt::format("interface {} has no {} address, and {} is one", interface,
                             target.is_v4() ? "IPv4" : "IPv6", target.text());
  return twin_doubt(tunnel);
}

}  // namespace sekisho::config
