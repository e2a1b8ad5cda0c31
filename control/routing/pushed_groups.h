// The groups of next hops that the dataplane was told of. A group that takes another's place, because one of the ways
// of its routes went or came, takes over its id as well: one command then redirects all of these routes. It does so
// where every route that the dataplane has by that id is for this very group now, or else some would follow that are
// for something else and are told later; and not where it would bring packets into the clear that the other kept from
// it, for a longer prefix that is to keep them from it may be told later, too. Whether or not it takes over the id, it
// starts from the other's buckets, so that no more flows move than have to.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
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
  // `former` has all routes of the dataplane so far, with the ids that they lead to.
  using Member = std::function<ipc::NextHopId(const NextHopKey&)>;
  using Former = std::map<Destination, ipc::NextHopId>;
  std::vector<ipc::NextHopGroupSet> advance(const Plans& plans, const Member& member, const Former& former);
  // The dataplane did not take the command for this group.
  void untold(ipc::NextHopId id);
  // Nor all of the last advance()'s routes: some may lead to groups that are wanted no more.
  void hold_freed();
  // Of a group of the plans that were advanced to last; nothing where there was no room for it.
  std::optional<ipc::NextHopId> find(const GroupPtr& group) const;
  // Whether the last advance() found none for a group of these ways.
  bool lacks_room(const Group& group) const { return without_room_.contains(group); }

 private:
  struct Entry {
    ipc::NextHopId id;
    std::vector<Share> shares;
    Buckets buckets{};
    uint64_t round = 0;  // the last that wanted it
    bool told = false;   // the dataplane has these buckets
  };
  using Entries = std::map<Group, Entry>;

  // An id that some routes leave for a new group.
  struct Predecessor {
    ipc::NextHopId id;
    bool left_by_all = false;
  };
  using Predecessors = std::unordered_map<const Group*, Predecessor>;

  using Groups = std::vector<GroupPtr>;
  void mark_wanted(const Groups& groups);
  void add_new(const Groups& groups, const Plans& plans, const Former& former);
  static Predecessors predecessors(const Plans& plans, const Former& former);
  // Whether it can take over the other's id, which all routes leave for it.
  bool may_inherit(const Group& group, const Entries::value_type& predecessor) const;
  void inherit(const Group& group, Entries::iterator predecessor);
  void add(const Group& group, const Buckets& before);
  void release_unwanted();
  static bool update(Entry& entry, std::vector<Share> shares);

  uint16_t capacity_;
  Entries entries_;
  std::unordered_map<const Group*, ipc::NextHopId> ids_;  // of the last plans'
  std::set<Group> without_room_;
  std::deque<ipc::NextHopId> free_;
  std::vector<ipc::NextHopId> freed_;  // by the last round
  std::vector<ipc::NextHopId> held_;   // by a round that was undone
  uint64_t round_ = 0;
};

}  // namespace sekisho::routing
