#include "control/routing/bgp/view.h"

#include <algorithm>
#include <array>

#include "base/messages/routing.h"
#include "control/routing/vty/answer.h"

namespace sekisho::bgp {
namespace {

using vty::member;
using vty::number;
using vty::text;

constexpr std::array<std::pair<const char*, Family>, 2> families = {
    {{"ipv4Unicast", Family::ipv4}, {"ipv6Unicast", Family::ipv6}}};

std::string_view word(Family family) { return family == Family::ipv4 ? "ipv4" : "ipv6"; }

// What bgpd says has some twenty values a route, on some six levels.
constexpr vty::AnswerLimits limits{.values = 20 * max_routes, .levels = 32};

Result<json> parsed(std::string_view text) {
  auto document = vty::parse_answer(text, limits, faults);
  if (document && !document->is_object()) return fail(faults.nonsense, "no JSON object");
  return document;
}

json neighbour_view(const std::string& name, Family family, const json& peer) {
  const json uptime = number(peer, "peerUptimeMsec");
  return {{"neighbour", name},
          {"family", word(family)},
          {"remote_as", number(peer, "remoteAs")},
          {"state", text(peer, "state")},
          {"up_seconds", uptime.is_null() ? json() : json(uptime.get<uint64_t>() / 1000)},
          {"received", number(peer, "pfxRcd")},
          {"sent", number(peer, "pfxSnt")}};
}

// The next hop that is used, of a global and a link-local one.
json received_next_hop(const json& path) {
  const json& hops = member(path, "nexthops");
  json first;
  if (!hops.is_array()) return first;
  for (const json& hop : hops) {
    if (member(hop, "used") == true) return text(hop, "ip");
    if (first.is_null()) first = text(hop, "ip");
  }
  return first;
}

json advertised_next_hop(const json& path) {
  for (const char* key : {"nextHop", "nextHopGlobal"})
    if (json hop = text(path, key); !hop.is_null()) return hop;
  return {};
}

// Said in a word (10.3), or by the letter that bgpd's tables have (8.4).
json origin(const json& path) {
  if (json said = text(path, "origin"); !said.is_null()) return said;
  const json letter = text(path, "bgpOriginCode");
  if (letter == "i") return "IGP";
  if (letter == "e") return "EGP";
  if (letter == "?") return "incomplete";
  return {};
}

json path_view(View view, const Neighbour& neighbour, const std::string& prefix, const json& path) {
  const json& symbols = member(path, "appliedStatusSymbols");
  const bool best = member(path, "bestpath") == true || member(path, "best") == true || member(symbols, ">") == true;
  return {{"neighbour", neighbour.name},
          {"family", word(neighbour.family)},
          {"prefix", prefix},
          {"next_hop", view == View::received ? received_next_hop(path) : advertised_next_hop(path)},
          {"as_path", text(path, "path")},
          {"origin", origin(path)},
          {"metric", number(path, "metric")},
          {"local_preference", number(path, "locPrf")},
          {"best", best}};
}

}  // namespace

std::optional<View> parse_view(std::string_view text) {
  if (text == "summary") return View::summary;
  if (text == "received") return View::received;
  if (text == "advertised") return View::advertised;
  return {};
}

bool is_neighbour_name(std::string_view text) {
  constexpr size_t longest = 45;  // of an IPv6 address
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == ':' ||
           c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= longest && text.front() != '-' && std::ranges::all_of(text, allowed);
}

std::string question(View view, const Neighbour& neighbour) {
  return "show bgp " + std::string(word(neighbour.family)) + " unicast neighbors " + neighbour.name +
         (view == View::received ? " routes json" : " advertised-routes json");
}

Result<json> summary_view(std::string_view text) {
  const auto document = parsed(text);
  if (!document) return std::unexpected(document.error());
  json list = json::array();
  for (const auto& [key, family] : families) {
    const json& peers = member(member(*document, key), "peers");
    if (!peers.is_object()) continue;
    if (list.size() + peers.size() > max_neighbours)
      return fail(messages::bgpd_verbose, "more than " + std::to_string(max_neighbours) + " neighbours");
    for (const auto& [name, peer] : peers.items())
      if (is_neighbour_name(name)) list.push_back(neighbour_view(name, family, peer));
  }
  return list;
}

std::vector<Neighbour> established(const json& summary) {
  std::vector<Neighbour> neighbours;
  for (const json& each : summary)
    if (each["state"] == "Established")
      neighbours.push_back({each["neighbour"], each["family"] == "ipv4" ? Family::ipv4 : Family::ipv6});
  return neighbours;
}

Result<void> add_routes(json& list, View view, const Neighbour& neighbour, std::string_view text) {
  const auto document = parsed(text);
  if (!document) return std::unexpected(document.error());
  const json& routes = member(*document, view == View::received ? "routes" : "advertisedRoutes");
  if (!routes.is_object()) return {};
  for (const auto& [prefix, said] : routes.items()) {
    if (!Prefix::parse(prefix)) continue;
    // One path, or a list of them.
    if (list.size() + (said.is_array() ? said.size() : 1) > max_routes)
      return fail(messages::bgpd_verbose, "more than " + std::to_string(max_routes) + " routes");
    if (said.is_array())
      for (const json& path : said) list.push_back(path_view(view, neighbour, prefix, path));
    else
      list.push_back(path_view(view, neighbour, prefix, said));
  }
  return {};
}

}  // namespace sekisho::bgp
