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

}  // namespace

void read_probe(const Object& tunnel_object, Tunnel& tunnel, const Context& context) {
  const auto node = tunnel_object.get("probe");
  if (!node) return;
  const Object object(*node, {"target", "source", "protocol", "port", "interval", "timeout", "loss", "of"});
  Probe probe;
  if (const auto target = object.require("target")) {
    const auto address = read_unicast_address(*target);
    if (!address) return;
    probe.target = *address;
    check_way(Prefix(*address, address->bits()), *target, tunnel.connection, context.config);
  }
  if (const auto source = object.get("source")) probe.source = read_unicast_address(*source);
  if (probe.source && probe.source->family() != probe.target.family())
    node->fail(messages::config_family_mismatch, fmt::format("{} and {}", probe.source->text(), probe.target.text()));
  if (const auto protocol = object.get("protocol")) assign(probe.protocol, protocol->choice({"icmp", "udp"}));
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
