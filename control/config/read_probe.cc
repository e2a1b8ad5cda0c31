// "probe" of a tunnel.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/negotiation.h"
#include "control/config/sections.h"

namespace sekisho::config {
namespace {

constexpr double least_seconds = 0.1, most_seconds = 60;
constexpr unsigned most_counted = 60;

void read_seconds(const Object& object, std::string_view key, Duration& duration) {
  const auto node = object.get(key);
  const auto seconds = node ? node->number(least_seconds, most_seconds) : std::nullopt;
  if (seconds) duration = std::chrono::milliseconds(std::llround(*seconds * 1000));
}

void read_port(const Object& object, const Node& node, Probe& probe) {
  const auto port = object.get("port");
  if (port && probe.protocol != Probe::Protocol::udp)
    port->fail(messages::config_unknown_key, "\"port\" goes with \"protocol\": \"udp\"");
  else if (port)
    assign(probe.port, port->integer(1, 65535));
  else if (probe.protocol == Probe::Protocol::udp)
    node.fail(messages::config_missing_key, "\"port\", with \"protocol\": \"udp\"");
}

// bfdd has its own times, and its own address to ask from.
void check_bfd(const Object& object, const Node& protocol, const Config& config) {
  if (!config.frr) protocol.fail(messages::config_missing_key, "\"frr\", with \"protocol\": \"bfd\"");
  for (const char* key : {"source", "port", "interval", "timeout", "loss", "of"})
    if (const auto given = object.get(key))
      given->fail(messages::config_unknown_key,
                  fmt::format("\"{}\" does not go with \"protocol\": \"bfd\": frr.conf has it", key));
}

// Of all interfaces of the front door, which is where probes run.
std::vector<InterfaceAddress> own_addresses(const Config& config) {
  std::vector<InterfaceAddress> addresses;
  const auto add = [&](const std::vector<InterfaceAddress>& more) {
    addresses.insert(addresses.end(), more.begin(), more.end());
  };
  for (const auto& [name, port] : config.ports)
    if (port.vrf.empty()) add(port.addresses);
  for (const auto& [name, tunnel] : config.tunnels)
    if (tunnel.interface.vrf.empty()) add(tunnel.interface.addresses);
  return addresses;
}

std::vector<Prefix> guards(const Config& config) {
  std::vector<Prefix> all = config.guards;
  const auto add = [&](const std::vector<Prefix>& more) { all.insert(all.end(), more.begin(), more.end()); };
  for (const auto& [name, tunnel] : config.tunnels)
    if (tunnel.interface.vrf.empty()) add(tunnel.routes);
  for (const auto& [name, group] : config.groups)
    if (vrf_of(config, group).empty()) add(group.routes);
  return all;
}

// The blackhole that the target falls to while the tunnel is unproven: an IPv4 answer then comes from where no route
// leads, which the kernel's reverse path check drops, and an IPv6 request is not even sent.
std::optional<Prefix> guard_over(const IpAddress& target, const std::vector<Prefix>& guards, const Config& config) {
  const auto over = [&](const Prefix& prefix, const std::optional<Prefix>& best) {
    return prefix.contains(target) && (!best || prefix.length() > best->length());
  };
  std::optional<Prefix> guard, way;
  for (const Prefix& each : guards)
    if (over(each, guard)) guard = each;
  for (const InterfaceAddress& own : own_addresses(config))
    if (const Prefix network(own.address, own.length); over(network, way)) way = network;
  for (const Route& route : config.routes)
    if (over(route.prefix, way)) way = route.prefix;
  return guard && (!way || guard->length() > way->length()) ? guard : std::nullopt;
}

}  // namespace

void check_probes(const Context& context) {
  if (context.probe_targets.empty()) return;
  const auto own = own_addresses(context.config);
  const auto guarded = guards(context.config);
  for (const auto& [node, name] : context.probe_targets) {
    const auto tunnel = context.config.tunnels.find(name);
    if (tunnel == context.config.tunnels.end() || !tunnel->second.probe) continue;
    const IpAddress& target = tunnel->second.probe->target;
    if (std::ranges::find(own, target, &InterfaceAddress::address) != own.end())
      node.fail(messages::config_bad_address,
                fmt::format("{} is the gateway's own: it always answers, and not through the tunnel", target.text()));
    else if (const auto guard = guard_over(target, guarded, context.config))
      node.fail(messages::config_bad_address,
                fmt::format("{} is in {}, which is a blackhole until the probe is answered, so it never would be; the "
                            "peer's address in a network of the tunnel's interface is outside of that",
                            target.text(), guard->text()));
  }
}

void read_probe(const Object& tunnel_object, Tunnel& tunnel, Context& context) {
  const auto node = tunnel_object.get("probe");
  if (!node) return;
  if (!tunnel.interface.vrf.empty()) node->fail(messages::config_not_in_vrf, "\"probe\"");
  const Object object(*node, {"target", "source", "protocol", "port", "interval", "timeout", "loss", "of"});
  Probe probe;
  if (const auto target = object.require("target")) {
    const auto address = read_unicast_address(*target);
    if (!address) return;
    probe.target = *address;
    context.probe_targets.emplace_back(*target, tunnel.connection.name);
    check_way(Prefix(*address, address->bits()), *target, tunnel, context.config);
  }
  if (const auto protocol = object.get("protocol")) {
    assign(probe.protocol, protocol->choice({"icmp", "udp", "bfd"}));
    if (probe.protocol == Probe::Protocol::bfd) {
      check_bfd(object, *protocol, context.config);
      tunnel.probe = probe;
      return;
    }
  }
  if (const auto source = object.get("source")) probe.source = read_unicast_address(*source);
  if (probe.source && probe.source->family() != probe.target.family())
    node->fail(messages::config_family_mismatch, fmt::format("{} and {}", probe.source->text(), probe.target.text()));
  read_port(object, *node, probe);
  read_seconds(object, "interval", probe.interval);
  probe.timeout = probe.interval;
  read_seconds(object, "timeout", probe.timeout);
  if (const auto of = object.get("of")) assign(probe.of, of->integer(1, most_counted));
  probe.loss = std::min(probe.loss, probe.of);
  if (const auto loss = object.get("loss")) assign(probe.loss, loss->integer(1, probe.of));
  tunnel.probe = probe;
}

}  // namespace sekisho::config
