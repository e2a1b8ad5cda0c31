#include "control/routing/left_out.h"

#include "ipc/convert.h"

namespace sekisho::routing {
namespace {

bool from_frr(const Plan& plan, const Prefix& prefix) {
  const auto planned = plan.routes.find(prefix);
  return planned != plan.routes.end() && (planned->second.learnt || kernel::made_by_frr(planned->second.protocol));
}

}  // namespace

std::set<Prefix> without_room(const Prefix& failing, std::span<const RouteCommand> commands, const Plan& plan) {
  std::set<Prefix> found;
  for (const RouteCommand& command : commands) {
    const auto* set = std::get_if<ipc::RouteSet>(&command);
    if (!set) continue;
    const Prefix prefix(*ipc::to_address(set->prefix), set->length);
    if (prefix.family() == failing.family() && prefix.length() >= failing.length() && from_frr(plan, prefix))
      found.insert(prefix);
  }
  if (!found.empty()) return found;
  for (const auto& [prefix, route] : plan.routes)
    if (prefix.family() == failing.family() && from_frr(plan, prefix)) found.insert(prefix);
  return found;
}

}  // namespace sekisho::routing
