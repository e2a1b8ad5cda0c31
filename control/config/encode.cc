#include "control/config/encode.h"

#include <chrono>

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

std::string_view word(bool by_certificate) { return by_certificate ? "certificate" : "psk"; }

json retransmission(const ike::Retransmission& value) {
  return {{"first_ms", std::chrono::duration_cast<std::chrono::milliseconds>(value.first).count()},
          {"factor", value.factor},
          {"tries", value.tries}};
}

}  // namespace

json encode(const Port& port) {
  return {{"device", port.device}, {"addresses", texts(port.addresses)}, {"mtu", port.mtu}};
}

json encode(const Route& route) { return {{"prefix", route.prefix.text()}, {"via", route.via.text()}}; }

json encode(const ike::Connection& connection) {
  return {{"local",
           {{"address", connection.local.text()},
            {"alternatives", texts(connection.other_locals)},
            {"id", connection.local_id.text()}}},
          {"remote", {{"address", connection.remote.text()}, {"id", connection.remote_id.text()}}},
          {"ike",
           {{"version", connection.version == ike::IkeVersion::v1 ? "v1" : "v2"},
            {"aggressive", connection.aggressive},
            {"proposals", texts(connection.ike_proposals)},
            {"lifetime", whole_seconds(connection.ike_lifetime)},
            {"dpd_interval", whole_seconds(connection.dpd_interval)},
            {"retry_interval", whole_seconds(connection.retry_interval)},
            {"retransmission", retransmission(connection.retransmission)},
            {"fragmentation", connection.fragmentation},
            {"fragment_size", connection.fragment_size},
            {"mobike", connection.mobike}}},
          {"esp",
           {{"proposals", texts(connection.children.front().esp_proposals)},
            {"lifetime", whole_seconds(connection.children.front().lifetime)},
            {"lifetime_bytes", connection.children.front().lifetime_bytes},
            {"lifetime_packets", connection.children.front().lifetime_packets},
            {"replay_window", connection.children.front().replay_window},
            {"encapsulation", word(connection.encapsulation)}}},
          {"selectors",
           {{"local", texts(connection.children.front().local_selectors)},
            {"remote", texts(connection.children.front().remote_selectors)}}},
          {"start", connection.start == ike::StartMode::start ? "start" : "respond"}};
}

json encode(const Tunnel& tunnel) {
  json result = encode(tunnel.connection);
  result["interface"] = {
      {"name", tunnel.interface.name}, {"addresses", texts(tunnel.interface.addresses)}, {"mtu", tunnel.interface.mtu}};
  result["routes"] = texts(tunnel.routes);
  result["profile"] = tunnel.profile == Profile::modern ? "modern" : "legacy";
  const AuthFiles& files = tunnel.files;
  result["local"].update({{"auth", word(tunnel.connection.local_auth.by_certificate())},
                          {"certificate", files.certificate},
                          {"private_key", files.private_key}});
  result["remote"].update({{"auth", word(tunnel.connection.remote_auth.by_certificate())},
                           {"authorities", files.authorities},
                           {"crls", files.crls},
                           {"require_crl", files.require_crl}});
  result["psk_file"] = files.psk;
  const auto& ppk = tunnel.connection.ppk;
  result["ppk"] = {{"id", ppk ? ppk->id : ""}, {"file", files.ppk}, {"required", ppk && ppk->required}};
  return result;
}

}  // namespace sekisho::config
