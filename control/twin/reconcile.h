// What the kernel's configuration of the twins is to be, and which changes lead there from what it is. A pure function
// of both, computed anew whenever either changes, so it does not matter who upset what: a twin that appears late, a
// link whose end took its routes along, an address that somebody removed.
//
// Of addresses only those are removed that control itself put there; of routes every one that carries control's own
// protocol number and is not wanted any more, also those of an earlier control. Guards are blackholes behind the routes
// of a tunnel: they stay while it is down, so nothing that belongs into the tunnel ever follows a default route.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "control/kernel/configurator.h"
#include "control/kernel/objects.h"

namespace sekisho::control {

// Metrics of control's own routes. FRR installs at 20, DHCP clients at 100 and more. zebra takes the upper eight bits
// of another program's metric for a distance: 0, which nothing surpasses, 254, and 255, which is never used.
inline constexpr uint32_t tunnel_route_metric = 10;
inline constexpr uint32_t static_route_metric = 15;
// Of a tunnel's routes that zebra is told of: behind what zebra makes of them, and there when it is gone.
inline constexpr uint32_t spare_route_metric = 4261412864;
inline constexpr uint32_t guard_metric = 4294967294;

// Of each way of an IPv6 route through several VTIs: the kernel takes none without a gateway there, and zebra (8.4)
// shares ways without one between IPv4 and IPv6, which the kernel refuses. Through a VTI nobody is asked for it, so any
// address on the link serves; it should only not be an own one.
inline const IpAddress any_gateway = *IpAddress::parse("fe80::5e:c150");

struct TwinSpec {
  std::vector<InterfaceAddress> addresses;
  bool up = false;
  std::optional<uint16_t> mtu = {};  // nothing: the dataplane sees to it, as far as it sees the interface
  std::vector<Prefix> routes;        // out of it while it is up
  // zebra installs the routes, and what stands here is spare; but where another program has one to the same prefix,
  // zebra would prefer that one, so there the tunnel's stands before it as ever.
  bool behind_zebra = false;
  // Likewise where zebra has a route by that protocol's name (kernel::protocol_name()) out of the same interfaces,
  // which it has from before; empty: it has none of ours.
  std::string_view behind_protocol = {};
};

// Of a group of tunnels: out of the twins of those that carry, each with its share.
struct GroupRoutes {
  struct Way {
    std::string twin;
    uint16_t weight = 1;
  };
  std::vector<Way> ways;
  std::vector<Prefix> routes;
  bool behind_zebra = false;
  std::string_view behind_protocol = {};
};

struct StaticRoute {
  Prefix prefix;
  IpAddress via;
};

// Of one VRF.
struct KernelSpec {
  std::map<std::string, TwinSpec> twins;
  std::vector<StaticRoute> routes;
  std::vector<Prefix> guards;
  std::vector<GroupRoutes> groups;
  // Twins that belong to another VRF, by its name; they are found here when they have just been made.
  std::map<std::string, std::string> elsewhere;
};

struct MoveLink {
  int link;
  std::string name, vrf;
};
struct SetMtu {
  int link;
  uint16_t mtu;
};
struct AddAddress {
  int link;
  InterfaceAddress address;
};
struct RemoveAddress {
  int link;
  InterfaceAddress address;
};
struct SetLink {
  int link;
  bool up;
};
struct SetRoute {
  kernel::RouteSpec route;
};
struct RemoveRoute {
  kernel::RouteSpec route;
};
using KernelChange = std::variant<MoveLink, SetMtu, AddAddress, RemoveAddress, SetLink, SetRoute, RemoveRoute>;

// Addresses by twin, as control put them there.
using OwnAddresses = std::map<std::string, std::set<InterfaceAddress>>;

// In an order that the kernel accepts: guards before anything may go, links up before routes by them and down after. A
// route that gets another link is replaced, so there is no moment without it.
std::vector<KernelChange> reconcile(const KernelSpec& wanted, const OwnAddresses& own, const kernel::State& kernel);

// Those of the wanted static routes that reconcile() leaves out against the wish: the gateway is in no network of an
// interface that is up, nor of a twin that is not to be up, as that of a tunnel that is down.
std::vector<StaticRoute> unreachable_routes(const KernelSpec& wanted, const kernel::State& kernel);

// `space_of` is the network namespace of a VRF.
Result<void> carry_out(kernel::Configurator& configurator, const KernelChange& change,
                       const std::function<int(const std::string& vrf)>& space_of);

}  // namespace sekisho::control
