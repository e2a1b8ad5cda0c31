// What control changes in the kernel. Each call is idempotent: what is there already, or gone already, is no error.
// Requires CAP_NET_ADMIN. Interfaces are named by index; the mirror knows them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/message.h"
#include "control/kernel/netlink.h"
#include "control/kernel/objects.h"

namespace sekisho::kernel {

// A route in the main table.
struct RouteSpec {
  Prefix prefix;
  uint32_t metric = 0;
  int link = 0;                  // unused with blackhole and ways
  std::optional<IpAddress> via;  // none: on the link
  bool blackhole = false;
  std::vector<Hop> ways;  // several, of weights from 1 to 256; of IPv6 each by a gateway
};

class Configurator {
 public:
  // With a socket, for the network namespace in which it was opened.
  static Result<Configurator> open(UniqueFd given = {});

  Result<void> add_address(int link, const InterfaceAddress& address);
  Result<void> remove_address(int link, const InterfaceAddress& address);
  Result<void> set_up(int link, bool up);
  Result<void> set_mtu(int link, uint32_t mtu);
  // Into another network namespace, where it is down, has no addresses, and perhaps another index.
  // `what` is for an error.
  Result<void> move(int link, int space, const std::string& what);
  // Adds the route or replaces the one with the same prefix and metric.
  Result<void> set_route(const RouteSpec& route);
  Result<void> remove_route(const RouteSpec& route);
  // Makes the kernel resolve a neighbour, or confirm one that is stale, as if a packet had been sent to it.
  Result<void> probe(const NeighbourKey& neighbour);

 private:
  explicit Configurator(Netlink netlink) : netlink_(std::move(netlink)) {}
  Result<void> carry_out(Request& request, int tolerated, std::string_view what);

  Netlink netlink_;
};

// Makes the interface forward packets of both families, with a loose reverse path check (RFC 3704 section 2.4), since
// paths through tunnels may be asymmetric.
Result<void> enable_forwarding(std::string_view interface);
// IPv6 is forwarded only where the whole namespace does so (net.ipv6.conf.all.forwarding).
Result<void> enable_ipv6_forwarding();

}  // namespace sekisho::kernel
