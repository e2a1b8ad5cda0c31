// A route as zebra and its clients tell each other.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.h"
#include "control/routing/zserv/dialect.h"

namespace sekisho::zserv {

// What becomes of packets that have nowhere to go.
enum class Blackhole : uint8_t { unspecified, drop, reject, prohibit };

struct NextHop {
  std::optional<IpAddress> gateway;  // nothing: whoever is addressed on the link
  uint32_t link = 0;                 // interface index; 0: found by looking the gateway up (a recursive next hop)
  std::optional<Blackhole> blackhole;
  uint64_t weight = 1;   // share of the traffic next to the other hops of the route
  bool on_link = false;  // the gateway is on the link, whatever its address

  friend bool operator==(const NextHop&, const NextHop&) = default;
};

struct Route {
  RouteType type = RouteType::system;
  Prefix prefix;
  // For packets from there only (RFC 9079), where that is not everywhere.
  std::optional<Prefix> source;
  std::vector<NextHop> next_hops;  // empty where they are of a kind that is not known here; distance to tag are 0 then
  uint8_t distance = 0;
  uint32_t metric = 0;
  uint32_t tag = 0;

  friend bool operator==(const Route&, const Route&) = default;
};

}  // namespace sekisho::zserv
