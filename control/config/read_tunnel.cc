// The section "tunnels": addresses, identities, interface. What proves the identities is read in
// read_authentication.cc, its "ike" and "esp" in read_negotiation.cc, its "selectors", "children" and "routes" in
// read_children.cc.
#include <fmt/format.h>

#include <algorithm>

#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/negotiation.h"
#include "control/config/sections.h"

namespace sekisho::config {
namespace {

struct End {
  std::optional<IpAddress> address;
  std::vector<IpAddress> alternatives;  // local end
  std::optional<ike::Identity> id;      // default: the address
  std::optional<EndObject> object;
};

constexpr size_t max_alternatives = 8;
// What RFC 9293 section 3.7.1 takes for granted over IPv4; the most that an MTU of 9000 leaves there.
constexpr uint16_t least_mss = 536, most_mss = 8960;

// Without its link a link-local address says nothing.
std::optional<IpAddress> read_outer_address(const Node& node) {
  const auto address = read_unicast_address(node);
  if (!address || !Prefix(*IpAddress::parse("fe80::"), 10).contains(*address)) return address;
  node.fail(messages::config_bad_address, fmt::format("{} is a link-local address", address->text()));
  return {};
}

// "local" or "remote".
End read_end(const Object& tunnel, std::string_view key, std::initializer_list<std::string_view> keys) {
  End end;
  const auto node = tunnel.require(key);
  if (!node) return end;
  const Object object(*node, keys);
  if (const auto address = object.require("address"); address && key == "remote" && address->is("any")) {
    end.address = IpAddress::any(Family::ipv4);  // until the local end is known
    // Its address would be the default, and there is none.
    if (!object.get("id")) {
      node->fail(messages::config_missing_key, "\"id\", with \"address\": \"any\"");
      return end;
    }
  } else if (address) {
    end.address = read_outer_address(*address);
  }
  if (const auto alternatives = object.get("alternatives")) {
    end.alternatives = read_list(*alternatives, read_outer_address);
    if (end.alternatives.size() > max_alternatives)
      alternatives->fail(messages::config_out_of_range,
                         fmt::format("{} addresses, at most {}", end.alternatives.size(), max_alternatives));
  }
  const auto id = object.get("id");
  end.object = EndObject{object, id.value_or(*node), id.has_value()};
  if (id)
    end.id = read_identity(*id);
  else if (end.address)
    end.id = ike::Identity::parse(end.address->text());
  return end;
}

// Both ends of a tunnel have to be of one family, and so have the addresses that the local end moves between: a peer is
// only ever known by one address at a time.
void check_families(const ike::Connection& connection, const Node& node) {
  const auto other = [&](const IpAddress& address) { return address.family() != connection.local.family(); };
  const auto refuse = [&](const IpAddress& address) {
    node.fail(messages::config_family_mismatch,
              fmt::format("{} and {} are ends of one tunnel", connection.local.text(), address.text()));
  };
  if (other(connection.remote)) refuse(connection.remote);
  if (const auto found = std::ranges::find_if(connection.other_locals, other); found != connection.other_locals.end())
    refuse(*found);
}

void read_ends(const Object& object, const Node& node, Tunnel& tunnel, Context& context) {
  const End local = read_end(object, "local", {"address", "alternatives", "id", "auth", "certificate", "private_key"});
  const End remote = read_end(object, "remote", {"address", "id", "auth", "authorities", "crls", "require_crl"});
  ike::Connection& connection = tunnel.connection;
  assign(connection.local, local.address);
  connection.other_locals = local.alternatives;
  assign(connection.remote, remote.address);
  assign(connection.local_id, local.id);
  assign(connection.remote_id, remote.id);
  if (local.object && remote.object)
    read_authentication(object, *local.object, *remote.object, tunnel, context.directory);
  else
    object.require("psk_file");  // an end that does not say otherwise goes by it
  if (!local.address || !remote.address || !local.id || !remote.id) return;
  if (connection.remote.is_any()) connection.remote = IpAddress::any(connection.local.family());
  check_families(connection, node);
  if (connection.local == connection.remote)
    node.fail(messages::config_duplicate, fmt::format("{} is the address of both ends", connection.local.text()));
  if (connection.remote.is_any() && connection.start != ike::StartMode::respond)
    node.fail(messages::config_any_peer, "\"start\" is not \"respond\"");
  // Without a difference here an incoming exchange could belong to either tunnel.
  context.claims.claim(ClaimKind::peers,
                       fmt::format("{} ({}) to {} ({})", connection.local.text(), connection.local_id.text(),
                                   connection.remote.text(), connection.remote_id.text()),
                       node);
}

void read_interface(const Object& tunnel, TunnelInterface& interface, Context::MtuPlaces& places, Context& context) {
  const auto node = tunnel.require("interface");
  if (!node) return;
  const Object object(*node, {"name", "addresses", "mtu", "mss", "vrf", "security_groups"});
  if (const auto name = object.require("name")) {
    assign(interface.name, read_interface_name(*name));
    if (!interface.name.empty()) context.claims.claim(ClaimKind::interface, interface.name, *name);
  }
  interface.vrf = read_vrf_name(object, context);
  interface.addresses = read_addresses(object, interface.vrf, context);
  interface.mtu = read_optional_mtu(object);
  if (interface.mtu) places.mtu = object.get("mtu");
  interface.security_groups = read_security_groups(object, context);
  const auto mss = object.get("mss");
  if (!mss || mss->is("auto")) return;
  if (mss->is("off"))
    interface.mss = 0;
  else
    assign(interface.mss, mss->integer(least_mss, most_mss));
}

void read_path(const Object& object, Tunnel& tunnel, Context::MtuPlaces& places) {
  tunnel.outer_mtu = read_outer_mtu(object, tunnel.connection.local.family());
  if (tunnel.outer_mtu) places.outer_mtu = object.get("outer_mtu");
  if (const auto discovery = object.get("path_mtu_discovery")) assign(tunnel.path_mtu_discovery, discovery->boolean());
  tunnel.connection.path_mtu_discovery = tunnel.path_mtu_discovery && !tunnel.outer_mtu;
  if (const auto df = object.get("df")) assign(tunnel.df, df->choice({"copy", "clear", "set"}));
}

// Where one of them is no word, what hangs on it is taken as if it were the one that permits most.
void read_profile_and_start(const Object& object, Tunnel& tunnel) {
  if (const auto node = object.get("profile")) {
    tunnel.profile = Profile::legacy;
    assign(tunnel.profile, node->choice({"modern", "legacy"}));
  }
  if (const auto node = object.get("start")) {
    tunnel.connection.start = ike::StartMode::respond;
    assign(tunnel.connection.start, node->choice({"start", "respond", "on-traffic"}));
  }
}

// Whatever IKEv1 could not ask of the peer, or show it, is named.
void check_proof(const Object& tunnel, const ike::Connection& connection) {
  if (connection.version == ike::IkeVersion::v2) return;
  const auto refuse = [&](const std::string& what) {
    tunnel.get("ike")->fail(messages::config_proof_not_in_ikev1, what);
  };
  if (connection.ppk) refuse("\"ppk\"");
  const bool ours = connection.local_auth.by_certificate(), theirs = connection.remote_auth.by_certificate();
  if (ours != theirs && connection.psk) refuse("\"auth\": \"certificate\" at one end alone");
  if (connection.aggressive && (ours || theirs)) refuse("\"auth\": \"certificate\" with \"aggressive\"");
  if (!ours) return;
  if (const auto type = connection.local_auth.private_key->type(); type != crypto::KeyType::rsa)
    refuse("a certificate with an " + std::string(crypto::name(type)) + " key");
}

}  // namespace

void read_tunnel(const std::string& name, const Node& node, Context& context) {
  const ErrorWatch watch(node);
  if (const std::string fault = tunnel_name_fault(name); !fault.empty()) node.fail(messages::config_bad_name, fault);
  const Object object(
      node, {"interface", "local", "remote", "psk_file", "ppk", "profile", "ike", "esp", "selectors", "children",
             "routes", "propagate", "bgp", "probe", "start", "outer_mtu", "path_mtu_discovery", "df"});
  Tunnel tunnel;
  Context::MtuPlaces places{.tunnel = name};
  tunnel.connection.name = name;
  tunnel.connection.children.front().name = name;
  read_interface(object, tunnel.interface, places, context);
  read_profile_and_start(object, tunnel);
  read_ends(object, node, tunnel, context);
  read_path(object, tunnel, places);
  read_ike(object, tunnel);
  check_proof(object, tunnel.connection);
  read_esp(object, tunnel);
  read_children(object, tunnel);
  read_tunnel_routes(object, node, tunnel, context);
  if (tunnel.interface.vrf.empty())
    read_propagation(object, tunnel.propagation);
  else if (const auto propagate = object.get("propagate"))
    refuse_propagation(*propagate);
  read_bgp(object, tunnel);
  read_probe(object, tunnel, context);
  if (!watch.clean()) context.faulty.insert(name);
  context.mtus.push_back(std::move(places));
  context.config.tunnels.emplace(name, std::move(tunnel));
}

}  // namespace sekisho::config
