// What the kernel's network configuration looks like to control: plain data, as rtnetlink describes it.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace sekisho::kernel {

struct Link {
  int index = 0;
  std::string name;
  bool up = false;  // administratively (IFF_UP)
  uint32_t mtu = 0;
  std::optional<MacAddress> mac;

  bool operator==(const Link&) const = default;
};

struct LinkAddress {
  int link = 0;
  InterfaceAddress address;

  friend auto operator<=>(const LinkAddress&, const LinkAddress&) = default;
};

enum class RouteType : uint8_t { unicast, local, broadcast, multicast, blackhole, unreachable, other };

// One way of a route: out of a link, to a gateway or, without one, to whoever is addressed on that link. The kernel
// does not use it while the link is down: that is seen by the link, for the kernel is silent when it comes up.
struct Hop {
  int link = 0;
  std::optional<IpAddress> via;
  uint32_t weight = 1;  // of several, how much of the traffic is its part

  bool operator==(const Hop&) const = default;
};

// The tables that are mirrored (RT_TABLE_MAIN, RT_TABLE_LOCAL).
inline constexpr uint32_t main_table = 254;
inline constexpr uint32_t local_table = 255;

// RTPROT_ of the routes that control makes, by which a restarted control knows its own. /etc/iproute2/rt_protos leaves
// 94 free.
inline constexpr uint8_t own_protocol = 94;

// Who makes routes with that protocol number: "kernel", "static", "dhcp", "bgp", ...; empty where that is not known.
std::string_view protocol_name(uint8_t protocol);
// zebra gives that number to routes that it installs for itself or for another daemon of FRR.
bool made_by_frr(uint8_t protocol);

// What tells routes to one prefix apart.
struct RouteKey {
  uint32_t table = 0;
  Prefix prefix;
  uint8_t tos = 0;
  uint32_t metric = 0;

  friend auto operator<=>(const RouteKey&, const RouteKey&) = default;
};

struct Route {
  RouteKey key;
  RouteType type = RouteType::unicast;
  uint8_t protocol = 0;          // RTPROT_*: who made it
  std::vector<Hop> hops;         // none where only the kernel can tell the way
  uint32_t next_hop_object = 0;  // `ip nexthop`, by whose id the route was made; 0: none

  bool operator==(const Route&) const = default;
};

// `ip nexthop`: hops that routes refer to. The kernel spells them out with each route; a change or an end of one may
// change routes about which it says nothing.
struct NextHopObject {
  uint32_t id = 0;

  bool operator==(const NextHopObject&) const = default;
};

enum class NeighbourState : uint8_t { none, incomplete, reachable, stale, delay, probe, failed, noarp, permanent };
std::string_view name(NeighbourState state);  // "reachable"

struct NeighbourKey {
  int link = 0;
  IpAddress address;

  friend auto operator<=>(const NeighbourKey&, const NeighbourKey&) = default;
};

struct Neighbour {
  NeighbourKey key;
  NeighbourState state = NeighbourState::none;
  std::optional<MacAddress> mac;

  // Its MAC may be used to send: states REACHABLE, STALE, DELAY, PROBE and PERMANENT (RFC 4861 section 7.3.2).
  bool usable() const;
  bool operator==(const Neighbour&) const = default;
};

// All of it at one moment. IPv6 has several routes of one key where they leave by different links (fe80::/64).
struct State {
  std::map<int, Link> links;
  std::set<LinkAddress> addresses;
  std::map<RouteKey, std::vector<Route>> routes;
  std::map<NeighbourKey, Neighbour> neighbours;
  std::map<uint32_t, size_t> next_hop_objects;  // by how many of the routes each is used, where it is by any

  const Link* find_link(std::string_view name) const;
};

}  // namespace sekisho::kernel
