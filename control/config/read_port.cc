// The section "ports".
#include <fmt/format.h>

#include <algorithm>

#include "base/esp_size.h"
#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/sections.h"

namespace sekisho::config {
namespace {

constexpr uint16_t least_mtu = 576, most_mtu = 9000;
constexpr size_t max_addresses = 64;

// The part of the device that names it to DPDK: the driver with its instance, or the PCI address without domain 0.
std::string device_name(std::string_view device) {
  std::string name(device.substr(0, device.find(',')));
  constexpr std::string_view domain = "0000:";
  if (name.starts_with(domain)) name.erase(0, domain.size());
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  return name;
}

// The kernel's interface that the device takes for its wire; empty: none.
std::string_view wire_interface(std::string_view device) {
  constexpr std::string_view argument = ",iface=";
  const size_t start = device.find(argument);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = device.substr(start + argument.size());
  return rest.substr(0, rest.find(','));
}

// An MTU, which has to do for IPv6 where there is any.
std::optional<uint16_t> read_mtu(const Node& node, bool ipv6) {
  std::optional<uint16_t> mtu;
  assign(mtu, node.integer(least_mtu, most_mtu));
  if (!mtu || !ipv6 || *mtu >= least_ipv6_mtu) return mtu;
  node.fail(messages::config_out_of_range, fmt::format("{} is below {}, which IPv6 needs", *mtu, least_ipv6_mtu));
  return {};
}

bool has_ipv6(const std::vector<InterfaceAddress>& addresses) {
  return std::ranges::any_of(addresses, [](const auto& entry) { return !entry.address.is_v4(); });
}

}  // namespace

std::optional<uint16_t> read_optional_mtu(const Object& object) {
  const auto node = object.get("mtu");
  if (!node || node->is("auto")) return {};
  return read_mtu(*node, false);
}

std::optional<uint16_t> read_outer_mtu(const Object& object, Family outer) {
  const auto node = object.get("outer_mtu");
  if (!node || node->is("auto")) return {};
  return read_mtu(*node, outer == Family::ipv6);
}

std::vector<InterfaceAddress> read_addresses(const Object& object, const std::string& vrf, Context& context) {
  const auto node = object.get("addresses");
  if (!node) return {};
  auto addresses = read_list(*node, [&](const Node& item) {
    auto address = read_interface_address(item);
    if (address) context.claims.claim(ClaimKind::address, within(vrf, address->address.text()), item);
    return address;
  });
  if (addresses.size() > max_addresses)
    node->fail(messages::config_out_of_range, fmt::format("{} addresses, at most {}", addresses.size(), max_addresses));
  return addresses;
}

void read_port(const std::string& name, const Node& node, Context& context) {
  if (const std::string fault = interface_name_fault(name); !fault.empty()) node.fail(messages::config_bad_name, fault);
  context.claims.claim(ClaimKind::interface, name, node);
  const Object object(node, {"device", "addresses", "mtu", "vrf", "security_groups"});
  Port port;
  if (const auto device = object.require("device")) {
    assign(port.device, read_device(*device));
    if (!port.device.empty()) context.claims.claim(ClaimKind::device, device_name(port.device), *device);
    if (const auto wire = wire_interface(port.device); !wire.empty())
      context.claims.claim(ClaimKind::interface, std::string(wire), *device);
  }
  port.vrf = read_vrf_name(object, context);
  port.addresses = read_addresses(object, port.vrf, context);
  if (const auto mtu = object.get("mtu")) assign(port.mtu, read_mtu(*mtu, has_ipv6(port.addresses)));
  port.security_groups = read_security_groups(object, context);
  context.config.ports.emplace(name, std::move(port));
}

}  // namespace sekisho::config
