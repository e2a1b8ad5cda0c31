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
constexpr size_t max_routes = 4096;
constexpr uint64_t max_hold_down = 86400;
// The kernel's ways have up to 256, zebra's of FRR 8.2 to 9.1 one octet.
constexpr uint64_t max_weight = 255;

// The items of an array that has so many of them.
std::vector<Node> items_of(const Node& node, size_t least, size_t most, std::string_view what) {
  auto items = node.items();
  if (!items) return {};
  if (items->size() < least || items->size() > most)
    node.fail(messages::config_out_of_range,
              fmt::format("{} {}, {} to {} are wanted", items->size(), what, least, most));
  return *std::move(items);
}

std::string vrf_text(const std::string& vrf) { return vrf.empty() ? "no VRF" : "VRF " + shown(vrf); }

void check_tunnel(const Node& node, const std::string& name, const Context::GroupPlaces& places, const Config& config) {
  const auto tunnel = config.tunnels.find(name);
  if (tunnel == config.tunnels.end()) return node.fail(messages::config_group_tunnel, shown(name));
  if (tunnel->second.connection.start == ike::StartMode::on_traffic)
    node.fail(messages::config_group_asleep, shown(name));
  const std::string& vrf = tunnel->second.interface.vrf;
  if (const std::string first = vrf_of(config, config.groups.at(places.name)); vrf != first)
    node.fail(messages::config_group_over_vrfs,
              fmt::format("{} is in {}, the first tunnel in {}", shown(name), vrf_text(vrf), vrf_text(first)));
  for (const auto& [place, prefix] : places.routes)
    check_way(prefix, place, tunnel->second, config, " of tunnel " + name);
}

// The shares of an active group's tunnels, 1 where nothing is said.
void read_weights(const Object& object, Group& group) {
  const bool active = group.mode == Group::Mode::active;
  if (active)
    for (const std::string& tunnel : group.tunnels) group.weights[tunnel] = 1;
  const auto node = object.get("weights");
  if (!node) return;
  if (!active) return node->fail(messages::config_group_weight, "\"mode\" is \"standby\"");
  const auto weights = node->members();
  if (!weights) return;
  for (const auto& [tunnel, weight] : *weights) {
    const auto share = group.weights.find(tunnel);
    if (share == group.weights.end())
      weight.fail(messages::config_group_weight, shown(tunnel));
    else if (const auto value = weight.integer(1, max_weight))
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
  if (const auto tunnels = object.require("tunnels"))
    for (const Node& item : items_of(*tunnels, 2, max_members, "tunnels"))
      if (const auto tunnel = item.text()) {
        context.claims.claim(ClaimKind::member, *tunnel, item);
        places.tunnels.emplace_back(item, *tunnel);
        group.tunnels.push_back(*tunnel);
      }
  if (const auto routes = object.require("routes"))
    for (const Node& item : items_of(*routes, 1, max_routes, "routes"))
      if (const auto prefix = read_prefix(item)) {
        places.routes.emplace_back(item, *prefix);
        group.routes.push_back(*prefix);
      }
  read_propagation(object, group.propagation);
  places.propagate = object.get("propagate");
  if (const auto mode = object.get("mode")) assign(group.mode, mode->choice({"standby", "active"}));
  read_weights(object, group);
  if (const auto hold_down = object.get("hold_down"))
    if (const auto value = hold_down->integer(0, max_hold_down)) group.hold_down = std::chrono::seconds(*value);
  if (const auto fail_back = object.get("fail_back"))
    if (const auto value = fail_back->choice({"automatic", "manual"})) group.fail_back = *value == 0;
}

void check_groups(Context& context) {
  for (const Context::GroupPlaces& places : context.groups) {
    const std::string vrf = vrf_of(context.config, context.config.groups.at(places.name));
    if (places.propagate && !vrf.empty()) places.propagate->fail(messages::config_not_in_vrf, "\"propagate\"");
    for (const auto& [place, prefix] : places.routes)
      context.claims.claim(ClaimKind::route, within(vrf, prefix.text()), place);
    for (const auto& [node, name] : places.tunnels) check_tunnel(node, name, places, context.config);
  }
}

}  // namespace sekisho::config
