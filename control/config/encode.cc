#include "control/config/encode.h"

#include <chrono>

#include "control/config/security_groups.h"

namespace sekisho::config {
namespace {

using nlohmann::json;

template <typename List>
json texts(const List& list) {
  json result = json::array();
  for (const auto& entry : list) result.push_back(entry.text());
  return result;
}

int64_t whole_seconds(Duration duration) { return std::chrono::duration_cast<std::chrono::seconds>(duration).count(); }

std::string_view word(ike::Encapsulation encapsulation) {
  switch (encapsulation) {
    case ike::Encapsulation::automatic:
      return "auto";
    case ike::Encapsulation::force:
      return "force";
    case ike::Encapsulation::off:
      return "off";
  }
  return "";
}

std::string_view word(ipc::DfPolicy policy) {
  switch (policy) {
    case ipc::DfPolicy::copy:
      return "copy";
    case ipc::DfPolicy::clear:
      return "clear";
    case ipc::DfPolicy::set:
      return "set";
  }
  return "";
}

json or_null(const std::string& text) { return text.empty() ? json() : json(text); }

json or_auto(const std::optional<uint16_t>& value) { return value ? json(*value) : json("auto"); }

std::string_view way_to_prove(bool by_certificate) { return by_certificate ? "certificate" : "psk"; }

std::string_view word(ike::DpdAction action) {
  switch (action) {
    case ike::DpdAction::restart:
      return "restart";
    case ike::DpdAction::clear:
      return "clear";
    case ike::DpdAction::none:
      return "none";
  }
  return "";
}

std::string_view word(ike::StartMode mode) {
  switch (mode) {
    case ike::StartMode::start:
      return "start";
    case ike::StartMode::respond:
      return "respond";
    case ike::StartMode::on_traffic:
      return "on-traffic";
  }
  return "";
}

std::string_view word(Frr::RoutesAs type) {
  switch (type) {
    case Frr::RoutesAs::babel:
      return "babel";
    case Frr::RoutesAs::openfabric:
      return "openfabric";
    case Frr::RoutesAs::nhrp:
      return "nhrp";
  }
  return "";
}

std::string_view word(Bgp::Cloud cloud) {
  switch (cloud) {
    case Bgp::Cloud::none:
      return "none";
    case Bgp::Cloud::aws:
      return "aws";
    case Bgp::Cloud::azure:
      return "azure";
    case Bgp::Cloud::other:
      return "other";
  }
  return "";
}

json encode(const Bgp& bgp) {
  return {{"local_as", bgp.local_as}, {"neighbour_as", bgp.neighbour_as}, {"cloud", word(bgp.cloud)}};
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string_view word(Probe::Protocol protocol) {
  switch (protocol) {
    case Probe::Protocol::icmp:
      return "icmp";
    case Probe::Protocol::udp:
      return "udp";
    case Probe::Protocol::bfd:
      return "bfd";
  }
  return "";
}

json encode(const std::optional<Probe>& probe) {
  if (!probe) return nullptr;
  json result = {{"target", probe->target.text()}, {"protocol", word(probe->protocol)}};
  if (probe->protocol == Probe::Protocol::bfd) return result;
  result.update({{"source", probe->source ? json(probe->source->text()) : json()},
                 {"port", probe->port},
                 {"interval", seconds(probe->interval)},
                 {"timeout", seconds(probe->timeout)},
                 {"loss", probe->loss},
                 {"of", probe->of}});
  return result;
}

json encode(const Propagation& propagation) {
  if (!propagation.wanted) return false;
  return {{"distance", propagation.distance}, {"metric", propagation.metric}, {"tag", propagation.tag}};
}

// A margin that follows the lifetime is no setting of its own.
void add_renewal(const ike::Renewal& renewal, json& object) {
  if (renewal.margin != Duration::zero()) object["margin"] = whole_seconds(renewal.margin);
  object["fuzz"] = renewal.fuzz;
}

json retransmission(const ike::Retransmission& value) {
  return {{"first_ms", std::chrono::duration_cast<std::chrono::milliseconds>(value.first).count()},
          {"factor", value.factor},
          {"tries", value.tries}};
}

// A part that is any has no value to write.
json encode(const SecurityRule& rule) {
  json result = json::object();
  if (const std::string protocol = protocol_text(rule.protocol); !protocol.empty()) result["protocol"] = protocol;
  if (!rule.remote.empty()) result["remote"] = texts(rule.remote);
  if (!rule.local.empty()) result["local"] = texts(rule.local);
  for (const PortRange& range : rule.ports)
    result["ports"].push_back(std::to_string(range.first) +
                              (range.last != range.first ? "-" + std::to_string(range.last) : ""));
  if (rule.icmp_type) result["type"] = *rule.icmp_type;
  if (!rule.note.empty()) result["note"] = rule.note;
  return result;
}

json encode(const ike::ChildDefinition& child) {
  json esp = {{"proposals", texts(child.esp_proposals)},
              {"lifetime", whole_seconds(child.lifetime)},
              {"lifetime_bytes", child.lifetime_bytes},
              {"lifetime_packets", child.lifetime_packets},
              {"replay_window", child.replay_window}};
  add_renewal(child.renewal, esp);
  return {{"esp", std::move(esp)},
          {"selectors", {{"local", texts(child.local_selectors)}, {"remote", texts(child.remote_selectors)}}}};
}

}  // namespace

json encode(const KeyLog& key_log) { return {{"directory", key_log.directory.string()}}; }

json encode(const Port& port) {
  return {{"device", port.device},
          {"addresses", texts(port.addresses)},
          {"mtu", port.mtu},
          {"vrf", or_null(port.vrf)},
          {"security_groups", port.security_groups}};
}

json encode(const SecurityGroup& group) {
  const auto rules = [](const std::vector<SecurityRule>& all) {
    json list = json::array();
    for (const SecurityRule& rule : all) list.push_back(encode(rule));
    return list;
  };
  return {{"in", rules(group.in)}, {"out", rules(group.out)}};
}

json encode(const Route& route) { return {{"prefix", route.prefix.text()}, {"via", route.via.text()}}; }

json encode(const Vrf& vrf) {
  json routes = json::array();
  for (const Route& route : vrf.routes) routes.push_back(encode(route));
  return {{"routes", std::move(routes)}, {"guards", texts(vrf.guards)}};
}

json encode(const Frr& frr) {
  return {{"routes_as", word(frr.routes_as)}, {"hold_time", whole_seconds(frr.hold_time)}};
}

json encode(const Group& group) {
  const bool active = group.mode == Group::Mode::active;
  json result = {{"tunnels", group.tunnels},
                 {"routes", texts(group.routes)},
                 {"propagate", encode(group.propagation)},
                 {"mode", active ? "active" : "standby"},
                 {"hold_down", whole_seconds(group.hold_down)},
                 {"fail_back", group.fail_back ? "automatic" : "manual"}};
  if (active) result["weights"] = group.weights;
  return result;
}

json encode(const ike::Connection& connection) {
  json result = {{"local",
                  {{"address", connection.local.text()},
                   {"alternatives", texts(connection.other_locals)},
                   {"id", connection.local_id.text()}}},
                 {"remote",
                  {{"address", connection.remote.is_any() ? "any" : connection.remote.text()},
                   {"id", connection.remote_id.text()}}},
                 {"ike",
                  {{"version", connection.version == ike::IkeVersion::v1 ? "v1" : "v2"},
                   {"aggressive", connection.aggressive},
                   {"proposals", texts(connection.ike_proposals)},
                   {"lifetime", whole_seconds(connection.ike_lifetime)},
                   {"reauthenticate", connection.reauthenticate},
                   {"dpd_interval", whole_seconds(connection.dpd_interval)},
                   {"dpd_action", word(connection.dpd_action)},
                   {"retry_interval", whole_seconds(connection.retry_interval)},
                   {"retransmission", retransmission(connection.retransmission)},
                   {"fragmentation", connection.fragmentation},
                   {"fragment_size", connection.fragment_size},
                   {"mobike", connection.mobike}}},
                 {"esp", json::object()},
                 {"start", word(connection.start)}};
  add_renewal(connection.ike_renewal, result["ike"]);
  if (const auto& children = connection.children; children.size() == 1 && children.front().name == connection.name) {
    result.update(encode(children.front()));
  } else {
    for (const ike::ChildDefinition& child : children) result["children"][child.name] = encode(child);
  }
  result["esp"]["encapsulation"] = word(connection.encapsulation);
  return result;
}

json encode(const Tunnel& tunnel) {
  json result = encode(tunnel.connection);
  const TunnelInterface& interface = tunnel.interface;
  result["interface"] = {
      {"name", interface.name},        {"addresses", texts(interface.addresses)},
      {"mtu", or_auto(interface.mtu)}, {"mss", interface.mss == 0 ? json("off") : or_auto(interface.mss)},
      {"vrf", or_null(interface.vrf)}, {"security_groups", interface.security_groups}};
  result["outer_mtu"] = or_auto(tunnel.outer_mtu);
  result["path_mtu_discovery"] = tunnel.path_mtu_discovery;
  result["df"] = word(tunnel.df);
  result["routes"] = texts(tunnel.routes);
  result["propagate"] = encode(tunnel.propagation);
  if (tunnel.bgp) result["bgp"] = encode(*tunnel.bgp);
  result["probe"] = encode(tunnel.probe);
  result["profile"] = tunnel.profile == Profile::modern ? "modern" : "legacy";
  const AuthFiles& files = tunnel.files;
  result["local"].update({{"auth", way_to_prove(tunnel.connection.local_auth.by_certificate())},
                          {"certificate", files.certificate},
                          {"private_key", files.private_key}});
  result["remote"].update({{"auth", way_to_prove(tunnel.connection.remote_auth.by_certificate())},
                           {"authorities", files.authorities},
                           {"crls", files.crls},
                           {"require_crl", files.require_crl}});
  result["psk_file"] = files.psk;
  const auto& ppk = tunnel.connection.ppk;
  result["ppk"] = {{"id", ppk ? ppk->id : ""}, {"file", files.ppk}, {"required", ppk && ppk->required}};
  return result;
}

}  // namespace sekisho::config
