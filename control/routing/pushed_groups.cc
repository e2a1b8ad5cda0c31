#include "control/routing/pushed_groups.h"

#include <algorithm>
#include <utility>

namespace sekisho::routing {
namespace {

// Several ways may have become the same next hop, for want of room or because the kernel takes all of them. In the
// order of the ways, not of the ids, which depend on what was there before.
std::vector<Share> shares_of(const Group& group, const PushedGroups::Member& member) {
  std::vector<Share> shares;
  std::map<ipc::NextHopId, size_t> places;
  for (const PlannedHop& hop : group) {
    const auto [place, added] = places.try_emplace(member(hop.next_hop), shares.size());
    if (added) shares.push_back({place->first, 0});
    shares[place->second].weight += hop.weight;
  }
  return shares;
}

// Plans of several VRFs may each have a group of the same ways.
bool same(const Group* a, const Group* b) { return a == b || (a && b && *a == *b); }

}  // namespace

PushedGroups::PushedGroups(uint16_t capacity) : capacity_(capacity) { forget(); }

void PushedGroups::forget() {
  entries_.clear();
  ids_.clear();
  without_room_.clear();
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
  without_room_.clear();
  for (const GroupPtr& group : groups) {
    const auto found = entries_.find(*group);
    if (found == entries_.end()) {
      without_room_.insert(*group);
      continue;
    }
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
  const Predecessors before = predecessors(plans, former);
  std::map<ipc::NextHopId, Entries::iterator> by_id;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) by_id.emplace(entry->second.id, entry);
  for (const GroupPtr& group : groups) {
    if (entries_.contains(*group)) continue;
    const auto found = before.find(group.get());
    const auto predecessor = found == before.end() ? by_id.end() : by_id.find(found->second.id);
    if (predecessor == by_id.end()) {
      add(*group, {});
    } else if (found->second.left_by_all && may_inherit(*group, *predecessor->second)) {
      inherit(*group, predecessor->second);
      by_id.erase(predecessor);
    } else {
      add(*group, predecessor->second->second.buckets);
    }
  }
}

// Both are in the order of VRFs and prefixes, and walked through side by side.
PushedGroups::Predecessors PushedGroups::predecessors(const Plans& plans, const Former& former) {
  struct Leaving {
    const Group* to = nullptr;
    bool all = true;
  };
  std::unordered_map<ipc::NextHopId, Leaving> leaving;
  Predecessors found;
  auto plan = plans.begin();
  using Routes = std::map<Prefix, PlannedRoute>;
  Routes::const_iterator route;
  if (plan != plans.end()) route = plan->second.routes.begin();
  for (const auto& [destination, id] : former) {
    const auto& [vrf, prefix] = destination;
    while (plan != plans.end() && plan->first < vrf)
      if (++plan != plans.end()) route = plan->second.routes.begin();
    const bool in_plan = plan != plans.end() && plan->first == vrf;
    if (in_plan)
      while (route != plan->second.routes.end() && route->first < prefix) ++route;
    if (!ipc::is_group(id)) continue;
    const bool stays = in_plan && route != plan->second.routes.end() && route->first == prefix;
    const Group* const to = stays ? route->second.group.get() : nullptr;
    const auto [known, first] = leaving.try_emplace(id, to);
    known->second.all &= same(known->second.to, to);
    if (to) found.try_emplace(to, Predecessor{id});
  }
  for (const auto& [id, left] : leaving)
    if (left.to && left.all)
      // The least, where several are: whatever the order in the table.
      if (Predecessor& best = found.at(left.to); !best.left_by_all || id < best.id) best = {id, true};
  return found;
}

bool PushedGroups::may_inherit(const Group& group, const Entries::value_type& predecessor) const {
  return predecessor.second.round != round_ && (in_clear(predecessor.first) || !in_clear(group));
}

// In the predecessor's place.
void PushedGroups::inherit(const Group& group, Entries::iterator predecessor) {
  Entry entry = predecessor->second;
  entry.round = round_;
  entry.shares.clear();
  entries_.erase(predecessor);
  entries_.emplace(group, std::move(entry));
}

void PushedGroups::add(const Group& group, const Buckets& before) {
  if (free_.empty()) return;
  entries_.emplace(group, Entry{.id = free_.front(), .buckets = before, .round = round_});
  free_.pop_front();
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
