#include "control/rpc/methods.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/messages/routing.h"
#include "base/messages/system.h"
#include "control/config/report.h"
#include "control/config/warnings.h"
#include "control/rpc/explain.h"
#include "control/rpc/route_page.h"
#include "control/rpc/views.h"

namespace sekisho::rpc {
namespace {

using Answer = std::expected<json, RpcError>;

std::unexpected<RpcError> refuse(int code, const Message& message, std::string detail) {
  return std::unexpected(RpcError{code, Error{&message, std::move(detail)}});
}

std::unexpected<RpcError> bad_params(std::string detail) {
  return refuse(RpcError::invalid_params, messages::rpc_malformed, std::move(detail));
}

std::unexpected<RpcError> not_found(std::string_view kind, std::string_view name) {
  return refuse(RpcError::not_found, messages::object_not_found, std::string(kind) + " " + std::string(name));
}

// A parameter that is a string; `fallback` where it is absent, an error where it is something else.
std::expected<std::string, RpcError> parameter(const json& params, const char* key,
                                               std::optional<std::string> fallback = {}) {
  const auto found = params.find(key);
  if (found == params.end() && fallback) return *fallback;
  if (found == params.end() || !found->is_string()) return bad_params(std::string("\"") + key + "\" must be a string");
  return found->get<std::string>();
}

Answer show(Operations& operations, const json& params) {
  const auto what = parameter(params, "what");
  if (!what) return std::unexpected(what.error());
  const auto name = parameter(params, "name", "");
  if (!name) return std::unexpected(name.error());
  if (*what == "counters") return counter_views(operations);
  std::optional<json> view;
  if (*what == "tunnel")
    view = tunnel_views(operations, *name);
  else if (*what == "mtu")
    view = mtu_views(operations, *name);
  else if (*what == "vrf")
    view = vrf_views(operations, *name);
  else if (*what == "group")
    view = group_views(operations, *name);
  else if (*what == "security-group")
    view = security_group_views(operations, *name);
  else if (*what == "ike-sa")
    view = ike_sa_views(operations, *name);
  else if (*what == "child-sa")
    view = child_sa_views(operations, *name);
  else if (*what == "port")
    view = port_views(operations, *name);
  else if (*what == "neighbour")
    view = neighbour_views(operations, *name);
  else
    return bad_params(
        "\"what\" is one of tunnel, group, vrf, mtu, security-group, ike-sa, child-sa, neighbour, port, counters");
  if (view) return *std::move(view);
  return not_found(what->ends_with("-sa") || *what == "mtu" ? "tunnel" : *what, *name);
}

Answer route_show(Operations& operations, const json& params) {
  const auto name = parameter(params, "name", "");
  if (!name) return std::unexpected(name.error());
  std::optional<RoutePlace> after;
  if (const auto place = params.find("after"); place != params.end()) {
    after = parse_route_place(*place);
    if (!after) return bad_params("\"after\" must be the \"next\" of another page");
  }
  if (!operations.daemon().dataplane_connected)
    return refuse(RpcError::refused, messages::dataplane_absent, "the dataplane is not connected");
  auto page = route_page(operations, *name, after);
  if (page) return *std::move(page);
  return not_found("route", *name);
}

Answer status(Operations& operations, const json&) { return status_view(operations); }

// The answer of an operation on a tunnel: the tunnel as it stands now.
Answer after(Operations& operations, const Result<void>& result, const std::string& name) {
  if (!result) return std::unexpected(RpcError{RpcError::refused, result.error()});
  const auto views = tunnel_views(operations, name);
  if (!views || views->empty()) return not_found("tunnel", name);
  return views->front();
}

std::expected<std::string, RpcError> tunnel_name(const Operations& operations, const json& params) {
  auto name = parameter(params, "name");
  if (name && !operations.running().tunnels.contains(*name)) return not_found("tunnel", *name);
  return name;
}

Answer tunnel_up(Operations& operations, const json& params) {
  const auto name = tunnel_name(operations, params);
  if (!name) return std::unexpected(name.error());
  return after(operations, operations.tunnel_up(*name), *name);
}

Answer tunnel_down(Operations& operations, const json& params) {
  const auto name = tunnel_name(operations, params);
  if (!name) return std::unexpected(name.error());
  return after(operations, operations.tunnel_down(*name), *name);
}

Answer tunnel_explain(Operations& operations, const json& params) {
  const auto name = tunnel_name(operations, params);
  if (!name) return std::unexpected(name.error());
  return explain_tunnel(operations, *name);
}

bool has_ike_sa(const Operations& operations, const std::string& name) {
  const auto ike_sas = operations.ike_sas();
  return std::ranges::any_of(
      ike_sas, [&](const ike::IkeSaView& sa) { return sa.connection == name && sa.state != "connecting"; });
}

// One of that child, or where none is named of any.
bool has_child_sa(const Operations& operations, const std::string& name, const std::string& child) {
  const auto ike_sas = operations.ike_sas();
  const auto wanted = [&](const ike::ChildSaView& sa) { return child.empty() || sa.name == child; };
  return std::ranges::any_of(ike_sas, [&](const ike::IkeSaView& sa) {
    return sa.connection == name && std::ranges::any_of(sa.children, wanted);
  });
}

Answer rekey_child(Operations& operations, const std::string& name, const std::string& child) {
  const auto& children = operations.running().tunnels.find(name)->second.connection.children;
  if (!child.empty() && std::ranges::find(children, child, &ike::ChildDefinition::name) == children.end())
    return not_found("child", name + " " + child);
  if (!has_child_sa(operations, name, child))
    return refuse(RpcError::refused, messages::nothing_to_rekey, child.empty() ? name : name + " " + child);
  return after(operations, operations.rekey_child(name, child), name);
}

Answer tunnel_rekey(Operations& operations, const json& params) {
  const auto name = tunnel_name(operations, params);
  if (!name) return std::unexpected(name.error());
  const auto what = parameter(params, "what", "child");
  if (!what) return std::unexpected(what.error());
  const auto child = parameter(params, "child", "");
  if (!child) return std::unexpected(child.error());
  if (*what == "child") return rekey_child(operations, *name, *child);
  if (*what != "ike" || !child->empty()) return bad_params("\"what\" is child or ike, and \"child\" goes with child");
  if (!has_ike_sa(operations, *name)) return refuse(RpcError::refused, messages::nothing_to_rekey, *name);
  return after(operations, operations.rekey_ike(*name), *name);
}

std::expected<std::string, RpcError> group_name(const Operations& operations, const json& params) {
  auto name = parameter(params, "name");
  if (name && !operations.running().groups.contains(*name)) return not_found("group", *name);
  return name;
}

// The answer of an operation on a group: the group as it stands now.
Answer group_after(Operations& operations, const Result<void>& result, const std::string& name) {
  if (!result) return std::unexpected(RpcError{RpcError::refused, result.error()});
  const auto views = group_views(operations, name);
  if (!views || views->empty()) return not_found("group", name);
  return views->front();
}

Answer group_prefer(Operations& operations, const json& params) {
  const auto name = group_name(operations, params);
  if (!name) return std::unexpected(name.error());
  const auto tunnel = parameter(params, "tunnel");
  if (!tunnel) return std::unexpected(tunnel.error());
  return group_after(operations, operations.group_prefer(*name, *tunnel), *name);
}

Answer group_fail_back(Operations& operations, const json& params) {
  const auto name = group_name(operations, params);
  if (!name) return std::unexpected(name.error());
  return group_after(operations, operations.group_fail_back(*name), *name);
}

using Decoded = std::expected<config::Config, config::ConfigErrors>;

std::expected<Decoded, RpcError> decoded(const json& params) {
  const auto text = parameter(params, "config");
  if (!text) return std::unexpected(text.error());
  const auto directory = parameter(params, "directory", ".");
  if (!directory) return std::unexpected(directory.error());
  return config::decode(*text, *directory);
}

json invalid(const config::ConfigErrors& errors) { return {{"valid", false}, {"errors", config::to_json(errors)}}; }

json warning_views(const Operations& operations, const config::Config& desired) {
  return config::to_json(config::warnings(desired, operations.wall_clock()));
}

json plan_view(const config::Plan& plan, json warnings) {
  return {{"valid", true},
          {"changes", config::to_json(plan)},
          {"effects", config::to_json(plan.effects)},
          {"warnings", std::move(warnings)}};
}

Answer config_check(Operations& operations, const json& params) {
  const auto config = decoded(params);
  if (!config) return std::unexpected(config.error());
  if (!*config) return invalid(config->error());
  return json{{"valid", true}, {"errors", json::array()}, {"warnings", warning_views(operations, **config)}};
}

Answer config_diff(Operations& operations, const json& params) {
  const auto config = decoded(params);
  if (!config) return std::unexpected(config.error());
  if (!*config) return invalid(config->error());
  return plan_view(config::diff(operations.running(), **config), warning_views(operations, **config));
}

Answer config_apply(Operations& operations, const json& params) {
  auto config = decoded(params);
  if (!config) return std::unexpected(config.error());
  if (!*config) return invalid(config->error());
  const config::Plan plan = config::diff(operations.running(), **config);
  json warnings = warning_views(operations, **config);
  if (const auto applied = operations.apply(std::move(**config), plan); !applied)
    return std::unexpected(RpcError{RpcError::refused, applied.error()});
  return plan_view(plan, std::move(warnings));
}

// The one that waits for somebody else's answer.
void bgp_show(Operations& operations, const json& params, Reply reply) {
  const auto what = parameter(params, "view", "summary");
  if (!what) return reply(std::unexpected(what.error()));
  const auto view = bgp::parse_view(*what);
  if (!view) return reply(bad_params("\"view\" is one of summary, received, advertised"));
  const auto neighbour = parameter(params, "neighbour", "");
  if (!neighbour) return reply(std::unexpected(neighbour.error()));
  operations.bgp(*view, *neighbour, [reply = std::move(reply)](Result<json> result) {
    if (result) return reply(*std::move(result));
    const bool unknown = result.error().message == &messages::bgp_neighbour_unknown;
    reply(std::unexpected(RpcError{unknown ? RpcError::not_found : RpcError::refused, result.error()}));
  });
}

struct Method {
  std::string_view name;
  Answer (*call)(Operations&, const json&);
};

constexpr std::array methods = {Method{"status", status},
                                Method{"show", show},
                                Method{"route.show", route_show},
                                Method{"tunnel.up", tunnel_up},
                                Method{"tunnel.down", tunnel_down},
                                Method{"tunnel.rekey", tunnel_rekey},
                                Method{"tunnel.explain", tunnel_explain},
                                Method{"group.prefer", group_prefer},
                                Method{"group.fail-back", group_fail_back},
                                Method{"config.check", config_check},
                                Method{"config.diff", config_diff},
                                Method{"config.apply", config_apply}};

}  // namespace

void call_method(Operations& operations, const std::string& method, const json& params, Reply reply) {
  if (method == "bgp.show") return bgp_show(operations, params, std::move(reply));
  for (const Method& known : methods)
    if (known.name == method) return reply(known.call(operations, params));
  reply(refuse(RpcError::method_not_found, messages::rpc_malformed, "no such method"));
}

}  // namespace sekisho::rpc
