// "probe" of a tunnel.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/probe_targets.h"
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

}  // namespace

void check_probes(const Context& context) {
  if (context.probe_targets.empty()) return;
  const ProbeTargets targets(context.config);
  for (const auto& [node, name] : context.probe_targets) {
    const auto tunnel = context.config.tunnels.find(name);
    if (tunnel == context.config.tunnels.end() || !tunnel->second.probe || context.faulty.contains(name)) continue;
    if (std::string fault = targets.fault(tunnel->second); !fault.empty())
      node.fail(messages::config_probe_unanswerable, std::move(fault));
  }
}

void read_probe(const Object& tunnel_object, Tunnel& tunnel, Context& context) {
  const auto node = tunnel_object.get("probe");
  if (!node) return;
  if (!tunnel.interface.vrf.empty()) return node->fail(messages::config_not_in_vrf, "\"probe\"");
  const Object object(*node, {"target", "source", "protocol", "port", "interval", "timeout", "loss", "of"});
  Probe& probe = tunnel.probe.emplace();
  if (const auto target = object.require("target"))
    if (const auto address = read_unicast_address(*target)) {
      probe.target = *address;
      context.probe_targets.emplace_back(*target, tunnel.connection.name);
    }
  const ErrorWatch watch(*node);
  if (const auto protocol = object.get("protocol")) {
    assign(probe.protocol, protocol->choice({"icmp", "udp", "bfd"}));
    if (probe.protocol == Probe::Protocol::bfd) return check_bfd(object, *protocol, context.config);
  }
  if (watch.clean()) read_port(object, *node, probe);
  if (const auto source = object.get("source")) {
    probe.source = read_unicast_address(*source);
    if (probe.source && !probe.target.is_any() && probe.source->family() != probe.target.family())
      source->fail(messages::config_family_mismatch,
                   fmt::format("{} and {}", probe.source->text(), probe.target.text()));
  }
  read_seconds(object, "interval", probe.interval);
  probe.timeout = probe.interval;
  read_seconds(object, "timeout", probe.timeout);
  if (const auto of = object.get("of")) {
    const auto counted = of->integer(1, most_counted);
    if (!counted) return;  // what "loss" may be is not known then
    probe.of = static_cast<unsigned>(*counted);
  }
  probe.loss = std::min(probe.loss, probe.of);
  if (const auto loss = object.get("loss")) assign(probe.loss, loss->integer(1, probe.of));
}

}  // namespace sekisho::config
