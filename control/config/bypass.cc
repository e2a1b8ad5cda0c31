#include "control/config/bypass.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "control/config/prefix_map.h"

namespace sekisho::config {
namespace {

// The routes that lead into tunnels of the VRF, each with the name of its tunnel.
PrefixMap<std::string> tunnel_routes(const Config& config, const std::string& vrf) {
  PrefixMap<std::string> all;
  const auto add = [&all](const std::vector<Prefix>& routes, const std::string& owner) {
    for (const Prefix& prefix : routes) all.add(prefix, owner);
  };
  for (const auto& [name, tunnel] : config.tunnels)
    if (tunnel.interface.vrf == vrf) add(tunnel.routes, name);
  for (const auto& [name, group] : config.groups)
    if (vrf_of(config, group) == vrf) add(group.routes, group.tunnels.front());
  return all;
}

std::set<IpAddress> peers(const Config& config) {
  std::set<IpAddress> all;
  for (const auto& [name, tunnel] : config.tunnels)
    if (!tunnel.connection.remote.is_any()) all.insert(tunnel.connection.remote);
  return all;
}

struct Found {
  std::string first;
  size_t more = 0;
};

// Those of one table; `outside` are the peers that are found by it.
void find_in(const std::vector<Route>& routes, const PrefixMap<std::string>& into_tunnels,
             const std::set<IpAddress>& outside, ByName<Found>& found) {
  for (const Route& route : routes) {
    const auto* around = into_tunnels.longest(route.prefix.address(), route.prefix.length());
    if (!around) continue;
    const auto peer = outside.lower_bound(route.prefix.address());
    if (peer != outside.end() && route.prefix.contains(*peer)) continue;
    const auto [entry, first] = found.try_emplace(around->second);
    if (first)
      entry->second.first =
          fmt::format("{} by way of {}, within {}", route.prefix.text(), route.via.text(), around->first.text());
    else
      ++entry->second.more;
  }
}

}  // namespace

ByName<std::string> bypasses(const Config& config) {
  ByName<Found> found;
  find_in(config.routes, tunnel_routes(config, ""), peers(config), found);
  for (const auto& [name, vrf] : config.vrfs) find_in(vrf.routes, tunnel_routes(config, name), {}, found);
  ByName<std::string> texts;
  for (const auto& [tunnel, each] : found)
    texts[tunnel] = each.more == 0 ? each.first : fmt::format("{}; and {} more", each.first, each.more);
  return texts;
}

}  // namespace sekisho::config
