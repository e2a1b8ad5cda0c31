// The section "groups": several tunnels that lead to the same networks.
#include <fmt/format.h>

#include <algorithm>

#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/negotiation.h"
#include "control/config/sections.h"

namespace sekisho::config {
namespace {

constexpr size_t max_members = 8;
constexpr uint64_t max_hold_down = 86400;
// The kernel's ways have up to 256, zebra's of FRR 8.2 to 9.1 one octet.
constexpr uint64_t max_weight = 255;

std::string vrf_text(const std::string& vrf) { return vrf.empty() ? "no VRF" : "VRF " + shown(vrf); }

// Of a tunnel of which something was refused, what it may carry is not known.
void check_tunnel(const Node& node, const std::string& name, const Context::GroupPlaces& places,
                  const Context& context) {
  const Config& config = context.config;
  const Tunnel& tunnel = config.tunnels.find(name)->second;
  if (context.faulty.contains(name)) return;
  if (tunnel.connection.start == ike::StartMode::on_traffic) node.fail(messages::config_group_asleep, shown(name));
  const std::string& vrf = tunnel.interface.vrf;
  const std::string first = vrf_of(config, config.groups.at(places.name));
  if (vrf != first && !context.faulty.contains(places.tunnels.front().second))
    node.fail(messages::config_group_over_vrfs,
              fmt::format("{} is in {}, the first tunnel in {}", shown(name), vrf_text(vrf), vrf_text(first)));
  for (const auto& [place, prefix] : places.routes) check_way(prefix, place, tunnel, config, " of tunnel " + name);
}

// True where all are there.
bool check_names(const Context::GroupPlaces& places, const Config& config) {
  bool all = true;
  for (const auto& [node, name] : places.tunnels) {
    if (config.tunnels.contains(name)) continue;
    node.fail(messages::config_group_tunnel, shown(name));
    all = false;
  }
  return all;
}

// The shares of an active group's tunnels, 1 where nothing is said.
void read_weights(const Object& object, Group& group, Context::GroupPlaces& places) {
  const bool active = group.mode == Group::Mode::active;
  if (active)
    for (const std::string& tunnel : group.tunnels) group.weights[tunnel] = 1;
  const auto node = object.get("weights");
  if (!node) return;
  if (!active) return node->fail(messages::config_group_weight, "\"mode\" is \"standby\"");
  const auto weights = node->members();
  if (!weights) return;
  for (const auto& [tunnel, weight] : *weights) {
    const auto value = weight.integer(1, max_weight);
    const auto share = group.weights.find(tunnel);
    if (share == group.weights.end())
      places.weights_of_others.emplace_back(weight, tunnel);
    else if (value)
      share->second = static_cast<uint16_t>(*value);
  }
}

}  // namespace

std::string vrf_of(const Config& config, const Group& group) {
  const auto first = group.tunnels.empty() ? config.tunnels.end() : config.tunnels.find(group.tunnels.front());
  return first == config.tunnels.end() ? "" : first->second.interface.vrf;
}

const ByName<Group>::value_type* group_of(const Config& config, std::string_view tunnel) {
  const auto has_it = [&](const auto& each) {
    return std::ranges::find(each.second.tunnels, tunnel) != each.second.tunnels.end();
  };
  const auto found = std::ranges::find_if(config.groups, has_it);
  return found == config.groups.end() ? nullptr : &*found;
}

void read_group(const std::string& name, const Node& node, Context& context) {
  if (const std::string fault = tunnel_name_fault(name); !fault.empty()) node.fail(messages::config_bad_name, fault);
  const Object object(node, {"tunnels", "routes", "propagate", "mode", "weights", "hold_down", "fail_back"});
  Group& group = context.config.groups[name];
  Context::GroupPlaces& places = context.groups.emplace_back();
  places.name = name;
  const ErrorWatch watch(node);
  if (const auto tunnels = object.require("tunnels"))
    for (const Node& item : tunnels->items(2, max_members, "tunnels"))
      if (const auto tunnel = item.text()) {
        context.claims.claim(ClaimKind::member, *tunnel, item);
        places.tunnels.emplace_back(item, *tunnel);
        group.tunnels.push_back(*tunnel);
      }
  places.tunnels_clear = watch.clean();
  if (const auto routes = object.require("routes"))
    for (const Node& item : routes->items(1, max_routes, "routes"))
      if (const auto prefix = read_prefix(item)) {
        places.routes.emplace_back(item, *prefix);
        group.routes.push_back(*prefix);
      }
  read_propagation(object, group.propagation);
  places.propagate = object.get("propagate");
  const auto mode = object.get("mode");
  const auto chosen = mode ? mode->choice({"standby", "active"}) : std::nullopt;
  assign(group.mode, chosen);
  if (!mode || chosen) read_weights(object, group, places);
  if (const auto hold_down = object.get("hold_down"))
    if (const auto value = hold_down->integer(0, max_hold_down)) group.hold_down = std::chrono::seconds(*value);
  if (const auto fail_back = object.get("fail_back"))
    if (const auto value = fail_back->choice({"automatic", "manual"})) group.fail_back = *value == 0;
}

void check_groups(Context& context) {
  for (const Context::GroupPlaces& places : context.groups) {
    // Which tunnels are meant decides all that follows.
    if (!check_names(places, context.config) || !places.tunnels_clear) continue;
    const std::string vrf = vrf_of(context.config, context.config.groups.at(places.name));
    if (places.propagate && !vrf.empty()) refuse_propagation(*places.propagate);
    for (const auto& [node, tunnel] : places.weights_of_others) node.fail(messages::config_group_weight, shown(tunnel));
    for (const auto& [place, prefix] : places.routes)
      context.claims.claim(ClaimKind::route, within(vrf, prefix.text()), place);
    for (const auto& [node, name] : places.tunnels) check_tunnel(node, name, places, context);
  }
}

}  // namespace sekisho::config
