// SKO-DPL: the data plane and the channel to it.
#pragma once

#include "base/message.h"

namespace sekisho::messages {

inline constexpr Message channel_peer_violation{
    "SKO-DPL-001", Severity::error, "channel peer broke the protocol",
    "The other process wrote an index, length, type or version that cannot be right; it was disconnected.",
    "Run the same version of both daemons; if they are, report this message with the detail."};

inline constexpr Message channel_version_differs{
    "SKO-DPL-002", Severity::error, "daemons of different versions",
    "sekisho-control and sekisho-dataplane speak different versions of their common protocol.",
    "Install both from one release and restart the older one."};
inline constexpr Message channel_not_opened{
    "SKO-DPL-003", Severity::error, "no channel to the other daemon",
    "The other daemon did not answer, or it closed the connection before both had introduced themselves.",
    "See whether the other daemon runs and what it logs; the connection is tried again."};

inline constexpr Message dpdk_start_failed{
    "SKO-DPL-010", Severity::error, "DPDK did not start",
    "DPDK's environment layer refused its arguments, or did not get the memory or processors it wants.",
    "Read DPDK's own lines above; try --no-huge, a smaller --memory, or fewer --workers."};
inline constexpr Message no_hugepages{
    "SKO-DPL-011", Severity::warning, "running without hugepages",
    "The machine has fewer free hugepages than the memory asked for, so ordinary pages are used, which is slower.",
    "Reserve hugepages (sysctl vm.nr_hugepages=256 gives 512 MB), or pass --no-huge if this is as intended."};
inline constexpr Message port_unusable{
    "SKO-DPL-012", Severity::error, "port cannot be used",
    "DPDK found no such device, refused its arguments, or cannot run it as configured.",
    "Check the port's device string, that its interface exists and is up, and the MTU; the detail names the step."};
inline constexpr Message twin_failed{
    "SKO-DPL-013", Severity::error, "kernel twin interface cannot be made",
    "The kernel refused to create or configure the TAP or TUN that stands for a port or tunnel.",
    "Check that no other interface has this name, that /dev/net/tun exists, and CAP_NET_ADMIN."};
inline constexpr Message command_refused{
    "SKO-DPL-014", Severity::error, "command of control refused",
    "A command holds a value out of range, or refers to something that does not exist.",
    "Run the same version of both daemons; the detail names the field."};
inline constexpr Message control_busy{"SKO-DPL-015", Severity::warning, "second control refused",
                                      "A control process is connected already, and there can be only one.",
                                      "Stop the other sekisho-control, or give this one another dataplane's socket."};
inline constexpr Message control_connected{"SKO-DPL-016", Severity::info, "control connected",
                                           "A control process took over this dataplane.", "Nothing is to be done."};
inline constexpr Message control_lost{
    "SKO-DPL-017", Severity::warning, "control is gone",
    "The control process ended or closed its connection. Forwarding goes on with the tables as they are.",
    "Start sekisho-control again if that was not intended; security associations end at their hard limits."};
inline constexpr Message transaction_refused{"SKO-DPL-018", Severity::warning, "transaction refused",
                                             "One command of a transaction could not be carried out, so none was.",
                                             "The detail names the command and the reason; control reports it too."};

inline constexpr Message packet_memory_exhausted{
    "SKO-DPL-020", Severity::error, "packet memory exhausted",
    "The memory that DPDK manages for packets, rings and tables has no room for another object.",
    "Start sekisho-dataplane with a larger --memory, with --vrfs where there are VRFs, or with fewer ports and "
    "workers."};

inline constexpr Message sa_refused{
    "SKO-DPL-021", Severity::error, "security association refused",
    "The description of the security association is one that the data plane cannot work with.",
    "See the detail; if both daemons have the same version, report this message."};

inline constexpr Message route_refused{
    "SKO-DPL-022", Severity::error, "route or next hop refused",
    "A route names a next hop that was not described, or an id, prefix or length that cannot be.",
    "See the detail; if both daemons have the same version, report this message."};

inline constexpr Message forwarding_table_full{
    "SKO-DPL-023", Severity::error, "forwarding table full",
    "The forwarding table has no room for another route, or for another group of prefixes longer than /24. Where it is "
    "FRR that fills it, its newest routes are left out, and tried again every minute.",
    "Summarize routes, let neighbours announce less, or start sekisho-dataplane with a larger --memory."};

inline constexpr Message next_hops_exhausted{
    "SKO-DPL-025", Severity::warning, "no room for another next hop",
    "There are more neighbours and tunnels than the forwarding table has next hops: packets to the others go "
    "through the kernel, which is slower. Or there are more sets of ways that routes share packets out to than it has "
    "groups: the routes of the others take one way of theirs.",
    "Put a router between this gateway and so many hosts, divide the tunnels among several gateways, or let fewer sets "
    "of neighbours announce the same prefixes."};

inline constexpr Message dataplane_silent{
    "SKO-DPL-026", Severity::error, "dataplane does not respond",
    "It is connected, and has not answered control for more than 10 s: the process is stopped, or gets no processor.",
    "Look at the process (its state in ps, its log), and restart it if it does not go on."};

inline constexpr Message crypto_unavailable{
    "SKO-DPL-024", Severity::error, "ESP cannot be computed that way",
    "intel-ipsec-mb was asked for, but the processor has no AES instructions, or the build is without it (not x86).",
    "Start sekisho-dataplane without --crypto, for the fastest that is available, or with --crypto openssl."};

inline constexpr const Message* dataplane_messages[] = {
    &channel_peer_violation,
    &channel_version_differs,
    &channel_not_opened,
    &dpdk_start_failed,
    &no_hugepages,
    &port_unusable,
    &twin_failed,
    &command_refused,
    &control_busy,
    &control_connected,
    &control_lost,
    &transaction_refused,
    &packet_memory_exhausted,
    &sa_refused,
    &route_refused,
    &forwarding_table_full,
    &next_hops_exhausted,
    &dataplane_silent,
    &crypto_unavailable,
};

}  // namespace sekisho::messages
