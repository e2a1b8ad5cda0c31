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

inline constexpr Message packet_memory_exhausted{
    "SKO-DPL-020", Severity::error, "packet memory exhausted",
    "The memory that DPDK manages for packets, rings and tables has no room for another object.",
    "Start sekisho-dataplane with a larger --memory, or with fewer ports and workers."};

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
    "The forwarding table has no room for another route, or for another group of prefixes longer than /24.",
    "Summarize routes, or start sekisho-dataplane with a larger --memory."};

inline constexpr const Message* dataplane_messages[] = {
    &channel_peer_violation, &channel_version_differs, &channel_not_opened, &packet_memory_exhausted, &sa_refused,
    &route_refused,          &forwarding_table_full,
};

}  // namespace sekisho::messages
