#include "control/routing/pushed.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

#include "ipc/convert.h"

namespace sekisho::routing {
namespace {

constexpr NextHopKey punt{.kind = ipc::NextHopKind::punt};

ipc::NextHopSet to_command(ipc::NextHopId id, const NextHop& content) {
  return {.id = id, .kind = content.kind, .port = content.port, .tunnel = content.tunnel, .mac = content.mac.bytes};
}

}  // namespace

Pushed::Pushed(uint16_t capacity, uint16_t groups) : capacity_(capacity), groups_(groups) { forget(); }

void Pushed::forget() {
  next_hops_.clear();
  groups_.forget();
  routes_.clear();
  before_.clear();
  freed_.clear();
  held_.clear();
  free_.clear();
  overflow_ = 0;
  for (uint16_t id = 1; id < capacity_; ++id) free_.emplace_back(id);
}

bool Pushed::allocate(const NextHopKey& key, const NextHop& content, std::vector<RouteCommand>& commands) {
  if (free_.empty()) return false;
  const ipc::NextHopId id = free_.front();
  free_.pop_front();
  next_hops_.emplace(key, Entry{id, content});
  commands.emplace_back(to_command(id, content));
  return true;
}

ipc::NextHopId Pushed::id_for(const NextHopKey& key) const {
  if (key.kind == ipc::NextHopKind::drop) return ipc::NextHopId(0);
  auto found = next_hops_.find(key);
  if (found == next_hops_.end()) found = next_hops_.find(punt);
  return found->second.id;
}

ipc::NextHopId Pushed::id_for(const PlannedRoute& route) const {
  const auto group = route.group ? groups_.find(route.group) : std::nullopt;
  return group ? *group : id_for(route.next_hop);
}

void Pushed::release_unused(const Plans& plans) {
  std::erase_if(next_hops_, [&](const auto& known) {
    const auto uses = [&](const auto& each) { return each.second.next_hops.contains(known.first); };
    if (known.first == punt || std::ranges::any_of(plans, uses)) return false;
    freed_.push_back(known.second.id);
    return true;
  });
}

void Pushed::change_routes(const Plans& plans, std::vector<RouteCommand>& commands) {
  struct Step {
    ipc::RouteSet set;
    std::optional<ipc::NextHopId> before;
  };
  std::vector<Step> sealed;
  std::array<std::vector<Step>, 129> others;  // by length
  std::vector<std::pair<Destination, ipc::NextHopId>> gone;
  // Both in the same order, they are gone through side by side.
  auto known = routes_.begin();
  const auto take_away = [&] {
    gone.emplace_back(*known);
    known = routes_.erase(known);
  };
  for (const auto& [vrf, plan] : plans)
    for (const auto& [prefix, route] : plan.routes) {
      const Destination destination{vrf, prefix};
      while (known != routes_.end() && known->first < destination) take_away();
      const ipc::NextHopId id = id_for(route);
      std::optional<ipc::NextHopId> before;
      if (known != routes_.end() && known->first == destination) {
        before = std::exchange(known++->second, id);
        if (before == id) continue;
      } else {
        routes_.emplace_hint(known, destination, id);
      }
      (route.in_clear() ? others[prefix.length()] : sealed)
          .push_back({{ipc::from_address(prefix.address()), static_cast<uint8_t>(prefix.length()), vrf, id}, before});
    }
  while (known != routes_.end()) take_away();
  before_.assign(commands.size(), std::nullopt);
  const auto take = [&](const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      commands.emplace_back(step.set);
      before_.push_back(step.before);
    }
  };
  take(sealed);
  for (const auto& same_length : std::views::reverse(others)) take(same_length);
  for (const auto& [destination, id] : gone) {
    const auto& [vrf, prefix] = destination;
    commands.emplace_back(
        ipc::RouteRemove{ipc::from_address(prefix.address()), static_cast<uint8_t>(prefix.length()), vrf});
    before_.push_back(id);
  }
}

void Pushed::undo(std::span<const RouteCommand> commands, size_t from) {
  const auto destination = [](const auto& command) {
    return Destination(command.vrf, Prefix(*ipc::to_address(command.prefix), command.length));
  };
  for (size_t i = from; i < commands.size(); ++i) {
    if (const auto* hop = std::get_if<ipc::NextHopSet>(&commands[i])) {
      for (auto& [key, entry] : next_hops_)
        if (entry.id == hop->id) entry.content.reset();
    } else if (const auto* group = std::get_if<GroupCommand>(&commands[i])) {
      groups_.untold((*group)->id);
    } else if (const auto* removal = std::get_if<ipc::RouteRemove>(&commands[i])) {
      routes_[destination(*removal)] = *before_.at(i);
    } else if (const auto& set = std::get<ipc::RouteSet>(commands[i]); before_.at(i)) {
      routes_[destination(set)] = *before_[i];
    } else {
      routes_.erase(destination(set));
    }
  }
  held_.insert(held_.end(), freed_.begin(), freed_.end());
  freed_.clear();
  groups_.hold_freed();
}

bool Pushed::has_routes(ipc::VrfId vrf) const {
  const auto first = routes_.lower_bound({vrf, Prefix(IpAddress::any(Family::ipv4), 0)});
  return first != routes_.end() && first->first.vrf == vrf;
}

std::vector<Prefix> Pushed::added(std::span<const RouteCommand> commands, size_t from, ipc::VrfId vrf) const {
  std::vector<Prefix> prefixes;
  for (size_t i = from; i < commands.size(); ++i)
    if (const auto* set = std::get_if<ipc::RouteSet>(&commands[i]); set && set->vrf == vrf && !before_.at(i))
      prefixes.emplace_back(*ipc::to_address(set->prefix), set->length);
  return prefixes;
}

std::vector<RouteCommand> Pushed::advance(const Plans& plans) {
  std::vector<RouteCommand> commands;
  free_.insert(free_.end(), freed_.begin(), freed_.end());
  freed_ = std::exchange(held_, {});
  had_room_ = std::exchange(overflow_, 0) == 0;
  add_next_hops(plans, commands);
  add_groups(plans, commands);
  change_routes(plans, commands);
  release_unused(plans);
  return commands;
}

void Pushed::add_next_hops(const Plans& plans, std::vector<RouteCommand>& commands) {
  // First of all the one that stands in for those that find no room.
  if (!next_hops_.contains(punt)) allocate(punt, {.kind = ipc::NextHopKind::punt}, commands);
  for (const auto& [vrf, plan] : plans)
    for (const auto& [key, content] : plan.next_hops) {
      if (key.kind == ipc::NextHopKind::drop) continue;
      const auto known = next_hops_.find(key);
      if (known == next_hops_.end()) {
        overflow_ += !allocate(key, content, commands);
      } else if (known->second.content != content) {
        known->second.content = content;
        commands.emplace_back(to_command(known->second.id, content));
      }
    }
}

void Pushed::add_groups(const Plans& plans, std::vector<RouteCommand>& commands) {
  const auto member = [this](const NextHopKey& key) { return id_for(key); };
  for (const ipc::NextHopGroupSet& group : groups_.advance(plans, member, routes_))
    commands.emplace_back(std::make_shared<const ipc::NextHopGroupSet>(group));
  for (const auto& [vrf, plan] : plans)
    for (const GroupPtr& group : plan.groups) overflow_ += !groups_.find(group);
}

}  // namespace sekisho::routing
