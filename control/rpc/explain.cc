#include "control/rpc/explain.h"

#include <algorithm>
#include <string>

#include "control/config/warnings.h"
#include "control/rpc/denials.h"
#include "control/rpc/sa_views.h"
#include "control/rpc/views.h"

namespace sekisho::rpc {
namespace {

json until(const std::optional<Instant>& at, Instant now) {
  return at ? json(std::max(0.0, seconds_between(now, *at))) : json();
}

std::string_view word(ike::Mismatch::Kind kind) {
  switch (kind) {
    case ike::Mismatch::Kind::ike_proposal:
      return "IKE proposal";
    case ike::Mismatch::Kind::esp_proposal:
      return "ESP proposal";
    case ike::Mismatch::Kind::selectors:
      return "selectors";
  }
  return "";
}

json failure_view(const ike::Failure& failure, Instant now) {
  json view = to_json(LastError{{failure.message, failure.detail}, failure.at}, now);
  view["mismatch"] = nullptr;
  if (const auto& mismatch = failure.mismatch)
    view["mismatch"] = {{"kind", word(mismatch->kind)}, {"ours", mismatch->ours}, {"theirs", mismatch->theirs}};
  return view;
}

// No child is up without the dataplane that holds it, though IKE is to go on with it.
json negotiation_view(const ike::ConnectionView& connection, bool dataplane_connected, Instant now) {
  json children = json::array();
  for (const auto& child : connection.children)
    children.push_back({{"name", child.name},
                        {"up", child.up && dataplane_connected},
                        {"next_attempt_seconds", until(child.next_attempt, now)}});
  const bool without_children = connection.state == "up" && !dataplane_connected;
  return {{"state", without_children ? "established" : connection.state},
          {"wanted", connection.wanted},
          {"attempts", connection.attempts},
          {"next_attempt_seconds", until(connection.next_attempt, now)},
          {"children", children}};
}

// In the front door, where IKE and ESP are. A tunnel's own interface is no way to its peer either.
bool has_way(const Operations& operations, const IpAddress& peer) {
  const auto leads = [](ipc::NextHopKind kind) {
    return kind != ipc::NextHopKind::drop && kind != ipc::NextHopKind::tunnel;
  };
  return std::ranges::any_of(operations.routes_taken_by(peer), [&](const RouteView& route) {
    if (!route.vrf.empty()) return false;
    return route.hops.empty() ? leads(route.kind) : std::ranges::any_of(route.hops, leads, &HopView::kind);
  });
}

uint64_t counted(const json& children, const char* direction, const char* counter) {
  uint64_t sum = 0;
  for (const json& child : children) sum += child[direction].value(counter, uint64_t{0});
  return sum;
}

json traffic_hints(const json& children) {
  json hints = json::array();
  if (children.empty()) return hints;
  const uint64_t in = counted(children, "in", "packets"), out = counted(children, "out", "packets");
  if (out > 0 && in == 0)
    hints.push_back("packets leave and none comes back: is there a way back at the peer, does a firewall pass ESP?");
  if (in > 0 && out == 0) hints.push_back("packets come in and none leaves: is there a route into the tunnel?");
  if (counted(children, "out", "selector") > 0)
    hints.push_back("packets were dropped that the negotiated selectors do not allow out");
  if (counted(children, "in", "selector") > 0)
    hints.push_back("the peer sent packets that the negotiated selectors do not allow");
  if (counted(children, "in", "integrity") > 0) hints.push_back("packets came in damaged, or under other keys");
  if (counted(children, "in", "replay") > 0)
    hints.push_back("packets came in twice, or too late for the replay window");
  return hints;
}

json credential_views(const ike::Connection& connection, WallTime now) {
  json list = json::array();
  for (const config::Expiry& each : config::expiries(connection))
    list.push_back({{"kind", config::word(each.kind)},
                    {"name", each.name},
                    {"expires", config::date_text(each.at)},
                    {"remaining_seconds", std::chrono::duration_cast<std::chrono::seconds>(each.at - now).count()}});
  return list;
}

json warning_views(const Operations& operations, std::string_view name) {
  std::vector<config::Warning> warnings = config::warnings(operations.running(), operations.wall_clock());
  std::erase_if(warnings, [&](const config::Warning& each) { return each.tunnel != name; });
  return config::to_json(warnings);
}

// Why nothing is begun from here.
json waiting_hints(const ike::ConnectionView& connection, ike::StartMode start) {
  json hints = json::array();
  if (connection.state != "waiting" || connection.wanted) return hints;
  if (start == ike::StartMode::respond)
    hints.push_back("it waits for the peer to begin, for \"start\" is \"respond\"; `tunnel up` begins from here");
  if (start == ike::StartMode::on_traffic)
    hints.push_back("it waits for a packet to go into it, for \"start\" is \"on-traffic\"; `tunnel up` begins at once");
  return hints;
}

json narrowed_hints(const json& tunnel) {
  json hints = json::array();
  if (!tunnel.is_object()) return hints;
  for (const json& child : tunnel["children"])
    if (child["narrowed"] == true)
      hints.push_back("child " + child["name"].get<std::string>() +
                      " carries less than is configured here, or in other pieces: the peer has narrower selectors, or "
                      "some of them are not "
                      "up; `show tunnel NAME` has both");
  return hints;
}

json group_hints(const Operations& operations, std::string_view tunnel) {
  json list = json::array();
  const auto* group = config::group_of(operations.running(), tunnel);
  const auto groups = operations.groups();
  const auto view = group ? std::ranges::find(groups, group->first, &GroupView::name) : groups.end();
  if (view == groups.end() || std::ranges::find(view->carriers, tunnel) != view->carriers.end()) return list;
  if (view->carriers.empty()) {
    list.push_back("no tunnel of group " + view->name + " is usable: its traffic is dropped");
    return list;
  }
  std::string through;
  for (const std::string& carrier : view->carriers) through += (through.empty() ? "" : ", ") + carrier;
  list.push_back("the traffic of group " + view->name + " goes through " + through + "; `show group " + view->name +
                 "` says when it returns");
  return list;
}

json probe_hints(const TunnelView& tunnel) {
  json list = json::array();
  if (!tunnel.probe) return list;
  if (tunnel.probe->state == ProbeView::State::failing)
    list.push_back("its probe fails: " + tunnel.probe->reason + "; no route leads into it until that is over");
  if (tunnel.probe->state == ProbeView::State::unproven)
    list.push_back("its probe has not been answered yet: no route leads into it until then");
  if (tunnel.probe->state == ProbeView::State::unheard)
    list.push_back("bfdd says nothing of its probe (" + tunnel.probe->reason + "): dead peer detection alone counts");
  return list;
}

// The security groups of its interface.
json denial_hints(const Operations& operations, const TunnelView& tunnel, const config::Tunnel& configured) {
  json list = json::array();
  const config::TunnelInterface& interface = configured.interface;
  if (interface.security_groups.empty()) return list;
  const std::string who = "the security groups of " + interface.name;
  const std::string more = "; `show security-group " + interface.security_groups.front() + "` has more";
  const SecurityView security = operations.security();
  const Instant now = operations.now();
  if (security.refusal) list.push_back(who + " are not in force as configured: the dataplane refused them" + more);
  const bool unanswered = tunnel.probe && tunnel.probe->state != ProbeView::State::answering;
  if (const std::string denial = unanswered ? probe_denial(security, configured, now) : ""; !denial.empty())
    list.push_back(who + " deny its probe, which needs a rule: " + denial + more);
  else if (const std::string last = last_denial(security, configured, now); !last.empty())
    list.push_back(who + " have denied packets within the last minute; the last one known: " + last + more);
  return list;
}

json hints(const Operations& operations, const TunnelView& tunnel, const config::Tunnel& configured,
           const json& children) {
  json list = json::array();
  const ike::Connection& connection = configured.connection;
  const IpAddress& peer = connection.remote;
  const DaemonView daemon = operations.daemon();
  if (!daemon.dataplane_connected)
    list.push_back("the dataplane is not connected: no packet flows, and nothing can come up, until it is back");
  else if (!daemon.dataplane_responding)
    list.push_back("the dataplane does not respond: packets may not flow, and nothing can come up");
  else if (!peer.is_any() && !has_way(operations, peer))
    list.push_back("there is no route to the peer, " + peer.text());
  if (!tunnel.local_address_here)
    list.push_back("no interface of this machine has the local address, " + connection.local.text());
  if (tunnel.held_down) list.push_back("`tunnel down` holds it down until `tunnel up`, or until the peer brings it up");
  for (json& hint : probe_hints(tunnel)) list.push_back(std::move(hint));
  for (json& hint : denial_hints(operations, tunnel, configured)) list.push_back(std::move(hint));
  for (json& hint : group_hints(operations, tunnel.name)) list.push_back(std::move(hint));
  for (json& hint : traffic_hints(children)) list.push_back(std::move(hint));
  return list;
}

}  // namespace

json explain_tunnel(const Operations& operations, std::string_view name) {
  const Instant now = operations.now();
  const auto tunnels = operations.tunnels();
  const auto tunnel = std::ranges::find(tunnels, name, &TunnelView::name);
  const auto configured = operations.running().tunnels.find(name);
  const auto connections = operations.connections();
  const auto connection = std::ranges::find(connections, name, &ike::ConnectionView::name);
  const bool known = connection != connections.end();
  const json children = child_sa_views(operations, name).value_or(json::array());
  const json views = tunnel_views(operations, name).value_or(json::array());
  json view = {
      {"tunnel", views.empty() ? json() : views.front()},
      {"negotiation", known ? negotiation_view(*connection, operations.daemon().dataplane_connected, now) : json()},
      {"last_failure", json()},
      {"unproven_since", json()},
      {"child_sas", children},
      {"credentials", json::array()},
      {"warnings", warning_views(operations, name)},
      {"hints", json::array()}};
  const auto add_hints = [&view](json more) {
    for (json& hint : more) view["hints"].push_back(std::move(hint));
  };
  if (known && connection->last_failure) view["last_failure"] = failure_view(*connection->last_failure, now);
  if (known && connection->unproven_since) view["unproven_since"] = failure_view(*connection->unproven_since, now);
  if (configured != operations.running().tunnels.end())
    view["credentials"] = credential_views(configured->second.connection, operations.wall_clock());
  if (tunnel != tunnels.end() && configured != operations.running().tunnels.end())
    add_hints(hints(operations, *tunnel, configured->second, children));
  if (known && configured != operations.running().tunnels.end())
    add_hints(waiting_hints(*connection, configured->second.connection.start));
  add_hints(narrowed_hints(view["tunnel"]));
  return view;
}

}  // namespace sekisho::rpc
