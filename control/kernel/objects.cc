#include "control/kernel/objects.h"

#include <linux/rtnetlink.h>

#include <array>

namespace sekisho::kernel {

// FRR's numbers that the kernel's header does not name: zebra/rt_netlink.h.
namespace frr {
constexpr uint8_t ripng = 190, nhrp = 191, staticd = 196, openfabric = 197, srte = 198;
}

static_assert(main_table == RT_TABLE_MAIN && local_table == RT_TABLE_LOCAL);

std::string_view protocol_name(uint8_t protocol) {
  switch (protocol) {
    case RTPROT_KERNEL:
      return "kernel";
    case RTPROT_BOOT:
    case RTPROT_STATIC:
    case frr::staticd:
      return "static";
    case RTPROT_DHCP:
      return "dhcp";
    case RTPROT_RA:
      return "ra";
    case RTPROT_BGP:
      return "bgp";
    case RTPROT_OSPF:
      return "ospf";
    case RTPROT_ISIS:
      return "isis";
    case RTPROT_ZEBRA:
      return "zebra";
    case RTPROT_RIP:
      return "rip";
    case RTPROT_EIGRP:
      return "eigrp";
    case RTPROT_BABEL:
      return "babel";
    case frr::ripng:
      return "ripng";
    case frr::nhrp:
      return "nhrp";
    case frr::openfabric:
      return "openfabric";
    default:
      return {};
  }
}

bool made_by_frr(uint8_t protocol) {
  return protocol == RTPROT_ZEBRA || protocol == RTPROT_BABEL || (protocol >= RTPROT_BGP && protocol <= frr::srte);
}

std::string_view name(NeighbourState state) {
  constexpr std::array<std::string_view, 9> names = {"none",  "incomplete", "reachable", "stale",    "delay",
                                                     "probe", "failed",     "noarp",     "permanent"};
  return names.at(static_cast<size_t>(state));
}

bool Neighbour::usable() const {
  switch (state) {
    case NeighbourState::reachable:
    case NeighbourState::stale:
    case NeighbourState::delay:
    case NeighbourState::probe:
    case NeighbourState::permanent:
      return mac.has_value();
    default:
      return false;
  }
}

const Link* State::find_link(std::string_view name) const {
  for (const auto& [index, link] : links)
    if (link.name == name) return &link;
  return nullptr;
}

}  // namespace sekisho::kernel
