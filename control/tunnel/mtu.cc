#include "control/tunnel/mtu.h"

#include <algorithm>

#include "base/esp_size.h"

namespace sekisho::control {
namespace {

// No more than anybody asks for, and no more than a segment that fits.
uint16_t mss(const MtuSettings& settings, uint16_t mtu, Family family) {
  const uint16_t fits = std::max(tcp_mss(mtu, family), ipc::least_mss);
  if (!settings.mss) return fits;
  return *settings.mss == 0 ? 0 : std::min(*settings.mss, fits);
}

uint16_t outer_mtu(const MtuSettings& settings, const Sealing& sealing) {
  uint32_t mtu = sealing.way ? sealing.way->mtu : assumed_outer_mtu;
  for (const auto& path : {settings.outer_mtu, sealing.path_mtu})
    if (path) mtu = std::min<uint32_t>(mtu, *path);
  return static_cast<uint16_t>(std::min<uint32_t>(mtu, UINT16_MAX));
}

void limit_mss(TunnelMtu& sizes, const MtuSettings& settings) {
  sizes.mss_ipv4 = mss(settings, sizes.mtu, Family::ipv4);
  sizes.mss_ipv6 = mss(settings, sizes.mtu, Family::ipv6);
}

}  // namespace

std::vector<Sealing> expected_sealings(const MtuSettings& settings, Family outer, const std::optional<OuterWay>& way,
                                       std::optional<uint16_t> path_mtu) {
  std::vector<Sealing> all;
  for (const EspSuite suite : settings.suites)
    if (std::ranges::find(all, suite, &Sealing::suite) == all.end())
      all.push_back({.suite = suite,
                     .outer = outer,
                     .in_udp = settings.maybe_in_udp,
                     .way = way,
                     .negotiated = false,
                     .path_mtu = path_mtu});
  return all;
}

TunnelMtu tunnel_mtu(const MtuSettings& settings, std::vector<Sealing> sealings) {
  TunnelMtu result{.mtu = ipc::most_mtu};
  for (Sealing& sealing : sealings) {
    const uint16_t outer = outer_mtu(settings, sealing);
    const uint16_t largest = largest_inner(sealing.suite, sealing.outer, sealing.in_udp, outer);
    result.mtu = std::min(result.mtu, largest);
    result.sealings.push_back({std::move(sealing), outer, largest});
  }
  result.mtu = std::max(result.mtu, ipc::least_tunnel_mtu);
  if (settings.mtu && *settings.mtu < result.mtu) {
    result.mtu = *settings.mtu;
    result.configured = true;
  }
  limit_mss(result, settings);
  return result;
}

void recall(TunnelMtu& sizes, const MtuSettings& settings, uint16_t mtu) {
  if (sizes.mtu <= mtu) return;
  sizes.mtu = mtu;
  sizes.configured = false;
  sizes.recalled = true;
  limit_mss(sizes, settings);
}

void lower_to(TunnelMtu& sizes, const std::string& name, const TunnelMtu& other) {
  if (other.mtu < sizes.mtu) {
    sizes.mtu = other.mtu;
    sizes.mtu_of = name;
  }
  for (const auto mss : {&TunnelMtu::mss_ipv4, &TunnelMtu::mss_ipv6})
    if (other.*mss != 0 && other.*mss < sizes.*mss) {
      sizes.*mss = other.*mss;
      sizes.mss_of = name;
    }
}

}  // namespace sekisho::control
