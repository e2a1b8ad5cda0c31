// `show mtu`: each number of a tunnel's MTU with where it comes from.
#include <fmt/format.h>

#include <algorithm>

#include "base/esp_size.h"
#include "control/config/encode.h"
#include "control/rpc/views.h"

namespace sekisho::rpc {
namespace {

std::string outer_mtu_source(const control::SealingMtu& size) {
  const auto& way = size.sealing.way;
  const std::string link =
      way ? fmt::format("link {} has {}", way->link, way->mtu)
          : fmt::format("no link known to lead to the peer: Ethernet's {}", control::assumed_outer_mtu);
  const uint32_t link_mtu = way ? way->mtu : control::assumed_outer_mtu;
  return size.outer_mtu < link_mtu ? "outer_mtu of the configuration; " + link : link;
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

json mtu_view(const std::string& name, const control::TunnelMtu& sizes, const config::Tunnel& configured) {
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
          {"ipv6", sizes.mtu >= least_ipv6_mtu},
          {"sas", sas}};
}

}  // namespace

std::optional<json> mtu_views(const Operations& operations, std::string_view name) {
  const auto& configured = operations.running().tunnels;
  if (!name.empty() && !configured.contains(name)) return {};
  json result = json::array();
  for (const auto& [tunnel, definition] : configured) {
    if (!name.empty() && tunnel != name) continue;
    if (const auto sizes = operations.tunnel_mtu(tunnel)) result.push_back(mtu_view(tunnel, *sizes, definition));
  }
  return result;
}

}  // namespace sekisho::rpc
