#include "control/config/fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/messages/config.h"
#include "base/outer_address.h"

namespace sekisho::config {
namespace {

constexpr size_t longest_interface_name = 15;  // IFNAMSIZ less the NUL
constexpr size_t longest_tunnel_name = 63;
constexpr size_t longest_vrf_name = 35;  // what FRR takes
constexpr size_t longest_device = 239;   // ipc::PortSet::device less the NUL
constexpr size_t longest_identity = 255;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string name_fault(std::string_view name, size_t longest) {
  if (name.empty()) return "a name is not empty";
  if (name.size() > longest) return fmt::format("{} has {} characters, at most {}", shown(name), name.size(), longest);
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (!letter(name[0])) return fmt::format("{} does not begin with a letter or digit", shown(name));
  const auto fit = [&](char c) { return letter(c) || c == '.' || c == '-' || c == '_'; };
  const auto unfit = std::ranges::find_if_not(name, fit);
  if (unfit == name.end()) return {};
  return fmt::format("{} has a character that does not fit, at position {}", shown(name), unfit - name.begin() + 1);
}

}  // namespace

std::optional<IpAddress> read_unicast_address(const Node& node) {
  const auto text = node.text();
  if (!text) return {};
  const auto address = IpAddress::parse(*text);
  const std::string_view fault = address ? unicast_fault(*address) : "is not an IP address";
  if (fault.empty()) return address;
  node.fail(messages::config_bad_address, fmt::format("{} {}", shown(*text), fault));
  return {};
}

std::optional<InterfaceAddress> read_interface_address(const Node& node) {
  const auto text = node.text();
  if (!text) return {};
  const auto address = InterfaceAddress::parse(*text);
  std::string_view fault;
  if (!address)
    fault = IpAddress::parse(*text) ? "lacks a prefix length" : "is not an IP address with a prefix length";
  else if (address->length == 0)
    fault = "has no network part";
  else
    fault = unicast_fault(address->address);
  if (fault.empty()) return address;
  node.fail(messages::config_bad_address, fmt::format("{} {}", shown(*text), fault));
  return {};
}

std::optional<Prefix> read_prefix(const Node& node) {
  const auto text = node.text();
  if (!text) return {};
  if (const auto prefix = Prefix::parse(*text)) return prefix;
  if (const auto loose = InterfaceAddress::parse(*text)) {
    const Prefix meant(loose->address, loose->length);
    node.fail(messages::config_bad_prefix,
              fmt::format("{} has host bits set; its network is {}", shown(*text), meant.text()));
  } else {
    node.fail(messages::config_bad_prefix, fmt::format("{} is not an IP prefix", shown(*text)));
  }
  return {};
}

std::optional<ike::Identity> read_identity(const Node& node) {
  const auto text = node.text();
  if (!text) return {};
  if (text->size() <= longest_identity && std::ranges::none_of(*text, is_control))
    if (auto identity = ike::Identity::parse(*text)) return identity;
  node.fail(messages::config_bad_identity, shown(*text));
  return {};
}

std::optional<std::string> read_device(const Node& node) {
  auto text = node.text();
  if (!text) return {};
  const auto unfit = [](char c) { return c <= ' ' || static_cast<unsigned char>(c) >= 0x7f; };
  if (!text->empty() && text->size() <= longest_device && (*text)[0] != '-' && std::ranges::none_of(*text, unfit))
    return text;
  node.fail(messages::config_bad_device, shown(*text));
  return {};
}

std::string interface_name_fault(std::string_view name) {
  // The last two are directories of net.ipv4.conf beside those of the interfaces.
  for (const std::string_view reserved : {"lo", "all", "default"})
    if (name == reserved) return fmt::format("{} is the kernel's own", shown(name));
  return name_fault(name, longest_interface_name);
}

std::string vrf_name_fault(std::string_view name) {
  if (name == "default") return "\"default\" is the front door to FRR";
  return name_fault(name, longest_vrf_name);
}

std::string tunnel_name_fault(std::string_view name) { return name_fault(name, longest_tunnel_name); }

std::optional<std::string> read_interface_name(const Node& node) {
  auto text = node.text();
  if (!text) return {};
  const std::string fault = interface_name_fault(*text);
  if (fault.empty()) return text;
  node.fail(messages::config_bad_name, fault);
  return {};
}

}  // namespace sekisho::config
