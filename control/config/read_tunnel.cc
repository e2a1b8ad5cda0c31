// The section "tunnels": addresses, identities, key, interface. Its "ike", "esp", "selectors" and "routes" are read in
// read_negotiation.cc.
#include <fmt/format.h>

#include <algorithm>

#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/negotiation.h"
#include "control/config/psk_file.h"
#include "control/config/sections.h"

namespace sekisho::config {
namespace {

struct End {
  std::optional<IpAddress> address;
  std::vector<IpAddress> alternatives;  // local end
  std::optional<ike::Identity> id;      // default: the address
};

constexpr size_t max_alternatives = 8;

std::optional<IpAddress> read_outer_address(const Node& node) {
  const auto address = read_unicast_address(node);
  if (!address || address->is_v4()) return address;
  node.fail(messages::config_family_mismatch, fmt::format("{} is not IPv4", address->text()));
  return {};
}

// "local" or "remote".
End read_end(const Object& tunnel, std::string_view key) {
  End end;
  const auto node = tunnel.require(key);
  if (!node) return end;
  const Object object(*node, key == "local" ? std::initializer_list<std::string_view>{"address", "alternatives", "id"}
                                            : std::initializer_list<std::string_view>{"address", "id"});
  if (const auto address = object.require("address")) end.address = read_outer_address(*address);
  if (const auto alternatives = object.get("alternatives")) {
    end.alternatives = read_list(*alternatives, read_outer_address);
    if (end.alternatives.size() > max_alternatives)
      alternatives->fail(messages::config_out_of_range,
                         fmt::format("{} addresses, at most {}", end.alternatives.size(), max_alternatives));
  }
  if (const auto id = object.get("id"))
    end.id = read_identity(*id);
  else if (end.address)
    end.id = ike::Identity::parse(end.address->text());
  return end;
}

void read_ends(const Object& object, const Node& node, ike::Connection& connection, Claims& claims) {
  const End local = read_end(object, "local"), remote = read_end(object, "remote");
  assign(connection.local, local.address);
  connection.other_locals = local.alternatives;
  assign(connection.remote, remote.address);
  assign(connection.local_id, local.id);
  assign(connection.remote_id, remote.id);
  if (!local.address || !remote.address || !local.id || !remote.id) return;
  if (connection.local == connection.remote)
    node.fail(messages::config_duplicate, fmt::format("{} is the address of both ends", connection.local.text()));
  // Without a difference here an incoming exchange could belong to either tunnel.
  claims.claim(ClaimKind::peers,
               fmt::format("{} ({}) to {} ({})", connection.local.text(), connection.local_id.text(),
                           connection.remote.text(), connection.remote_id.text()),
               node);
}

void read_psk_file(const Object& object, Tunnel& tunnel, const std::filesystem::path& directory) {
  const auto node = object.require("psk_file");
  if (!node) return;
  assign(tunnel.psk_file, node->text());
  if (tunnel.psk_file.empty()) return;
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (std::ranges::any_of(tunnel.psk_file, control)) {
    node->fail(messages::config_psk_unreadable, "the path has control characters");
    return;
  }
  auto psk = read_psk(directory / tunnel.psk_file);
  if (psk)
    tunnel.connection.psk = std::make_shared<const SecretBytes>(std::move(*psk));
  else
    node->fail(*psk.error().message, psk.error().detail);
}

void read_interface(const Object& tunnel, TunnelInterface& interface, Context& context) {
  const auto node = tunnel.require("interface");
  if (!node) return;
  const Object object(*node, {"name", "addresses", "mtu"});
  if (const auto name = object.require("name")) {
    assign(interface.name, read_interface_name(*name));
    if (!interface.name.empty()) context.claims.claim(ClaimKind::interface, interface.name, *name);
  }
  interface.addresses = read_addresses(object, context);
  read_mtu(object, interface.addresses, interface.mtu);
}

}  // namespace

void read_tunnel(const std::string& name, const Node& node, Context& context) {
  if (const std::string fault = tunnel_name_fault(name); !fault.empty()) node.fail(messages::config_bad_name, fault);
  const Object object(
      node, {"interface", "local", "remote", "psk_file", "profile", "ike", "esp", "selectors", "routes", "start"});
  Tunnel tunnel;
  tunnel.connection.name = name;
  tunnel.connection.children.front().name = name;
  read_interface(object, tunnel.interface, context);
  read_ends(object, node, tunnel.connection, context.claims);
  read_psk_file(object, tunnel, context.directory);
  if (const auto profile = object.get("profile")) assign(tunnel.profile, profile->choice({"modern", "legacy"}));
  if (const auto start = object.get("start")) assign(tunnel.connection.start, start->choice({"start", "respond"}));
  read_ike(object, tunnel);
  read_esp(object, tunnel);
  read_selectors(object, tunnel.connection);
  read_tunnel_routes(object, node, tunnel, context);
  context.config.tunnels.emplace(name, std::move(tunnel));
}

}  // namespace sekisho::config
