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
      return Kind::of_links;
    case RouteType::static_route:
      return Kind::of_staticd;
    default:
      return Kind::of_protocols;
  }
}

void Table::freshen(Entry& entry) {
  if (entry.stale_since) --stale_;
  entry.stale_since.reset();
  if (stale_ == 0) oldest_.reset();
}

bool Table::add(Route route) {
  const Family family = route.prefix.family();
  if (held_[at(family)] >= room(family) && kind(route.type) != Kind::of_links && !routes_.contains(route.prefix)) {
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
  // What no session has said again since an earlier end is stale since then: a zebra that cannot stay up holds nothing
  // for ever.
  for (auto& [prefix, entry] : routes_) entry.stale_since = entry.stale_since.value_or(now);
  stale_ = routes_.size();
  if (stale_ > 0) oldest_ = oldest_.value_or(now);
  staticd_is_back_.reset();
}

bool Table::dump_ended(Instant now) {
  staticd_is_back_ = now + staticd_returns;
  return drop_stale([](const Entry& entry) { return kind(entry.route.type) == Kind::of_links; });
}

bool Table::sweep(Instant now) {
  const bool statics = staticd_is_back_ && now >= *staticd_is_back_;
  if (statics) staticd_is_back_.reset();
  return drop_stale([&](const Entry& entry) {
    return now >= *entry.stale_since + hold_ || (statics && kind(entry.route.type) == Kind::of_staticd);
  });
}

std::optional<Instant> Table::next_sweep() const {
  if (!oldest_) return {};
  const Instant held = *oldest_ + hold_;
  return staticd_is_back_ ? std::min(held, *staticd_is_back_) : held;
}

template <typename Condition>
bool Table::drop_stale(const Condition& goes) {
  if (stale_ == 0) return false;
  oldest_.reset();
  const size_t dropped = std::erase_if(routes_, [&](const auto& known) {
    const auto& [prefix, entry] = known;
    if (!entry.stale_since) return false;
    if (!goes(entry)) {
      oldest_ = std::min(oldest_.value_or(*entry.stale_since), *entry.stale_since);
      return false;
    }
    --held_[at(prefix.family())];
    return true;
  });
  stale_ -= dropped;
  return dropped > 0;
}

}  // namespace sekisho::zserv
