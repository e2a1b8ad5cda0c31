#include "control/routing/zserv/resolve.h"

#include <algorithm>

#include "control/routing/zserv/codec.h"

namespace sekisho::zserv {
namespace {

// Real ones need two or three steps; routes that lead to each other would need more than any number.
constexpr unsigned max_depth = 8;
// Of all look-ups together, beside one for each route: several ways at each step multiply.
constexpr size_t spare_steps = 4096;

uint64_t product(uint64_t a, uint64_t b) {
  return std::min<uint64_t>(a, UINT32_MAX) * std::min<uint64_t>(b, UINT32_MAX);
}

}  // namespace

std::vector<Way> Resolver::ways(const Route& route) { return follow(route, 0); }

const Route* Resolver::covering(const IpAddress& gateway) const {
  for (unsigned length = gateway.bits(); length > 0; --length) {
    const auto found = table_.routes().find(Prefix(gateway, length));
    if (found != table_.routes().end() && !found->second.route.source) return &found->second.route;
  }
  return nullptr;
}

std::vector<Way> Resolver::follow(const Route& route, unsigned depth) {
  std::vector<Way> result;
  for (const NextHop& hop : route.next_hops) {
    if (hop.blackhole) continue;
    if (hop.link != 0) {
      result.push_back({hop.link, hop.gateway, hop.weight});
    } else if (hop.gateway) {
      for (Way way : ways_to(*hop.gateway, depth)) {
        way.weight = product(way.weight, hop.weight);
        result.push_back(way);
      }
    }
    if (result.size() >= max_next_hops) break;
  }
  if (result.size() > max_next_hops) result.resize(max_next_hops);
  return result;
}

std::vector<Way> Resolver::ways_to(const IpAddress& gateway, unsigned depth) {
  // What was found on the way to another gateway may have been cut short there.
  if (const auto known = known_.find(gateway); known != known_.end()) return known->second;
  if (depth == max_depth || ++steps_ > spare_steps + 2 * table_.routes().size()) return {};
  const Route* route = covering(gateway);
  if (!route) return {};
  std::vector<Way> found = follow(*route, depth + 1);
  for (Way& way : found)
    if (!way.via) way.via = gateway;
  if (depth == 0) known_.emplace(gateway, found);
  return found;
}

}  // namespace sekisho::zserv
