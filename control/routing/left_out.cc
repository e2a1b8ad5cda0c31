#include "control/routing/left_out.h"

#include <algorithm>
#include <tuple>
#include <vector>

namespace sekisho::routing {
namespace {

bool from_frr(const PlannedRoute& route) { return route.learnt || kernel::made_by_frr(route.protocol); }

}  // namespace

std::set<Prefix> without_room(const Prefix& failing, std::span<const Prefix> added, const Plan& plan) {
  std::set<Prefix> found;
  for (const Prefix& prefix : added) {
    const auto planned = plan.routes.find(prefix);
    if (prefix.family() == failing.family() && prefix.length() >= failing.length() && planned != plan.routes.end() &&
        from_frr(planned->second))
      found.insert(prefix);
  }
  return found;
}

std::set<Prefix> to_make_room(Family family, const Plan& plan) {
  std::vector<std::tuple<bool, unsigned, Prefix>> candidates;  // the last ones go first
  for (const auto& [prefix, route] : plan.routes)
    if (prefix.family() == family && from_frr(route))
      candidates.emplace_back(route.next_hop.kind != ipc::NextHopKind::drop, prefix.length(), prefix);
  std::ranges::sort(candidates);
  const size_t count = candidates.empty() ? 0 : candidates.size() / 16 + 1;
  std::set<Prefix> found;
  for (size_t i = candidates.size() - count; i < candidates.size(); ++i) found.insert(std::get<Prefix>(candidates[i]));
  return found;
}

}  // namespace sekisho::routing
