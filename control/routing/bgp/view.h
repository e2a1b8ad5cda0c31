// bgpd's neighbours and their routes, out of the JSON that its command line prints. Pure functions of text that is not
// trusted: what is missing or of another type is null, what is no JSON at all, and more than lists of these
// lengths, is refused (SKO-RTG-015, 016).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/message.h"
#include "base/messages/routing.h"
#include "control/routing/vty/faults.h"

namespace sekisho::bgp {

using nlohmann::json;

inline constexpr vty::Faults faults{messages::bgpd_silent, messages::bgpd_nonsense, messages::bgpd_verbose};

enum class View : uint8_t { summary, received, advertised };
std::optional<View> parse_view(std::string_view text);

struct Neighbour {
  std::string name;  // an address, or the interface of one without
  Family family{};   // of the routes that are exchanged

  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

// Such a name goes into a command as it is.
bool is_neighbour_name(std::string_view text);

inline constexpr const char* summary_question = "show bgp summary json";
// Of the other views.
std::string question(View view, const Neighbour& neighbour);

inline constexpr size_t max_neighbours = 5000, max_routes = 20000;

// [{"neighbour", "family", "remote_as", "state", "up_seconds", "received", "sent"}], the last two numbers of prefixes.
Result<json> summary_view(std::string_view text);
// Those with whom there is a session.
std::vector<Neighbour> established(const json& summary);
// To a list of [{"neighbour", "family", "prefix", "next_hop", "as_path", "origin", "metric", "local_preference",
// "best"}].
Result<void> add_routes(json& list, View view, const Neighbour& neighbour, std::string_view text);

}  // namespace sekisho::bgp
