#include "dataplane/manager/validate.h"

#include <algorithm>

#include "base/messages/dataplane.h"
#include "dataplane/port/packet_pool.h"
#include "dataplane/sa/sa.h"
#include "dataplane/twin/kernel_twin.h"
#include "ipc/convert.h"

namespace sekisho::dataplane {
namespace {

std::unexpected<Error> refuse(std::string detail) { return fail(messages::command_refused, std::move(detail)); }

template <typename Id>
Result<void> below(Id id, uint32_t bound, const char* what) {
  if (id.value() >= bound)
    return refuse(std::string(what) + " id " + std::to_string(id.value()) + " is not below " + std::to_string(bound));
  return {};
}

Result<void> all_of(std::initializer_list<Result<void>> checks) {
  for (const auto& check : checks)
    if (!check) return check;
  return {};
}

Result<void> check_mtu(uint16_t mtu, uint16_t least) {
  if (mtu < least || mtu > max_port_mtu)
    return refuse("MTU " + std::to_string(mtu) + " is not within " + std::to_string(least) + ".." +
                  std::to_string(max_port_mtu));
  return {};
}

// Nothing is, or what leaves a connection alive.
bool plausible_mss(uint16_t mss) { return mss == 0 || mss >= ipc::least_mss; }

Result<void> check_name(const ipc::Text<16>& name) {
  const auto text = ipc::to_string(name);
  if (!text) return refuse("interface name is not terminated");
  if (!valid_interface_name(*text)) return refuse("interface name is not letters, digits, '.', '_' or '-'");
  return {};
}

Result<void> check_device(const ipc::Text<240>& device) {
  const auto text = ipc::to_string(device);
  if (!text || text->empty()) return refuse("device string is empty or not terminated");
  if (!std::ranges::all_of(*text, [](char c) { return c > ' ' && c <= '~'; }))
    return refuse("device string holds a character that is not printable");
  // net_failsafe gives what stands in exec(...) to a shell, and reads more arguments from the descriptor in fd(...).
  // Control names devices; it does not run programs with the dataplane's privileges.
  if (text->contains("net_failsafe") && (text->contains("exec") || text->contains("fd(")))
    return refuse("net_failsafe may name its devices with dev(...) only");
  return {};
}

}  // namespace

std::optional<Prefix> prefix_of(const ipc::Address& address, uint8_t length) {
  const auto ip = ipc::to_address(address);
  if (!ip || length > ip->bits()) return {};
  const Prefix prefix(*ip, length);
  if (prefix.address() != *ip) return {};
  return prefix;
}

Result<void> validate(const ipc::PortSet& command) {
  if (command.filtered > 1) return refuse("a flag that is neither 0 nor 1");
  return all_of({below(command.id, ipc::max_ports, "port"), below(command.vrf, ipc::max_vrfs, "VRF"),
                 check_mtu(command.mtu, min_mtu), check_name(command.name), check_device(command.device)});
}

Result<void> validate(const ipc::PortRemove& command) { return below(command.id, ipc::max_ports, "port"); }

Result<void> validate(const ipc::TunnelSet& command) {
  if (command.tx_count > ipc::max_tx_sas) return refuse("more TX SAs than a tunnel may have");
  if (command.on_traffic > 1 || command.filtered > 1) return refuse("a flag that is neither 0 nor 1");
  if (command.df > ipc::DfPolicy::set) return refuse("unknown policy on Don't Fragment");
  if (!plausible_mss(command.mss_ipv4) || !plausible_mss(command.mss_ipv6))
    return refuse("an MSS too small to go on with");
  for (unsigned i = 0; i < command.tx_count; ++i)
    if (auto checked = below(command.tx_sas[i], ipc::max_sas, "SA"); !checked) return checked;
  return all_of({below(command.id, ipc::max_tunnels, "tunnel"), below(command.vrf, ipc::max_vrfs, "VRF"),
                 check_mtu(command.mtu, ipc::least_tunnel_mtu), check_name(command.name)});
}

Result<void> validate(const ipc::TunnelRemove& command) { return below(command.id, ipc::max_tunnels, "tunnel"); }

Result<void> validate(const ipc::NextHopSet& command) {
  if (command.id.value() == 0) return refuse("next hop 0 is always drop");
  if (auto checked = below(command.id, ipc::max_next_hops, "next hop"); !checked) return checked;
  switch (command.kind) {
    case ipc::NextHopKind::drop:
    case ipc::NextHopKind::local:
    case ipc::NextHopKind::punt:
      return {};
    case ipc::NextHopKind::adjacency:
      if (std::ranges::all_of(command.mac, [](uint8_t byte) { return byte == 0; }))
        return refuse("adjacency without a MAC address");
      return below(command.port, ipc::max_ports, "port");
    case ipc::NextHopKind::tunnel:
      return below(command.tunnel, ipc::max_tunnels, "tunnel");
    case ipc::NextHopKind::group:
      return refuse("a group is set by its buckets");
  }
  return refuse("unknown kind of next hop");
}

Result<void> validate(const ipc::NextHopGroupSet& command) {
  if (!ipc::is_group(command.id)) return refuse("id " + std::to_string(command.id.value()) + " is not a group's");
  for (const ipc::NextHopId member : command.buckets)
    if (auto checked = below(member, ipc::max_next_hops, "next hop"); !checked) return checked;
  return {};
}

Result<void> validate(const ipc::RouteSet& command) {
  if (!prefix_of(command.prefix, command.length)) return refuse("route prefix is malformed or has host bits set");
  return all_of(
      {below(command.vrf, ipc::max_vrfs, "VRF"), below(command.next_hop, ipc::max_route_targets, "next hop")});
}

Result<void> validate(const ipc::RouteRemove& command) {
  if (!prefix_of(command.prefix, command.length)) return refuse("route prefix is malformed or has host bits set");
  return below(command.vrf, ipc::max_vrfs, "VRF");
}

Result<void> validate(const ipc::SaAdd& command) {
  if (auto checked = check(command); !checked) return checked;
  // The receiver infers the high half of an extended number from the window (RFC 4303 section 3.4.3).
  if (command.direction == ipc::Direction::inbound && command.esn == 1 && command.replay_window == 0)
    return refuse("extended sequence numbers need a replay window");
  return {};
}

Result<void> validate(const ipc::SaRemove& command) { return below(command.id, ipc::max_sas, "SA"); }

Result<void> validate(const ipc::FilterAdd& command) { return below(command.id, ipc::max_filters, "filter"); }

Result<void> validate(const ipc::FilterRuleAdd& command) {
  if (command.direction > ipc::Direction::outbound) return refuse("a rule without a direction");
  if (command.has_icmp_type > 1) return refuse("a flag that is neither 0 nor 1");
  if (command.first_port > command.last_port) return refuse("a range of ports that ends before it begins");
  const auto sound = [&](const ipc::Address& address, uint8_t length) {
    return address.family == command.family && prefix_of(address, length);
  };
  if (command.family != 0 &&
      (!sound(command.remote, command.remote_length) || !sound(command.local, command.local_length)))
    return refuse("a rule's prefix is malformed, of another family or has host bits set");
  return below(command.filter, ipc::max_filters, "filter");
}

Result<void> validate(const ipc::FilterAttach& command) {
  return all_of({below(command.filter, ipc::max_filters, "filter"), check_name(command.interface)});
}

}  // namespace sekisho::dataplane
