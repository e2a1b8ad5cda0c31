// Below 1280 octets the kernel takes no IPv6 address or route on an interface (RFC 8200 section 5). A tunnel's MTU is
// what its configuration allows, and what the proposals leave of the path's at their worst until it is known which one
// it is; the tunnels of an active group all have that of the least. What a link leaves is not known here.
#include <fmt/format.h>

#include <algorithm>

#include "base/esp_size.h"
#include "base/messages/config.h"
#include "control/config/sections.h"

namespace sekisho::config {
namespace {

std::string ipv6_in(const std::vector<Prefix>& routes) {
  const auto found = std::ranges::find(routes, Family::ipv6, &Prefix::family);
  return found == routes.end() ? "" : "route " + found->text();
}

// What of the tunnel's own is IPv6; empty: nothing.
std::string own_ipv6(const Tunnel& tunnel) {
  for (const InterfaceAddress& each : tunnel.interface.addresses)
    if (!each.address.is_v4()) return "address " + each.text();
  return ipv6_in(tunnel.routes);
}

// The same with what it carries of its group, or decides for the others of that.
std::string ipv6_of(const std::string& name, const Tunnel& tunnel, const Config& config) {
  if (std::string own = own_ipv6(tunnel); !own.empty()) return own;
  const auto* group = group_of(config, name);
  if (!group) return {};
  if (const std::string route = ipv6_in(group->second.routes); !route.empty())
    return route + " of group " + group->first;
  if (group->second.mode != Group::Mode::active) return {};
  for (const std::string& other : group->second.tunnels)
    if (const auto found = config.tunnels.find(other); found != config.tunnels.end())
      if (const std::string theirs = own_ipv6(found->second); !theirs.empty())
        return fmt::format("{} of tunnel {}, which has no larger MTU than the others of group {}", theirs, other,
                           group->first);
  return {};
}

uint16_t least_left(const Tunnel& tunnel, uint16_t outer_mtu) {
  const ike::Connection& connection = tunnel.connection;
  uint16_t least = UINT16_MAX;
  for (const ike::ChildDefinition& child : connection.children)
    for (const ike::EspProposal& proposal : child.esp_proposals)
      least = std::min(least, largest_inner(proposal.suite, connection.local.family(),
                                            connection.encapsulation != ike::Encapsulation::off, outer_mtu));
  return least;
}

}  // namespace

void check_ipv6_fits(const Context& context) {
  for (const auto& [name, mtu, outer_mtu] : context.mtus) {
    if (!mtu && !outer_mtu) continue;
    const Tunnel& tunnel = context.config.tunnels.at(name);
    const std::string ipv6 = ipv6_of(name, tunnel, context.config);
    if (ipv6.empty()) continue;
    if (mtu && *tunnel.interface.mtu < least_ipv6_mtu)
      mtu->fail(messages::config_out_of_range,
                fmt::format("{} is below {}, which IPv6 needs: {}", *tunnel.interface.mtu, least_ipv6_mtu, ipv6));
    if (!outer_mtu) continue;
    if (const uint16_t least = least_left(tunnel, *tunnel.outer_mtu); least < least_ipv6_mtu)
      outer_mtu->fail(messages::config_out_of_range,
                      fmt::format("{} may leave {} octets within the tunnel, below {}, which IPv6 needs: {}",
                                  *tunnel.outer_mtu, least, least_ipv6_mtu, ipv6));
  }
}

}  // namespace sekisho::config
