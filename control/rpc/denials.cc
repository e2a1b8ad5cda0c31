#include "control/rpc/denials.h"

#include <algorithm>

#include "control/config/security_groups.h"

namespace sekisho::rpc {
namespace {

constexpr Duration lately = std::chrono::minutes(1);
constexpr uint8_t icmp = 1, udp = 17, icmpv6 = 58;
constexpr uint16_t bfd_port = 3784;  // RFC 5881 section 4

std::string end_text(const IpAddress& address, const std::optional<uint16_t>& port) {
  return address.text() + (port ? " " + std::to_string(*port) : "");
}

std::string text(const Denial& denial) {
  const std::string tail = ", " + std::string(word(denial.direction)) + " (" + std::string(word(denial.reason)) + ")";
  if (denial.reason == ipc::DenialReason::frame_type) return "a frame" + tail;
  const std::string protocol = config::protocol_text(denial.protocol);
  return (protocol.empty() ? "protocol 0" : protocol) + " from " + end_text(denial.source, denial.source_port) +
         " to " + end_text(denial.destination, denial.destination_port) + tail;
}

std::string find_denial(const SecurityView& security, const config::Tunnel& tunnel, Instant now, const auto& wanted) {
  for (const FilterView& filter : security.filters)
    for (const Denial& denial : filter.denials)
      if (denial.interface == tunnel.interface.name && now - denial.at <= lately && wanted(denial)) return text(denial);
  return {};
}

// A BFD session has the same port at both ends, each of which sends from a port of its own.
bool is_probes(const Denial& denial, const config::Probe& probe) {
  const bool outbound = denial.direction == ipc::Direction::outbound;
  if ((outbound ? denial.destination : denial.source) != probe.target) return false;
  switch (probe.protocol) {
    case config::Probe::Protocol::icmp:
      return denial.protocol == icmp || denial.protocol == icmpv6;
    case config::Probe::Protocol::udp:
      return denial.protocol == udp && (outbound ? denial.destination_port : denial.source_port) == probe.port;
    case config::Probe::Protocol::bfd:
      return denial.protocol == udp && denial.destination_port == bfd_port;
  }
  return false;
}

}  // namespace

std::string_view word(ipc::Direction direction) { return direction == ipc::Direction::inbound ? "in" : "out"; }

std::string_view word(ipc::DenialReason reason) {
  switch (reason) {
    case ipc::DenialReason::no_rule:
      return "no-rule";
    case ipc::DenialReason::table_full:
      return "flow-table-full";
    case ipc::DenialReason::forbidden_flow:
      return "forbidden-flow";
    case ipc::DenialReason::fragment:
      return "fragment";
    case ipc::DenialReason::header_chain:
      return "header-chain";
    case ipc::DenialReason::routing_header:
      return "routing-header";
    case ipc::DenialReason::options:
      return "options";
    case ipc::DenialReason::frame_type:
      return "frame-type";
    case ipc::DenialReason::closed:
      return "filter-not-there";
  }
  return "";
}

std::string last_denial(const SecurityView& security, const config::Tunnel& tunnel, Instant now) {
  return find_denial(security, tunnel, now, [](const Denial&) { return true; });
}

std::string probe_denial(const SecurityView& security, const config::Tunnel& tunnel, Instant now) {
  if (!tunnel.probe) return {};
  return find_denial(security, tunnel, now, [&](const Denial& denial) { return is_probes(denial, *tunnel.probe); });
}

}  // namespace sekisho::rpc
