// The section "vrfs", and "routes" and "guards" of VRFs and of the front door.
#include <fmt/format.h>

#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/sections.h"
#include "ipc/schema.h"

namespace sekisho::config {
namespace {

constexpr size_t max_vrf_routes = 65536;
constexpr size_t max_guards = 1024;

std::optional<Route> read_route(const Node& node, const std::string& vrf, Context& context) {
  const Object object(node, {"prefix", "via"});
  std::optional<Prefix> prefix;
  std::optional<IpAddress> via;
  if (const auto member = object.require("prefix")) {
    prefix = read_prefix(*member);
    if (prefix) context.claims.claim(ClaimKind::route, within(vrf, prefix->text()), *member);
  }
  if (const auto member = object.require("via")) via = read_unicast_address(*member);
  if (!prefix || !via) return {};
  if (prefix->family() == via->family()) return Route{*prefix, *via};
  node.fail(messages::config_family_mismatch, fmt::format("{} by way of {}", prefix->text(), via->text()));
  return {};
}

}  // namespace

std::string within(const std::string& vrf, std::string thing) { return vrf.empty() ? thing : thing + " of VRF " + vrf; }

void read_table(const Object& object, const std::string& vrf, std::vector<Route>& routes, std::vector<Prefix>& guards,
                Context& context) {
  if (const auto node = object.get("routes")) {
    routes = read_list(*node, [&](const Node& item) { return read_route(item, vrf, context); });
    check_count(*node, routes.size(), max_vrf_routes);
  }
  if (const auto node = object.get("guards")) {
    guards = read_list(*node, read_prefix);
    check_count(*node, guards.size(), max_guards);
  }
}

void read_vrf(const std::string& name, const Node& node, Context& context) {
  if (const std::string fault = vrf_name_fault(name); !fault.empty()) node.fail(messages::config_bad_name, fault);
  // `show route NAME` takes the name of either.
  context.claims.claim(ClaimKind::interface, name, node);
  const Object object(node, {"routes", "guards"});
  Vrf& vrf = context.config.vrfs[name];
  read_table(object, name, vrf.routes, vrf.guards, context);
}

std::string read_vrf_name(const Object& object, const Context& context) {
  const auto node = object.get("vrf");
  const auto name = node ? node->text() : std::nullopt;
  if (!name || !context.vrfs_known || context.config.vrfs.contains(*name)) return name.value_or("");
  std::string all;
  for (const auto& [each, vrf] : context.config.vrfs) all += (all.empty() ? "" : ", ") + each;
  node->fail(messages::config_vrf_unknown, shown(*name) + (all.empty() ? "" : "; there are " + all));
  return *name;
}

}  // namespace sekisho::config
