// SKO-RTG: routes, neighbours, interfaces, the kernel.
#pragma once

#include "base/message.h"

namespace sekisho::messages {

inline constexpr Message netlink_failed{"SKO-RTG-001", Severity::error, "kernel refused a network change",
                                        "A netlink request was answered with an error; the detail names both.",
                                        "Check CAP_NET_ADMIN and that no other program owns the interface or route."};
inline constexpr Message static_route_unreachable{
    "SKO-RTG-002", Severity::error, "static route cannot be installed",
    "Its gateway lies in no network of an interface that is up, so the kernel would refuse the route. Packets for the "
    "prefix take other routes.",
    "Correct \"via\" or the port's \"addresses\"; `sekisho show port` shows whether the port is there."};

inline constexpr Message zebra_too_old{"SKO-RTG-010", Severity::error, "FRR is too old",
                                       "The zebra that answers is of a release whose messages are not spoken here.",
                                       "Install FRR 8.2 or later (Debian 12 has 8.4), and restart it."};
inline constexpr Message zebra_nonsense{
    "SKO-RTG-011", Severity::error, "message from zebra not understood",
    "A message from zebra does not have the form that its release's messages have; the session was ended and is begun "
    "again; the routes that were known stay until their hold time is over.",
    "Compare FRR's release with the supported ones in docs/routing.md; see zebra's own log."};
inline constexpr Message zebra_lost{
    "SKO-RTG-012", Severity::warning, "no session with zebra",
    "FRR's zebra cannot be reached, or has ended the session. The routes that it told stay until it is back, or until "
    "their hold time is over.",
    "See whether zebra runs (systemctl status frr), and whether its directory is the configured one."};
inline constexpr Message zebra_refuses{
    "SKO-RTG-013", Severity::warning, "zebra does not install a tunnel's route",
    "zebra finds the route's interface down or unknown, or the kernel refused it. It is told again and again.",
    "See `show ip route PREFIX` in vtysh, and that FRR runs in the same network namespace as this gateway."};

inline constexpr Message bgpd_silent{
    "SKO-RTG-014", Severity::error, "no answer from bgpd",
    "FRR's bgpd cannot be reached, closed the connection, or was too slow; the detail has which.",
    "See whether bgpd runs (systemctl status frr; bgpd=yes in /etc/frr/daemons), and whether FRR's directory is that "
    "of `sekisho-control --frr`."};
inline constexpr Message bgpd_nonsense{
    "SKO-RTG-015", Severity::error, "answer from bgpd not understood",
    "FRR's bgpd refused what it was asked, or said something else than the JSON that it is asked for.",
    "Ask the same in vtysh, and compare FRR's release with the supported ones in docs/routing.md."};
inline constexpr Message bgpd_verbose{
    "SKO-RTG-016", Severity::error, "answer from bgpd is too large",
    "FRR's bgpd has more to say than is read for one answer: 4 MiB, 20000 routes, the routes of 256 neighbours.",
    "Name one neighbour, or ask the same in vtysh."};
inline constexpr Message bgp_neighbour_unknown{"SKO-RTG-017", Severity::error, "bgpd has no such neighbour",
                                               "FRR's bgpd does not list it among the neighbours of its default VRF.",
                                               "Look the names up with `sekisho show bgp summary`."};

inline constexpr Message zebra_routes_left_out{
    "SKO-RTG-020", Severity::error, "more routes than there is room for",
    "zebra says more routes than the forwarding table holds. Those that came first stay, others are left out: their "
    "packets take a shorter prefix's way, or none. All are asked for again once enough of them are gone.",
    "See `sekisho status` and `show ip route summary` in vtysh; let neighbours announce less (maximum-prefix, prefix "
    "lists), or summarize."};

inline constexpr Message zebra_asked_anew{"SKO-RTG-021", Severity::info, "zebra is asked for all routes anew",
                                          "Some were left out (SKO-RTG-020), and there is room again.",
                                          "Nothing needs to be done."};

inline constexpr Message group_stands_in{
    "SKO-RTG-030", Severity::warning, "traffic of a group goes through a tunnel that stands in",
    "The tunnels of the group that come before it are not usable, wait out the hold-down, or wait for the operator.",
    "See `sekisho show group NAME`, and `sekisho explain tunnel NAME` for the tunnel that failed."};
inline constexpr Message group_without_tunnel{
    "SKO-RTG-031", Severity::error, "no tunnel of a group is usable",
    "All of them are down or do not answer their probes. Packets for the group's routes are dropped, never sent in "
    "clear.",
    "See `sekisho show group NAME`, and `sekisho explain tunnel NAME` for each of its tunnels."};
inline constexpr Message group_tunnel_unusable{
    "SKO-RTG-032", Severity::error, "tunnel cannot lead its group now",
    "The tunnel is down or does not answer its probe, or is none of the group's.",
    "Choose a tunnel that `sekisho show group NAME` shows as usable."};

inline constexpr Message group_carried_by_fewer{
    "SKO-RTG-034", Severity::warning, "not all tunnels of an active group carry its traffic",
    "The others are not usable, wait out the hold-down, or wait for the operator.",
    "See `sekisho show group NAME`, and `sekisho explain tunnel NAME` for a tunnel that failed."};

inline constexpr Message probe_unanswered{
    "SKO-RTG-033", Severity::error, "tunnel does not answer its probe",
    "Too many of the last echo requests through the tunnel had no answer in time. Its routes are taken back and its "
    "group leads through another tunnel; it stays established and is probed on.",
    "See whether the target answers (`ping -I INTERFACE TARGET`), and whether the peer has a way back through the same "
    "tunnel: an answer through another one does not count."};
inline constexpr Message bfd_session_down{
    "SKO-RTG-036", Severity::error, "BFD session of a tunnel's probe is not up",
    "FRR's bfdd says so; the detail has its diagnostic, \"control detection time expired\" where nothing came in any "
    "more, "
    "\"neighbor signaled session down\" where nothing arrives at the far end. The tunnel's routes are taken back and "
    "its "
    "group leads through another tunnel; it stays established.",
    "See `show bfd peers` in vtysh at both ends; whether ESP passes both ways, and UDP port 3784 within the tunnel."};
inline constexpr Message bfd_session_missing{"SKO-RTG-037", Severity::error, "bfdd has no session for a tunnel's probe",
                                             "The tunnel's probe goes by BFD, and FRR's bfdd lists no peer with the "
                                             "probe's target on the tunnel's interface. The "
                                             "tunnel is not usable without.",
                                             "In frr.conf: `bfd`, then `peer TARGET interface INTERFACE`; or, with a "
                                             "BGP session over the tunnel, `neighbor TARGET "
                                             "bfd`. `show bfd peers` in vtysh lists what there is."};
inline constexpr Message bfdd_silent{
    "SKO-RTG-038", Severity::warning, "no word from bfdd",
    "FRR's bfdd cannot be reached, was too slow, or said something else than sessions as they are asked for; the "
    "detail "
    "has which. What it said last holds for 5 s; after that tunnels whose probes go by BFD count as usable as if they "
    "had "
    "none, and dead peer detection remains.",
    "See whether bfdd runs (systemctl status frr; bfdd=yes in /etc/frr/daemons), and whether FRR's directory is that "
    "of "
    "`sekisho-control --frr`; compare FRR's release with the supported ones in docs/routing.md."};

inline constexpr Message vrf_unusable{
    "SKO-RTG-040", Severity::error, "network namespace of a VRF cannot be used",
    "There is no /run/netns/NAME, or it cannot be entered, or it is that of another VRF or of the gateway. The VRF's "
    "ports and tunnels carry nothing meanwhile; it is tried again every second.",
    "Make it with `ip netns add NAME`. Where it is there, give sekisho-control CAP_SYS_ADMIN at its start, which a "
    "child "
    "of it keeps for this alone."};

inline constexpr Message vrf_full{
    "SKO-RTG-041", Severity::error, "VRF has more routes than there is room for",
    "The forwarding table of a VRF has no room for all of its routes, and they are not FRR's, of which some would be "
    "left "
    "out. The VRF carries nothing meanwhile, so that all others go on; it is tried again every minute.",
    "Let the VRF have less routes, or give the dataplane more --memory; docs/datapath.md says how much room there is."};

inline constexpr Message twin_gone{
    "SKO-RTG-042", Severity::warning, "interface was taken away from under a port or tunnel",
    "The interface by which the kernel knows a port or tunnel is not there any more: somebody has deleted or renamed "
    "it, "
    "or deleted the network namespace that it was in. The port or tunnel is made again, a tunnel with new keys; where "
    "that happens over and over, after longer and longer pauses.",
    "Leave these interfaces to sekisho-control: see which program (udev, systemd-networkd, NetworkManager, a script) "
    "renames or deletes them, and have it ignore them."};

inline constexpr const Message* routing_messages[] = {&netlink_failed,
                                                      &static_route_unreachable,
                                                      &zebra_too_old,
                                                      &zebra_nonsense,
                                                      &zebra_lost,
                                                      &zebra_refuses,
                                                      &bgpd_silent,
                                                      &bgpd_nonsense,
                                                      &bgpd_verbose,
                                                      &bgp_neighbour_unknown,
                                                      &zebra_routes_left_out,
                                                      &zebra_asked_anew,
                                                      &group_stands_in,
                                                      &group_without_tunnel,
                                                      &group_tunnel_unusable,
                                                      &group_carried_by_fewer,
                                                      &probe_unanswered,
                                                      &bfd_session_down,
                                                      &bfd_session_missing,
                                                      &bfdd_silent,
                                                      &vrf_unusable,
                                                      &vrf_full,
                                                      &twin_gone};

}  // namespace sekisho::messages
