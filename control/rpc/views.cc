#include "control/rpc/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/version.h"
#include "control/config/encode.h"
#include "control/config/report.h"
#include "control/config/warnings.h"
#include "control/rpc/denials.h"
#include "control/rpc/sa_views.h"

namespace sekisho::rpc {
namespace {

std::string_view word(TunnelPhase phase) {
  switch (phase) {
    case TunnelPhase::up:
      return "up";
    case TunnelPhase::connecting:
      return "connecting";
    case TunnelPhase::down:
      return "down";
  }
  return "";
}

std::string_view word(ZebraView::State state) {
  switch (state) {
    case ZebraView::State::off:
      return "off";
    case ZebraView::State::connecting:
      return "connecting";
    case ZebraView::State::synchronizing:
      return "synchronizing";
    case ZebraView::State::synchronized:
      return "synchronized";
  }
  return "";
}

std::string_view word(ProbeView::State state) {
  switch (state) {
    case ProbeView::State::idle:
      return "idle";
    case ProbeView::State::unproven:
      return "unproven";
    case ProbeView::State::answering:
      return "answering";
    case ProbeView::State::failing:
      return "failing";
    case ProbeView::State::unheard:
      return "unheard";
  }
  return "";
}

json probe_view(const std::optional<ProbeView>& probe, const json& configured) {
  if (!probe || !configured.is_object()) return {};
  json view = configured;
  view.update({{"state", word(probe->state)}, {"reason", text_or_null(probe->reason)}});
  if (configured["protocol"] == "bfd") {
    view["session"] = text_or_null(probe->session);
    return view;
  }
  view.update({{"sent", probe->sent},
               {"answered", probe->answered},
               {"lost", probe->lost},
               {"round_trip_seconds",
                probe->round_trip ? json(std::chrono::duration<double>(*probe->round_trip).count()) : json()}});
  return view;
}

auto probe_in(ProbeView::State state) {
  return [state](const TunnelView& tunnel) { return tunnel.probe && tunnel.probe->state == state; };
}

json or_null(const std::optional<LastError>& error, Instant now) { return error ? to_json(*error, now) : json(); }

json since(const std::optional<Instant>& start, Instant now) {
  return start ? json(seconds_between(*start, now)) : json();
}

json traffic(const std::optional<Traffic>& value) {
  return value ? json{{"packets", value->packets}, {"octets", value->octets}} : json();
}

// A rekey has an SA twice.
void add_new(std::vector<TrafficSelector>& all, const std::vector<TrafficSelector>& more) {
  for (const TrafficSelector& each : more)
    if (std::ranges::find(all, each) == all.end()) all.push_back(each);
}

bool holds(const TrafficSelector& whole, const TrafficSelector& part) {
  return whole.first.family() == part.first.family() && whole.first <= part.first && part.last <= whole.last &&
         (whole.protocol == 0 || whole.protocol == part.protocol) && whole.first_port <= part.first_port &&
         part.last_port <= whole.last_port;
}

// Whether part of what is configured is in none of those that were negotiated.
bool narrowed(const std::vector<TrafficSelector>& configured, const std::vector<TrafficSelector>& negotiated) {
  return std::ranges::any_of(configured, [&](const TrafficSelector& wanted) {
    return std::ranges::none_of(negotiated, [&](const TrafficSelector& each) { return holds(each, wanted); });
  });
}

// One that the configuration has, with its SAs: IKEv1 has one for each pair of selectors, a rekey one more.
json child_view(const ike::ChildDefinition& definition, const std::vector<const ike::ChildSaView*>& sas) {
  json view = {{"name", definition.name}, {"state", "down"}};
  std::vector<TrafficSelector> local, remote;
  size_t count = 0;
  for (const ike::ChildSaView* sa : sas) {
    if (sa->name != definition.name) continue;
    ++count;
    if (view["state"] != "up") view["state"] = sa->outbound_active ? std::string("up") : sa->state;
    if (!sa->outbound_active) continue;
    add_new(local, sa->local_selectors);
    add_new(remote, sa->remote_selectors);
  }
  view["child_sas"] = count;
  view["narrowed"] = !local.empty() && !remote.empty() &&
                     (narrowed(definition.local_selectors, local) || narrowed(definition.remote_selectors, remote));
  view["configured_local_selectors"] = selector_texts(definition.local_selectors);
  view["configured_remote_selectors"] = selector_texts(definition.remote_selectors);
  view["local_selectors"] = selector_texts(local.empty() ? definition.local_selectors : local);
  view["remote_selectors"] = selector_texts(remote.empty() ? definition.remote_selectors : remote);
  return view;
}

json child_views(const config::Tunnel& configured, const std::vector<ike::IkeSaView>& ike_sas) {
  std::vector<const ike::ChildSaView*> sas;
  for (const ike::IkeSaView& sa : ike_sas) {
    if (sa.connection != configured.connection.name) continue;
    for (const ike::ChildSaView& child : sa.children) sas.push_back(&child);
  }
  json views = json::array();
  for (const ike::ChildDefinition& definition : configured.connection.children)
    views.push_back(child_view(definition, sas));
  return views;
}

json tunnel_view(const TunnelView& tunnel, const config::Tunnel& configured,
                 const config::ByName<config::Group>::value_type* group, const std::vector<ike::IkeSaView>& ike_sas,
                 const std::optional<control::TunnelMtu>& mtu, const std::string& probe_denied, Instant now) {
  const json desired = config::encode(configured);
  size_t ike_count = 0, child_count = 0;
  for (const auto& sa : ike_sas) {
    if (sa.connection != tunnel.name) continue;
    ++ike_count;
    child_count += sa.children.size();
  }
  return {{"name", tunnel.name},
          {"state", word(tunnel.phase)},
          {"held_down", tunnel.held_down},
          {"start", desired["start"]},
          {"interface", desired["interface"]},
          {"mtu", mtu ? json(mtu->mtu) : json()},
          {"local", desired["local"]},
          {"remote", desired["remote"]},
          {"profile", desired["profile"]},
          {"routes", desired["routes"]},
          {"group", group ? json(group->first) : json()},
          {"probe", probe_view(tunnel.probe, desired["probe"])},
          {"probe_denied", text_or_null(probe_denied)},
          {"up_seconds", since(tunnel.up_since, now)},
          {"ike_sas", ike_count},
          {"child_sas", child_count},
          {"children", child_views(configured, ike_sas)},
          {"in", traffic(tunnel.in)},
          {"out", traffic(tunnel.out)},
          {"last_error", or_null(tunnel.last_error, now)}};
}

bool carries(const GroupView& group, std::string_view tunnel) {
  return std::ranges::find(group.carriers, tunnel) != group.carriers.end();
}

// "usable again" is said of one that is better than the leader, or would carry beside others.
std::string_view word(const GroupView& group, const GroupMemberView& member, config::Group::Mode mode) {
  const bool active = mode == config::Group::Mode::active;
  if (carries(group, member.tunnel)) return active ? "carries" : "leads";
  if (!member.usable_since) return "unusable";
  const auto first =
      std::ranges::find_if(group.members, [&](const GroupMemberView& other) { return carries(group, other.tunnel); });
  const bool better = active || std::to_address(first) > &member;
  return member.failed && better ? "usable again" : "stands by";
}

// What brings traffic to a tunnel that it does not go through: the end of the hold-down, or `group fail-back`.
json returns_by(const GroupView& group, const GroupMemberView& member, config::Group::Mode mode) {
  if (member.returns_at) return "hold-down";
  if (carries(group, member.tunnel) || !member.usable_since) return {};
  const auto usable = [](const GroupMemberView& each) { return each.usable_since.has_value(); };
  const bool is_best = std::to_address(std::ranges::find_if(group.members, usable)) == &member;
  return is_best || mode == config::Group::Mode::active ? json("fail-back") : json();
}

// As the tunnel's own view has it.
json member_probe(const std::string& name, const std::vector<TunnelView>& tunnels, const config::Config& running) {
  const auto tunnel = std::ranges::find(tunnels, name, &TunnelView::name);
  const auto configured = running.tunnels.find(name);
  if (tunnel == tunnels.end() || configured == running.tunnels.end() || !tunnel->probe) return {};
  return probe_view(tunnel->probe, config::encode(configured->second)["probe"]);
}

json group_view(const GroupView& group, const config::Group& configured, const std::vector<TunnelView>& tunnels,
                const config::Config& running, Instant now) {
  json view = config::encode(configured);
  const bool led = configured.mode == config::Group::Mode::standby && !group.carriers.empty();
  json members = json::array();
  for (const GroupMemberView& member : group.members) {
    const auto weight = configured.weights.find(member.tunnel);
    members.push_back({{"tunnel", member.tunnel},
                       {"state", word(group, member, configured.mode)},
                       {"weight", weight == configured.weights.end() ? json() : json(weight->second)},
                       {"probe", member_probe(member.tunnel, tunnels, running)},
                       {"usable_seconds", since(member.usable_since, now)},
                       {"returns_by", returns_by(group, member, configured.mode)},
                       {"returns_in_seconds",
                        member.returns_at ? json(std::max(0.0, seconds_between(now, *member.returns_at))) : json()}});
  }
  view.erase("weights");  // they are with the tunnels
  view.update({{"name", group.name},
               {"leader", led ? json(group.carriers.front()) : json()},
               {"carriers", group.carriers},
               {"led_seconds", since(group.carried_since, now)},
               {"preferred", group.preferred ? json(*group.preferred) : json()},
               {"tunnels", members}});
  return view;
}

bool carried(const GroupView& group) { return !group.carriers.empty(); }

// By its first tunnel or, with mode active, by all.
bool carried_as_configured(const GroupView& group, const config::Config& config) {
  const auto configured = config.groups.find(group.name);
  if (configured == config.groups.end() || group.carriers.empty() || group.members.empty()) return false;
  if (configured->second.mode == config::Group::Mode::active) return group.carriers.size() == group.members.size();
  return group.members.front().tunnel == group.carriers.front();
}

json port_view(const PortView& port, const config::Port& configured, Instant now) {
  json counters;
  for (size_t i = 0; port.counters && i < port.counters->size(); ++i)
    counters[counter_key(ipc::name(static_cast<ipc::PortCounter>(i)))] = (*port.counters)[i];
  const json desired = config::encode(configured);
  return {{"name", port.name},
          {"device", configured.device},
          {"present", port.present},
          {"link", port.link_up ? "up" : "down"},
          {"mtu", port.present ? port.mtu : configured.mtu},
          {"mac", port.mac ? json(port.mac->text()) : json()},
          {"addresses", desired["addresses"]},
          {"vrf", desired["vrf"]},
          {"counters", counters},
          {"last_error", or_null(port.last_error, now)}};
}

bool is_error(const std::optional<LastError>& last) { return last && last->error.message->severity == Severity::error; }

// One that is up may have an error of the past, which is none while every child is up. What the operator holds down is
// as he wants it, and a stranger alarms nobody.
bool troubled(const TunnelView& tunnel, const config::Tunnel& configured, const std::vector<ike::IkeSaView>& ike_sas) {
  if (probe_in(ProbeView::State::failing)(tunnel)) return true;
  if (!is_error(tunnel.last_error) || !tunnel.last_error_proven || tunnel.held_down) return false;
  return tunnel.phase != TunnelPhase::up ||
         std::ranges::any_of(child_views(configured, ike_sas),
                             [](const json& child) { return child["state"] != "up"; });
}

bool healthy(const Operations& operations, const DaemonView& daemon, const std::vector<TunnelView>& tunnels,
             const std::vector<config::Warning>& warnings) {
  if (!daemon.dataplane_connected || !daemon.faults.empty()) return false;
  if (!std::ranges::all_of(operations.ports(), &PortView::present)) return false;
  if (!std::ranges::all_of(operations.groups(), carried)) return false;
  for (const config::Warning& each : warnings)
    if (each.error.message->severity == Severity::error) return false;
  const auto ike_sas = operations.ike_sas();
  const auto& configured = operations.running().tunnels;
  return std::ranges::none_of(tunnels, [&](const TunnelView& tunnel) {
    const auto found = configured.find(tunnel.name);
    return found != configured.end() && troubled(tunnel, found->second, ike_sas);
  });
}

}  // namespace

json to_json(const LastError& error, Instant now) {
  json result = config::to_json(error.error);
  result["age_seconds"] = seconds_between(error.at, now);
  return result;
}

json status_view(const Operations& operations) {
  const Instant now = operations.now();
  const DaemonView daemon = operations.daemon();
  const auto tunnels = operations.tunnels();
  const auto warnings = config::warnings(operations.running(), operations.wall_clock());
  const auto ports = operations.ports();
  const auto groups = operations.groups();
  const auto as_configured = [&](const GroupView& group) { return carried_as_configured(group, operations.running()); };
  json errors = json::array();
  for (const LastError& fault : daemon.faults) errors.push_back(to_json(fault, now));
  if (daemon.last_error) errors.push_back(to_json(*daemon.last_error, now));
  for (const TunnelView& tunnel : tunnels) {
    if (!tunnel.last_error) continue;
    errors.push_back(to_json(*tunnel.last_error, now));
    errors.back()["tunnel"] = tunnel.name;
  }
  for (const PortView& port : ports) {
    if (!port.last_error) continue;
    errors.push_back(to_json(*port.last_error, now));
    errors.back()["port"] = port.name;
  }
  return {{"version", version()},
          {"healthy", healthy(operations, daemon, tunnels, warnings)},
          {"schema_version", ipc::schema_version},
          {"config_file", daemon.config_file},
          {"up_seconds", seconds_between(daemon.started, now)},
          {"dataplane",
           {{"connected", daemon.dataplane_connected},
            {"connected_seconds", since(daemon.dataplane_since, now)},
            {"responding", daemon.dataplane_connected && daemon.dataplane_responding},
            {"workers", daemon.workers}}},
          {"handshakes",
           {{"waiting", daemon.handshakes.waiting},
            {"queued", daemon.handshakes.queued},
            {"repeated", daemon.handshakes.repeated},
            {"refused", daemon.handshakes.refused},
            {"dropped", daemon.handshakes.dropped}}},
          {"zebra",
           {{"state", word(daemon.zebra.state)},
            {"release", daemon.zebra.release.empty() ? json() : json(daemon.zebra.release)},
            {"routes", daemon.zebra.routes},
            {"stale_routes", daemon.zebra.stale_routes},
            {"left_out_routes", daemon.zebra.left_out_routes},
            {"own_routes", daemon.zebra.own_routes},
            {"own_installed", daemon.zebra.own_installed}}},
          {"tunnels",
           {{"total", tunnels.size()},
            {"probes_failing", std::ranges::count_if(tunnels, probe_in(ProbeView::State::failing))},
            {"probes_unheard", std::ranges::count_if(tunnels, probe_in(ProbeView::State::unheard))},
            {"up", std::ranges::count(tunnels, TunnelPhase::up, &TunnelView::phase)}}},
          {"groups",
           {{"total", groups.size()},
            {"led", std::ranges::count_if(groups, carried)},
            {"as_configured", std::ranges::count_if(groups, as_configured)}}},
          {"ports", ports.size()},
          {"ports_present", std::ranges::count(ports, true, &PortView::present)},
          {"warnings", config::to_json(warnings)},
          {"last_errors", errors}};
}

std::optional<json> tunnel_views(const Operations& operations, std::string_view name) {
  const auto& configured = operations.running().tunnels;
  if (!name.empty() && !configured.contains(name)) return {};
  const auto ike_sas = operations.ike_sas();
  const SecurityView security = operations.security();
  const Instant now = operations.now();
  const auto probe_answers = probe_in(ProbeView::State::answering);
  json result = json::array();
  for (const TunnelView& tunnel : operations.tunnels())
    if (const auto found = configured.find(tunnel.name);
        found != configured.end() && (name.empty() || tunnel.name == name))
      result.push_back(tunnel_view(tunnel, found->second, config::group_of(operations.running(), tunnel.name), ike_sas,
                                   operations.tunnel_mtu(tunnel.name),
                                   probe_answers(tunnel) ? "" : probe_denial(security, found->second, now), now));
  return result;
}

std::optional<json> group_views(const Operations& operations, std::string_view name) {
  const auto& configured = operations.running().groups;
  if (!name.empty() && !configured.contains(name)) return {};
  const auto tunnels = operations.tunnels();
  json result = json::array();
  for (const GroupView& group : operations.groups())
    if (const auto found = configured.find(group.name);
        found != configured.end() && (name.empty() || group.name == name))
      result.push_back(group_view(group, found->second, tunnels, operations.running(), operations.now()));
  return result;
}

std::optional<json> port_views(const Operations& operations, std::string_view name) {
  const auto& configured = operations.running().ports;
  if (!name.empty() && !configured.contains(name)) return {};
  json result = json::array();
  for (const PortView& port : operations.ports())
    if (const auto found = configured.find(port.name); found != configured.end() && (name.empty() || port.name == name))
      result.push_back(port_view(port, found->second, operations.now()));
  return result;
}

std::optional<json> neighbour_views(const Operations& operations, std::string_view name) {
  json result = json::array();
  for (const NeighbourView& neighbour : operations.neighbours()) {
    const std::string address = neighbour.address.text();
    if (!name.empty() && name != address && name != neighbour.interface && name != neighbour.vrf) continue;
    result.push_back({{"vrf", text_or_null(neighbour.vrf)},
                      {"address", address},
                      {"interface", neighbour.interface},
                      {"mac", neighbour.mac ? json(neighbour.mac->text()) : json()},
                      {"state", neighbour.state}});
  }
  if (result.empty() && !name.empty()) return {};
  return result;
}

std::optional<json> vrf_views(const Operations& operations, std::string_view name) {
  const config::Config& running = operations.running();
  if (!name.empty() && !running.vrfs.contains(name)) return {};
  json result = json::array();
  for (const VrfView& vrf : operations.vrfs()) {
    if (!name.empty() && name != vrf.name) continue;
    json ports = json::array(), tunnels = json::array();
    for (const auto& [port, configured] : running.ports)
      if (configured.vrf == vrf.name) ports.push_back(port);
    for (const auto& [tunnel, configured] : running.tunnels)
      if (configured.interface.vrf == vrf.name) tunnels.push_back(tunnel);
    result.push_back({{"name", vrf.name},
                      {"usable", !vrf.fault},
                      {"ports", std::move(ports)},
                      {"tunnels", std::move(tunnels)},
                      {"routes", vrf.routes},
                      {"fault", or_null(vrf.fault, operations.now())}});
  }
  return result;
}

json counter_views(const Operations& operations) {
  if (!operations.daemon().dataplane_connected)
    return {{"dataplane_connected", false}, {"drops", nullptr}, {"ports", nullptr}, {"child_sas", nullptr}};
  const DropCounters counts = operations.drops();
  json drops = json::object();
  for (size_t i = 0; i < counts.size(); ++i) drops[std::string(ipc::name(static_cast<ipc::DropReason>(i)))] = counts[i];
  json ports = json::object();
  if (const auto views = port_views(operations, ""))
    for (const json& port : *views) ports[port["name"].get<std::string>()] = port["counters"];
  json children = json::array();
  if (const auto views = child_sa_views(operations, ""))
    for (const json& child : *views)
      children.push_back({{"tunnel", child["tunnel"]},
                          {"inbound_spi", child["inbound_spi"]},
                          {"outbound_spi", child["outbound_spi"]},
                          {"in", child["in"]},
                          {"out", child["out"]}});
  return {{"dataplane_connected", true}, {"drops", drops}, {"ports", ports}, {"child_sas", children}};
}

}  // namespace sekisho::rpc
