// What the dataplane was told of next hops and routes, and how to get from there to another plan: NextHopIds are
// handed out, kept as long as their next hop is in use, and reused no earlier than a round after they were freed, so
// that within one transaction no route ever names a next hop that means something else already.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "control/routing/plan.h"
#include "control/routing/pushed_groups.h"
#include "ipc/schema.h"

namespace sekisho::routing {

// Of groups the message is large and there are few, of routes the other way round.
using GroupCommand = std::shared_ptr<const ipc::NextHopGroupSet>;
using RouteCommand = std::variant<ipc::NextHopSet, GroupCommand, ipc::RouteSet, ipc::RouteRemove>;

// Calls `visitor` with the message.
void visit_message(const RouteCommand& command, auto&& visitor) {
  std::visit(
      [&](const auto& particular) {
        if constexpr (requires { *particular; })
          visitor(*particular);
        else
          visitor(particular);
      },
      command);
}

class Pushed {
 public:
  // How many next hops there may be, drop's fixed 0 included.
  explicit Pushed(uint16_t capacity = ipc::max_next_hops, uint16_t groups = ipc::max_next_hop_groups);

  // The commands that lead to `plans`; from now on they count as pushed. They may be carried out in pieces, in their
  // order:
  //
  //   next hops, then groups of them, before the routes that use them
  //   routes into tunnels and to nowhere
  //   other routes, the longest prefixes first
  //   removals, a covering prefix before what it covers
  //
  // so that on the way from one plan to the next no packet leaves in clear that both keep from it. Where next hops run
  // out, the routes concerned are punted; where groups do, they take the first of their ways.
  std::vector<RouteCommand> advance(const Plans& plans);
  // Of a VRF's routes, which of the last advance()'s commands `from` there on has added.
  std::vector<Prefix> added(std::span<const RouteCommand> commands, size_t from, ipc::VrfId vrf) const;
  // Whether the dataplane may have routes of that VRF.
  bool has_routes(ipc::VrfId vrf) const;
  // The last advance()'s commands `from` there on were not carried out: the next advance() leads on from what was.
  void undo(std::span<const RouteCommand> commands, size_t from);
  // The dataplane knows nothing (any more): the next advance() names everything.
  void forget();
  // How many next hops and groups found no room in the last advance(), and whether all did before it.
  size_t overflow() const { return overflow_; }
  bool ran_out() const { return overflow_ > 0 && had_room_; }
  // Whether routes of that group take the first of its ways, for want of room in the last advance().
  bool lacks_room(const Group& group) const { return groups_.lacks_room(group); }

 private:
  struct Entry {
    ipc::NextHopId id;
    std::optional<NextHop> content;  // nothing: the dataplane was not told
  };
  bool allocate(const NextHopKey& key, const NextHop& content, std::vector<RouteCommand>& commands);
  void add_next_hops(const Plans& plans, std::vector<RouteCommand>& commands);
  void add_groups(const Plans& plans, std::vector<RouteCommand>& commands);
  void change_routes(const Plans& plans, std::vector<RouteCommand>& commands);
  ipc::NextHopId id_for(const NextHopKey& key) const;
  ipc::NextHopId id_for(const PlannedRoute& route) const;
  void release_unused(const Plans& plans);

  uint16_t capacity_;
  std::map<NextHopKey, Entry> next_hops_;
  PushedGroups groups_;
  std::map<Destination, ipc::NextHopId> routes_;
  std::vector<std::optional<ipc::NextHopId>> before_;  // by command of the last advance(): what a route led to
  std::deque<ipc::NextHopId> free_;
  std::vector<ipc::NextHopId> freed_;  // by the last round
  std::vector<ipc::NextHopId> held_;   // by a round that was undone: routes may lead to them still
  size_t overflow_ = 0;
  bool had_room_ = true;
};

}  // namespace sekisho::routing
