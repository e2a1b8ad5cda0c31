#include "control/routing/pushed.h"

#include <utility>

#include "ipc/convert.h"

namespace sekisho::routing {
namespace {

constexpr NextHopKey punt{.kind = ipc::NextHopKind::punt};

ipc::NextHopSet to_command(ipc::NextHopId id, const NextHop& content) {
  return {.id = id, .kind = content.kind, .port = content.port, .tunnel = content.tunnel, .mac = content.mac.bytes};
}

}  // namespace

Pushed::Pushed(uint16_t capacity) : capacity_(capacity) { forget(); }

void Pushed::forget() {
  next_hops_.clear();
  routes_.clear();
  freed_.clear();
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

void Pushed::release_unused(const Plan& plan) {
  std::erase_if(next_hops_, [&](const auto& known) {
    if (known.first == punt || plan.next_hops.contains(known.first)) return false;
    freed_.push_back(known.second.id);
    return true;
  });
}

std::vector<RouteCommand> Pushed::advance(const Plan& plan) {
  std::vector<RouteCommand> commands;
  free_.insert(free_.end(), freed_.begin(), freed_.end());
  freed_.clear();
  had_room_ = std::exchange(overflow_, 0) == 0;
  // First of all the one that stands in for those that find no room.
  if (!next_hops_.contains(punt)) allocate(punt, {.kind = ipc::NextHopKind::punt}, commands);
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
  for (const auto& [prefix, route] : plan.routes) {
    const ipc::NextHopId id = id_for(route.next_hop);
    const auto [known, added] = routes_.try_emplace(prefix, id);
    if (!added && known->second == id) continue;
    known->second = id;
    commands.emplace_back(
        ipc::RouteSet{ipc::from_address(prefix.address()), static_cast<uint8_t>(prefix.length()), id});
  }
  std::erase_if(routes_, [&](const auto& known) {
    const Prefix& prefix = known.first;
    if (plan.routes.contains(prefix)) return false;
    commands.emplace_back(ipc::RouteRemove{ipc::from_address(prefix.address()), static_cast<uint8_t>(prefix.length())});
    return true;
  });
  release_unused(plan);
  return commands;
}

}  // namespace sekisho::routing
