// The routes as the dataplane is to see them: the kernel's, whoever put them there (the operator, control itself), and
// those of routing protocols, by zebra's word. This is a pure function of both and of which links are twins of the
// dataplane's ports and tunnels.
//
//   route out of a port, by a gateway   -> adjacency with the gateway's MAC; while it is unresolved: punt
//   route out of a port, on the link    -> punt, and a host route with an adjacency for each neighbour that has a MAC
//   route out of a tunnel's twin        -> tunnel
//   local address                       -> local
//   blackhole, unreachable, prohibit    -> drop
//   anything else (another interface, broadcast, multicast) -> punt: the kernel forwards it
//
// Of several routes to a prefix the local table's wins, then that of a routing protocol, then the kernel's with the
// lowest metric; one without a usable hop counts for nothing. A route with several hops shares its packets out to those
// of them that are usable, by weight.
//
// What a routing protocol's routes are, zebra knows before the kernel does, and still knows when a zebra that was
// started anew has swept the kernel. So while zebra's word is known, what FRR has put into the kernel is not looked at;
// while it is not, the kernel is what there is. Connected routes and those that others made are always the kernel's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "control/kernel/objects.h"
#include "control/routing/zserv/table.h"
#include "ipc/schema.h"

namespace sekisho::routing {

// What names a next hop for as long as any route needs it. What it does may change meanwhile: a gateway that is
// resolved or moves to another MAC changes one next hop and no route.
struct NextHopKey {
  ipc::NextHopKind kind = ipc::NextHopKind::drop;  // drop, local, punt, adjacency (a gateway or neighbour), tunnel
  ipc::PortId port;                                // adjacency
  IpAddress address;                               // adjacency
  ipc::TunnelId tunnel;                            // tunnel

  friend auto operator<=>(const NextHopKey&, const NextHopKey&) = default;
};

// What it does now.
struct NextHop {
  ipc::NextHopKind kind = ipc::NextHopKind::drop;
  ipc::PortId port;
  ipc::TunnelId tunnel;
  MacAddress mac;

  friend auto operator<=>(const NextHop&, const NextHop&) = default;
};

// One of several ways of a route.
struct PlannedHop {
  NextHopKey next_hop;
  int link = 0;
  std::optional<IpAddress> via;
  uint32_t weight = 1;

  friend auto operator<=>(const PlannedHop&, const PlannedHop&) = default;
};

// In order, each way once. One alone is left where the others are not usable: what the routes point to stays the same
// thing, and only that changes, however many they are.
using Group = std::vector<PlannedHop>;
using GroupPtr = std::shared_ptr<const Group>;

// A route and where it comes from, for those who look at it.
struct PlannedRoute {
  NextHopKey next_hop;  // of a group, the first one's
  int link = 0;         // 0: none
  std::optional<IpAddress> via;
  uint32_t metric = 0;
  uint8_t protocol = 0;  // RTPROT_*, of the kernel's routes
  struct Learnt {
    zserv::RouteType type{};
    uint8_t distance = 0;
  };
  std::optional<Learnt> learnt;  // of zebra's
  bool neighbour = false;        // the host route of a resolved neighbour
  GroupPtr group;                // where the route has several hops; one of the plan's

  // Whether any of its packets may leave other than through a tunnel.
  bool in_clear() const;
};

// The same of a group.
bool in_clear(const Group& group);

struct Plan {
  std::map<Prefix, PlannedRoute> routes;
  std::map<NextHopKey, NextHop> next_hops;
  std::vector<GroupPtr> groups;  // no two alike
  // Gateways that some route needs and the kernel has not resolved: nobody but the caller makes it try.
  std::vector<kernel::NeighbourKey> unresolved;
};

// Where a route leads, of all VRFs.
struct Destination {
  ipc::VrfId vrf;
  Prefix prefix;

  friend auto operator<=>(const Destination&, const Destination&) = default;
};

// Of all VRFs. A next hop that is a port's or a tunnel's is in one of them only.
using Plans = std::map<ipc::VrfId, Plan>;

// Twins by interface name.
using Attachment = std::variant<ipc::PortId, ipc::TunnelId>;
using Attachments = std::map<std::string, Attachment, std::less<>>;

// `learnt` is nullptr while zebra's word is not known. Of what FRR has brought, to zebra or to the kernel, there is no
// route to a prefix in `left_out`.
Plan plan_routes(const kernel::State& kernel, const Attachments& attachments, const zserv::Table* learnt = nullptr,
                 const std::set<Prefix>& left_out = {});

// The route that the plan takes for an address, or nullptr.
const std::pair<const Prefix, PlannedRoute>* find_route(const Plan& plan, const IpAddress& address);

}  // namespace sekisho::routing
