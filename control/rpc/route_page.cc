#include "control/rpc/route_page.h"

#include <algorithm>
#include <string>

#include "control/rpc/sa_views.h"

namespace sekisho::rpc {
namespace {

using nlohmann::json;

std::string_view word(ipc::NextHopKind kind) {
  switch (kind) {
    case ipc::NextHopKind::drop:
      return "drop";
    case ipc::NextHopKind::local:
      return "local";
    case ipc::NextHopKind::punt:
      return "punt";
    case ipc::NextHopKind::adjacency:
      return "adjacency";
    case ipc::NextHopKind::tunnel:
      return "tunnel";
    case ipc::NextHopKind::group:
      return "multipath";
  }
  return "";
}

json hop_views(const RouteView& route) {
  json hops = json::array();
  for (const HopView& hop : route.hops)
    hops.push_back({{"action", word(hop.kind)},
                    {"interface", text_or_null(hop.interface)},
                    {"via", hop.via ? json(hop.via->text()) : json()},
                    {"weight", hop.weight}});
  return hops;
}

json route_view(const RouteView& route) {
  return {{"vrf", text_or_null(route.vrf)},
          {"prefix", route.prefix.text()},
          {"action", word(route.kind)},
          {"interface", text_or_null(route.interface)},
          {"via", route.via ? json(route.via->text()) : json()},
          {"hops", hop_views(route)},
          {"metric", route.metric ? json(*route.metric) : json()},
          {"distance", route.distance ? json(*route.distance) : json()},
          {"origin", route.origin}};
}

// By its VRF, or an interface that it leads out of.
bool goes_by(const RouteView& route, std::string_view name) {
  return name.empty() || name == route.vrf || name == route.interface ||
         std::ranges::find(route.hops, name, &HopView::interface) != route.hops.end();
}

}  // namespace

std::optional<RoutePlace> parse_route_place(const json& value) {
  if (!value.is_object() || value.size() != 2) return {};
  const auto vrf = value.find("vrf"), text = value.find("prefix");
  if (vrf == value.end() || !vrf->is_string() || text == value.end() || !text->is_string()) return {};
  const auto prefix = Prefix::parse(text->get<std::string>());
  if (!prefix) return {};
  return RoutePlace{vrf->get<std::string>(), *prefix};
}

std::optional<json> route_page(const Operations& operations, std::string_view name,
                               const std::optional<RoutePlace>& after) {
  json page = {{"routes", json::array()}, {"next", nullptr}};
  json& list = page["routes"];
  const auto address = IpAddress::parse(name);
  if (const auto prefix = Prefix::parse(name); prefix) {
    for (const RouteView& route : address ? operations.routes_taken_by(*address) : operations.routes_to(*prefix))
      list.push_back(route_view(route));
    if (list.empty()) return {};
    return page;
  }
  // What goes away between two pages has no routes any more.
  if (!after && !name.empty() && !operations.running().vrfs.contains(name) && !operations.has_interface(name))
    return {};
  const auto [routes, last] = operations.routes(after, route_page_size);
  for (const RouteView& route : routes)
    if (goes_by(route, name)) list.push_back(route_view(route));
  if (!last) page["next"] = {{"vrf", routes.back().vrf}, {"prefix", routes.back().prefix.text()}};
  return page;
}

}  // namespace sekisho::rpc
