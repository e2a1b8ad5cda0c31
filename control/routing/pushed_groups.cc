#include "control/routing/pushed_groups.h"

#include <algorithm>
#include <utility>

namespace sekisho::routing {
namespace {

// Several ways may have become the same next hop, for want of room or because the kernel takes all of them.
std::vector<Share> shares_of(const Group& group, const PushedGroups::Member& member) {
  std::map<ipc::NextHopId, uint32_t> weights;
  for (const PlannedHop& hop : group) weights[member(hop.next_hop)] += hop.weight;
  std::vector<Share> shares;
  for (const auto& [next_hop, weight] : weights) shares.push_back({next_hop, weight});
  return shares;
}

}  // namespace

PushedGroups::PushedGroups(uint16_t capacity) : capacity_(capacity) { forget(); }

void PushedGroups::forget() {
  entries_.clear();
  ids_.clear();
  freed_.clear();
  held_.clear();
  free_.clear();
  for (uint16_t i = 0; i < capacity_; ++i) free_.push_back(ipc::group_id(i));
}

std::optional<ipc::NextHopId> PushedGroups::find(const GroupPtr& group) const {
  const auto found = ids_.find(group.get());
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<ipc::NextHopGroupSet> PushedGroups::advance(const Plans& plans, const Member& member,
                                                        const Former& former) {
  free_.insert(free_.end(), freed_.begin(), freed_.end());
  freed_ = std::exchange(held_, {});
  ++round_;
  Groups groups;
  for (const auto& [vrf, plan] : plans) groups.insert(groups.end(), plan.groups.begin(), plan.groups.end());
  mark_wanted(groups);
  add_new(groups, plans, former);
  std::vector<ipc::NextHopGroupSet> commands;
  ids_.clear();
  for (const GroupPtr& group : groups) {
    const auto found = entries_.find(*group);
    if (found == entries_.end()) continue;
    ids_.emplace(group.get(), found->second.id);
    if (update(found->second, shares_of(*group, member)))
      commands.push_back({.id = found->second.id, .buckets = found->second.buckets});
  }
  release_unwanted();
  return commands;
}

void PushedGroups::mark_wanted(const Groups& groups) {
  for (const GroupPtr& group : groups)
    if (const auto found = entries_.find(*group); found != entries_.end()) found->second.round = round_;
}

void PushedGroups::add_new(const Groups& groups, const Plans& plans, const Former& former) {
  const bool all_known =
      std::ranges::all_of(groups, [this](const GroupPtr& group) { return entries_.contains(*group); });
  if (all_known) return;
  const auto before = predecessors(groups, plans, former);
  std::map<ipc::NextHopId, Entries::iterator> by_id;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) by_id.emplace(entry->second.id, entry);
  for (const GroupPtr& group : groups) {
    if (entries_.contains(*group)) continue;
    const auto id = before.find(group.get());
    const auto predecessor = id == before.end() ? by_id.end() : by_id.find(id->second);
    if (predecessor == by_id.end()) {
      add(*group, entries_.end());
      continue;
    }
    const bool inherits = may_inherit(*group, *predecessor->second);
    add(*group, predecessor->second);
    // Whoever comes next finds it under its new name.
    if (inherits) predecessor->second = entries_.find(*group);
  }
}

// For each new group, one that a route of its points to.
std::unordered_map<const Group*, ipc::NextHopId> PushedGroups::predecessors(const Groups& groups, const Plans& plans,
                                                                            const Former& former) const {
  std::unordered_map<const Group*, std::optional<ipc::NextHopId>> wanted;
  for (const GroupPtr& group : groups)
    if (!entries_.contains(*group)) wanted.emplace(group.get(), std::nullopt);
  std::unordered_map<const Group*, ipc::NextHopId> found;
  for (const auto& [vrf, plan] : plans)
    for (const auto& [prefix, route] : plan.routes) {
      if (found.size() == wanted.size()) return found;
      if (!route.group || !wanted.contains(route.group.get()) || found.contains(route.group.get())) continue;
      if (const auto id = former(vrf, prefix); id && ipc::is_group(*id)) found.emplace(route.group.get(), *id);
    }
  return found;
}

bool PushedGroups::may_inherit(const Group& group, const Entries::value_type& predecessor) const {
  return predecessor.second.round != round_ && (in_clear(predecessor.first) || !in_clear(group));
}

// In the predecessor's place where it may be, else beside it.
void PushedGroups::add(const Group& group, Entries::iterator predecessor) {
  Entry entry{.round = round_};
  if (predecessor != entries_.end()) entry.buckets = predecessor->second.buckets;
  if (predecessor != entries_.end() && may_inherit(group, *predecessor)) {
    entry.id = predecessor->second.id;
    entry.told = predecessor->second.told;
    entries_.erase(predecessor);
  } else {
    if (free_.empty()) return;
    entry.id = free_.front();
    free_.pop_front();
  }
  entries_.emplace(group, std::move(entry));
}

// Whether the dataplane has to be told.
bool PushedGroups::update(Entry& entry, std::vector<Share> shares) {
  if (entry.shares != shares) {
    const Buckets before = std::exchange(entry.buckets, share_out(shares, entry.buckets));
    entry.told = entry.told && entry.buckets == before;
    entry.shares = std::move(shares);
  }
  return !std::exchange(entry.told, true);
}

void PushedGroups::untold(ipc::NextHopId id) {
  for (auto& [group, entry] : entries_)
    if (entry.id == id) entry.told = false;
}

void PushedGroups::hold_freed() {
  held_.insert(held_.end(), freed_.begin(), freed_.end());
  freed_.clear();
}

void PushedGroups::release_unwanted() {
  std::erase_if(entries_, [this](const auto& known) {
    if (known.second.round == round_) return false;
    freed_.push_back(known.second.id);
    return true;
  });
}

}  // namespace sekisho::routing
