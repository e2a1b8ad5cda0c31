// The answers of `status` and `show` as JSON. Names carry their units (remaining_seconds, octets); what is not known is
// left out or null; times are relative to now, in seconds.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "control/rpc/operations.h"

namespace sekisho::rpc {

using nlohmann::json;

json status_view(const Operations& operations);

// As config::to_json(Error), with "age_seconds".
json to_json(const LastError& error, Instant now);

// An empty name selects all. MTUs, IKE and child SAs go by the name of their tunnel, neighbours by address or
// interface. Nothing where there is no such thing.
std::optional<json> tunnel_views(const Operations& operations, std::string_view name);
std::optional<json> mtu_views(const Operations& operations, std::string_view name);
std::optional<json> vrf_views(const Operations& operations, std::string_view name);
std::optional<json> group_views(const Operations& operations, std::string_view name);
std::optional<json> security_group_views(const Operations& operations, std::string_view name);
std::optional<json> ike_sa_views(const Operations& operations, std::string_view name);
std::optional<json> child_sa_views(const Operations& operations, std::string_view name);
std::optional<json> port_views(const Operations& operations, std::string_view name);
std::optional<json> neighbour_views(const Operations& operations, std::string_view name);
json counter_views(const Operations& operations);

}  // namespace sekisho::rpc
