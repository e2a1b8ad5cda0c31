// Who is who in a scenario. All of it is fixed, so that a generator elsewhere can send the same packets:
//
//   hosts behind us        LAN  gateway  WAN          tunnel t         hosts behind the peer of tunnel t
//   10.64.0.0/10 + t /24 --- 0 ========== 1 --- 198.19.0.0/16 + t --- 10.128.0.0/10 + t /24
//   fd00:1::/32 + t /48         198.18.0.1                            fd00:2::/32 + t /48
//
// "+ t" counts in the last bits of the tunnel's own prefix: tunnel 257 joins 10.65.1.0/24 and 10.129.1.0/24, and its
// peer is 198.19.1.1. 198.18.0.0/15 is set apart for benchmarks (RFC 2544, RFC 6890).
//
// Ports answer to the MACs 02:00:00:00:00:01 (LAN) and :02 (WAN), whatever their devices say.
#pragma once

#include <array>
#include <cstdint>

#include "base/address.h"
#include "ipc/schema.h"

namespace sekisho::dataplane::bench {

inline constexpr ipc::PortId lan_port{0}, wan_port{1};

constexpr MacAddress port_mac(ipc::PortId port) { return {{2, 0, 0, 0, 0, static_cast<uint8_t>(port.value() + 1)}}; }
// What stands behind a port: hosts and routers.
inline constexpr unsigned neighbours = 16;
constexpr MacAddress neighbour_mac(ipc::PortId port, unsigned neighbour) {
  return {{2, 0, 0, 0, static_cast<uint8_t>(port.value() + 1), static_cast<uint8_t>(neighbour)}};
}

inline const IpAddress gateway_address = IpAddress::v4(Be32(0xc6120001));
inline IpAddress peer_address(unsigned tunnel) { return IpAddress::v4(Be32(0xc6130000 + tunnel)); }

// The prefix of a tunnel on our side or on the peer's, and a host in it.
enum class Side : uint8_t { ours, peers };
Prefix tunnel_net(Side side, Family family, unsigned tunnel);
Prefix all_tunnel_nets(Side side, Family family);
IpAddress host_in(const Prefix& net);

}  // namespace sekisho::dataplane::bench
