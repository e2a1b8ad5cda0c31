// The answer of `route.show`: of a table that may have a million routes a page at a time, so that nothing else that the
// daemon has to do waits for all of it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "control/rpc/operations.h"

namespace sekisho::rpc {

// How many routes and ways of routes one page looks at: some milliseconds.
inline constexpr size_t route_page_size = 1000;

// The place behind which a page begins: {"vrf", "prefix"}, as the "next" of the page before it has it.
std::optional<RoutePlace> parse_route_place(const nlohmann::json& value);

// {"routes", "next"}: of the routes behind `after` those that go by the name; an empty name selects all. "next" is null
// with the last page; another one may have few routes or none. By a prefix, an interface or a VRF, or by an address:
// then the longest match of each VRF. Nothing where there is no such thing.
std::optional<nlohmann::json> route_page(const Operations& operations, std::string_view name,
                                         const std::optional<RoutePlace>& after);

}  // namespace sekisho::rpc
