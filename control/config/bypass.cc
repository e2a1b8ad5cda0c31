#include "control/config/bypass.h"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace sekisho::config {
namespace {

class TunnelRoutes {
 public:
  TunnelRoutes(const Config& config, const std::string& vrf) {
    for (const auto& [name, tunnel] : config.tunnels)
      if (tunnel.interface.vrf == vrf) add(tunnel.routes, name);
    for (const auto& [name, group] : config.groups)
      if (vrf_of(config, group) == vrf) add(group.routes, group.tunnels.front());
  }

  // The longest one that is shorter than `prefix` and covers it, with its tunnel; nullptr where there is none.
  const std::pair<const Prefix, std::string>* around(const Prefix& prefix) const {
    const std::pair<const Prefix, std::string>* best = nullptr;
    for (const auto& [family, length] : lengths_) {
      if (family != prefix.family() || length >= prefix.length()) continue;
      if (const auto found = owners_.find(Prefix(prefix.address(), length)); found != owners_.end()) best = &*found;
    }
    return best;
  }

 private:
  void add(const std::vector<Prefix>& routes, const std::string& owner) {
    for (const Prefix& prefix : routes) {
      owners_.emplace(prefix, owner);
      lengths_.emplace(prefix.family(), prefix.length());
    }
  }

  std::map<Prefix, std::string> owners_;
  std::set<std::pair<Family, unsigned>> lengths_;  // that there are; the longest last
};

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
void find_in(const std::vector<Route>& routes, const TunnelRoutes& tunnel_routes, const std::set<IpAddress>& outside,
             ByName<Found>& found) {
  for (const Route& route : routes) {
    const auto* around = tunnel_routes.around(route.prefix);
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
  find_in(config.routes, TunnelRoutes(config, ""), peers(config), found);
  for (const auto& [name, vrf] : config.vrfs) find_in(vrf.routes, TunnelRoutes(config, name), {}, found);
  ByName<std::string> texts;
  for (const auto& [tunnel, each] : found)
    texts[tunnel] = each.more == 0 ? each.first : fmt::format("{}; and {} more", each.first, each.more);
  return texts;
}

}  // namespace sekisho::config
