#include "control/ike/connection_view.h"

#include <algorithm>

namespace sekisho::ike {
namespace {

std::string state(const ConnectionView& view, const ConnectionEntry& entry, const std::vector<IkeSaView>& sas) {
  const auto has_sa = [&](std::string_view wanted) {
    return std::ranges::any_of(sas,
                               [&](const IkeSaView& sa) { return sa.connection == view.name && sa.state == wanted; });
  };
  if (has_sa("established") || has_sa("rekeying"))
    return std::ranges::all_of(view.children, &ConnectionView::Child::up) ? "up" : "established";
  if (has_sa("connecting")) return "connecting";
  return entry.held_down ? "down" : "waiting";
}

}  // namespace

ConnectionView view(const ConnectionEntry& entry, const std::vector<IkeSaView>& sas) {
  ConnectionView result{.name = entry.connection->name,
                        .wanted = entry.wanted,
                        .attempts = entry.attempts,
                        .next_attempt = entry.attempt_at,
                        .last_failure = entry.last_failure,
                        .unproven_since = entry.unproven_since};
  for (const auto& [name, child] : entry.children)
    result.children.push_back({.name = name, .up = child.sends_on != 0, .next_attempt = child.attempt_at});
  result.state = state(result, entry, sas);
  return result;
}

}  // namespace sekisho::ike
