// How large a packet may be that goes into a tunnel, and why. It has to fit, once sealed, each of the SAs that the
// tunnel sends on (base/esp_size.h), on the way that each takes; the configuration may ask for less.
//
// The tunnels that carry the same routes at once have the least of what each would have alone: a packet that is too
// large is the kernel's, which would choose a tunnel by itself and not always the one that the packet's flow takes.
//
// What is known of the way is the MTU of the link that the route to the peer takes, and of the path behind it what the
// configuration says or, where that says nothing, what IKE has found: the largest datagram that the peer itself has
// answered to (control/ike/path_mtu.h). No ICMP message changes it: anybody can forge one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/esp_suite.h"
#include "control/ike/outer_way.h"
#include "ipc/schema.h"

namespace sekisho::control {

using ike::OuterWay;

// As configured; nothing: what fits.
struct MtuSettings {
  std::optional<uint16_t> mtu;        // of the tunnel
  std::optional<uint16_t> outer_mtu;  // of the path to the peer, where it is less than the link's
  bool path_mtu_discovery = true;     // IKE looks for it, where it is not given
  std::optional<uint16_t> mss;        // 0: TCP may announce what it likes
  ipc::DfPolicy df{};
  // What the SAs may turn out to be, for while there are none.
  std::vector<EspSuite> suites = {};
  bool maybe_in_udp = true;
};

// What an SA adds and where it goes. Without a way, Ethernet's MTU is assumed for the link.
struct Sealing {
  std::string child;  // the name of its definition
  EspSuite suite{};
  Family outer = Family::ipv4;  // of the addresses outside
  bool in_udp = false;
  std::optional<OuterWay> way;
  bool negotiated = true;                 // not: it may come to this
  std::optional<uint16_t> path_mtu = {};  // found by IKE
};

struct SealingMtu {
  Sealing sealing;
  uint16_t outer_mtu = 0;
  uint16_t largest = 0;  // inner packet
};

struct TunnelMtu {
  uint16_t mtu = 0;
  bool configured = false;               // the configuration asks for less than fits
  bool recalled = false;                 // no more than before control began anew
  uint16_t mss_ipv4 = 0, mss_ipv6 = 0;   // 0: not limited
  std::string mtu_of = {}, mss_of = {};  // the tunnel that carries the same routes and allows less; empty: none does
  std::vector<SealingMtu> sealings;
};

inline constexpr uint32_t assumed_outer_mtu = 1500;

// Every suite that may be negotiated, at its largest.
std::vector<Sealing> expected_sealings(const MtuSettings& settings, Family outer, const std::optional<OuterWay>& way,
                                       std::optional<uint16_t> path_mtu = {});

TunnelMtu tunnel_mtu(const MtuSettings& settings, std::vector<Sealing> sealings);

// No more than `mtu`, which an earlier control let in.
void recall(TunnelMtu& sizes, const MtuSettings& settings, uint16_t mtu);

// No more than that tunnel, `name`, allows. An MSS that is not limited stays so.
void lower_to(TunnelMtu& sizes, const std::string& name, const TunnelMtu& other);

}  // namespace sekisho::control
