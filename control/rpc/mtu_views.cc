// `show mtu`: each number of a tunnel's MTU with where it comes from.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/esp_size.h"
#include "control/config/encode.h"
#include "control/rpc/sa_views.h"
#include "control/rpc/views.h"

namespace sekisho::rpc {
namespace {

std::string outer_mtu_source(const control::SealingMtu& size) {
  const auto& way = size.sealing.way;
  const std::string link =
      way ? fmt::format("link {} has {}", way->link, way->mtu)
          : fmt::format("no link known to lead to the peer: Ethernet's {}", control::assumed_outer_mtu);
  const uint32_t link_mtu = way ? way->mtu : control::assumed_outer_mtu;
  if (size.outer_mtu >= link_mtu) return link;
  return (size.sealing.path_mtu ? "found by IKE; " : "outer_mtu of the configuration; ") + link;
}

// What IKE does about the path's MTU, and what has come of it.
json path_mtu_view(const ike::IkeSaView* sa, const config::Tunnel& configured, Instant now) {
  using State = ike::PathMtuView::State;
  const auto view = [](const char* state, const std::string& text) {
    return json{{"state", state}, {"mtu", nullptr}, {"proven_seconds", nullptr}, {"text", text}};
  };
  if (configured.outer_mtu) return view("fixed", "not looked for: outer_mtu of the configuration is taken for it");
  if (!configured.path_mtu_discovery) return view("off", "not looked for: switched off in the configuration");
  if (configured.connection.version == ike::IkeVersion::v1)
    return view("impossible", "not looked for: that takes IKEv2");
  if (configured.connection.dpd_interval == Duration::zero() ||
      configured.connection.dpd_action == ike::DpdAction::none)
    return view("impossible", "not looked for: dead peer detection is off, so nothing is asked of the peer");
  if (!sa || sa->path_mtu.state == State::waiting) return view("waiting", "not looked for yet: no IKE SA, or no way");
  if (sa->path_mtu.state == State::impossible)
    return view("impossible", "not looked for: not both ends speak RFC 7383, fragments of IKE messages");
  const auto& mtu = sa->path_mtu.mtu;
  json result = view("not_found", "not found: the peer answers in time to no probe of any size");
  if (sa->path_mtu.state == State::searching) result = view("searching", "being looked for");
  if (!mtu) return result;
  const double age = seconds_between(sa->path_mtu.proven, now);
  if (sa->path_mtu.state == State::searching)
    result["text"] = fmt::format("{}, and being looked for anew", *mtu);
  else
    result = view("found", fmt::format("{}: so much got through to the peer {:.0f} s ago", *mtu, age));
  result["mtu"] = *mtu;
  result["proven_seconds"] = age;
  return result;
}

json sealing_view(const control::SealingMtu& size) {
  const control::Sealing& sealing = size.sealing;
  const EspSize parts = esp_size(sealing.suite, sealing.outer, sealing.in_udp, size.largest);
  return {{"child", sealing.child.empty() ? json() : json(sealing.child)},
          {"suite", info(sealing.suite).name},
          {"encapsulation", sealing.in_udp ? "UDP" : "ESP"},
          {"negotiated", sealing.negotiated},
          {"outer_mtu", size.outer_mtu},
          {"outer_mtu_from", outer_mtu_source(size)},
          {"outer_family", sealing.outer == Family::ipv4 ? "IPv4" : "IPv6"},
          {"ip", parts.ip},
          {"udp", parts.udp},
          {"esp", parts.esp},
          {"iv", parts.iv},
          {"trailer", parts.trailer},
          {"icv", parts.icv},
          {"block", info(sealing.suite).block},
          {"unused", size.largest == 0 ? json() : json(size.outer_mtu - parts.total())},
          {"largest_inner", size.largest}};
}

std::string mtu_source(const control::TunnelMtu& sizes) {
  if (!sizes.mtu_of.empty()) return "as small as tunnel " + sizes.mtu_of + " of its group";
  if (sizes.recalled) return "as before control was started again: until the path's is found";
  if (sizes.configured) return "interface.mtu of the configuration: less than the SAs leave";
  const auto least = std::ranges::min_element(sizes.sealings, {}, &control::SealingMtu::largest);
  if (least == sizes.sealings.end() || sizes.mtu < least->largest) return "the most that the gateway takes";
  if (sizes.mtu > least->largest) return "the least that a tunnel has: more than some SA leaves";
  const bool negotiated = std::ranges::all_of(sizes.sealings, [](const auto& each) { return each.sealing.negotiated; });
  return negotiated ? "what every SA that sends leaves" : "what every SA that may be negotiated leaves";
}

std::string mss_source(const control::TunnelMtu& sizes, const config::TunnelInterface& interface) {
  if (!sizes.mss_of.empty()) return "as small as of tunnel " + sizes.mss_of + " of its group";
  if (!interface.mss) return "the MTU less IP and TCP headers";
  return *interface.mss == 0 ? "off in the configuration"
                             : "interface.mss of the configuration, or less where less fits";
}

json mtu_view(const std::string& name, const control::TunnelMtu& sizes, const config::Tunnel& configured,
              json path_mtu) {
  json sas = json::array();
  for (const control::SealingMtu& size : sizes.sealings) sas.push_back(sealing_view(size));
  return {{"tunnel", name},
          {"interface", configured.interface.name},
          {"mtu", sizes.mtu},
          {"mtu_from", mtu_source(sizes)},
          {"mss_ipv4", sizes.mss_ipv4 == 0 ? json() : json(sizes.mss_ipv4)},
          {"mss_ipv6", sizes.mss_ipv6 == 0 ? json() : json(sizes.mss_ipv6)},
          {"mss_from", mss_source(sizes, configured.interface)},
          {"df", config::encode(configured)["df"]},
          {"path_mtu", std::move(path_mtu)},
          {"ipv6", sizes.mtu >= least_ipv6_mtu},
          {"sas", sas}};
}

}  // namespace

std::optional<json> mtu_views(const Operations& operations, std::string_view name) {
  const auto& configured = operations.running().tunnels;
  if (!name.empty() && !configured.contains(name)) return {};
  const std::vector<ike::IkeSaView> sas = operations.ike_sas();
  std::map<std::string_view, const ike::IkeSaView*> newest;  // by tunnel, of those that are established
  for (const ike::IkeSaView& sa : sas) {
    if (sa.state != "established" && sa.state != "rekeying") continue;
    const auto [known, first] = newest.emplace(sa.connection, &sa);
    if (!first && known->second->established_at < sa.established_at) known->second = &sa;
  }
  json result = json::array();
  for (const auto& [tunnel, definition] : configured) {
    if (!name.empty() && tunnel != name) continue;
    const auto sa = newest.find(tunnel);
    json path_mtu = path_mtu_view(sa == newest.end() ? nullptr : sa->second, definition, operations.now());
    if (const auto sizes = operations.tunnel_mtu(tunnel))
      result.push_back(mtu_view(tunnel, *sizes, definition, std::move(path_mtu)));
  }
  return result;
}

}  // namespace sekisho::rpc
