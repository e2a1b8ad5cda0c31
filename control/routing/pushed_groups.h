// The groups of next hops that the dataplane was told of. A group that takes another's place, because one of the ways
// of its routes went or came, takes over its id as well: one command then redirects all of these routes. Whether or not
// it takes over the id, it starts from the other's buckets, so that no more flows move than have to. It does not take
// over the id where it would bring packets into the clear that the other kept from it: routes to which the other leads
// may be for something else by now, and are told later.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "control/routing/buckets.h"
#include "control/routing/plan.h"
#include "ipc/schema.h"

namespace sekisho::routing {

class PushedGroups {
 public:
  explicit PushedGroups(uint16_t capacity);
  void forget();

  // The commands that lead to the plans' groups. Their next hops are known by then: `member` tells their ids, and
  // `former` the id that a route points to so far, if any.
  using Member = std::function<ipc::NextHopId(const NextHopKey&)>;
  using Former = std::function<std::optional<ipc::NextHopId>(ipc::VrfId, const Prefix&)>;
  std::vector<ipc::NextHopGroupSet> advance(const Plans& plans, const Member& member, const Former& former);
  // The dataplane did not take the command for this group.
  void untold(ipc::NextHopId id);
  // Nor all of the last advance()'s routes: some may lead to groups that are wanted no more.
  void hold_freed();
  // Of a group of the plans that were advanced to last; nothing where there was no room for it.
  std::optional<ipc::NextHopId> find(const GroupPtr& group) const;

 private:
  struct Entry {
    ipc::NextHopId id;
    std::vector<Share> shares;
    Buckets buckets{};
    uint64_t round = 0;  // the last that wanted it
    bool told = false;   // the dataplane has these buckets
  };
  using Entries = std::map<Group, Entry>;

  using Groups = std::vector<GroupPtr>;
  void mark_wanted(const Groups& groups);
  void add_new(const Groups& groups, const Plans& plans, const Former& former);
  std::unordered_map<const Group*, ipc::NextHopId> predecessors(const Groups& groups, const Plans& plans,
                                                                const Former& former) const;
  // Whether it can take over the other's id.
  bool may_inherit(const Group& group, const Entries::value_type& predecessor) const;
  void add(const Group& group, Entries::iterator predecessor);
  void release_unwanted();
  static bool update(Entry& entry, std::vector<Share> shares);

  uint16_t capacity_;
  Entries entries_;
  std::unordered_map<const Group*, ipc::NextHopId> ids_;  // of the last plans'
  std::deque<ipc::NextHopId> free_;
  std::vector<ipc::NextHopId> freed_;  // by the last round
  std::vector<ipc::NextHopId> held_;   // by a round that was undone
  uint64_t round_ = 0;
};

}  // namespace sekisho::routing
