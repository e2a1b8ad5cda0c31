#include "control/routing/left_out.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <vector>

namespace sekisho::routing {

std::optional<Destination> failing_destination(std::string_view detail) {
  constexpr std::string_view between = " in VRF ";
  const size_t end = detail.find(between);
  const auto prefix = Prefix::parse(detail.substr(0, end));
  if (!prefix) return {};
  if (end == std::string_view::npos) return Destination{ipc::front_door, *prefix};
  const std::string_view number = detail.substr(end + between.size());
  uint8_t vrf = 0;
  const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), vrf);
  if (error != std::errc{} || rest != number.data() + number.size() || vrf >= ipc::max_vrfs) return {};
  return Destination{ipc::VrfId(vrf), *prefix};
}
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
