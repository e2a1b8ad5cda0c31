#include "control/routing/zserv/table.h"

#include <algorithm>

namespace sekisho::zserv {
namespace {

constexpr Duration staticd_returns = std::chrono::seconds(15);

}  // namespace

Table::Kind Table::kind(RouteType type) {
  switch (type) {
    case RouteType::system:
    case RouteType::kernel:
    case RouteType::connect:
    case RouteType::local:
      return of_links;
    case RouteType::static_route:
      return of_staticd;
    default:
      return of_protocols;
  }
}

void Table::freshen(Entry& entry) {
  if (entry.stale) --stale_;
  entry.stale = false;
}

bool Table::add(Route route) {
  const Family family = route.prefix.family();
  if (held_[at(family)] >= room(family) && kind(route.type) != of_links && !routes_.contains(route.prefix)) {
    ++left_out_[at(family)];
    return false;
  }
  const auto [found, added] = routes_.try_emplace(route.prefix);
  if (added) ++held_[at(family)];
  freshen(found->second);
  if (!added && found->second.route == route) return false;
  found->second.route = std::move(route);
  return true;
}

bool Table::remove(const Prefix& prefix) {
  const auto found = routes_.find(prefix);
  if (found == routes_.end()) return false;
  freshen(found->second);
  routes_.erase(found);
  --held_[at(prefix.family())];
  return true;
}

// Room for a sixteenth, so that a table at its limit is not filled anew for each route that goes.
bool Table::needs_dump() const {
  const auto due = [this](Family family) {
    return left_out_[at(family)] > 0 && held_[at(family)] + std::max<size_t>(room(family) / 16, 1) <= room(family);
  };
  return due(Family::ipv4) || due(Family::ipv6);
}

void Table::session_ended(Instant now) {
  for (auto& [prefix, entry] : routes_) entry.stale = true;
  stale_ = routes_.size();
  // Time runs from the first of several ends on: a zebra that cannot stay up holds nothing for ever.
  for (auto& at : sweep_at_) at = std::min(at.value_or(now + hold_), now + hold_);
}

bool Table::dump_ended(Instant now) {
  auto& statics = sweep_at_[of_staticd];
  if (statics) statics = std::min(*statics, now + staticd_returns);
  return drop_stale(of_links);
}

bool Table::sweep(Instant now) {
  bool changed = false;
  for (const Kind each : {of_links, of_staticd, of_protocols})
    if (sweep_at_[each] && now >= *sweep_at_[each]) changed |= drop_stale(each);
  return changed;
}

std::optional<Instant> Table::next_sweep() const {
  std::optional<Instant> next;
  for (const auto& at : sweep_at_)
    if (at) next = std::min(next.value_or(*at), *at);
  return next;
}

bool Table::drop_stale(Kind which) {
  sweep_at_[which].reset();
  if (stale_ == 0) return false;
  const size_t dropped = std::erase_if(routes_, [&](const auto& known) {
    const bool goes = known.second.stale && kind(known.second.route.type) == which;
    if (goes) --held_[at(known.first.family())];
    return goes;
  });
  stale_ -= dropped;
  return dropped > 0;
}

}  // namespace sekisho::zserv
