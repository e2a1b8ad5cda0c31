#include "control/kernel/objects.h"

#include <linux/rtnetlink.h>

#include <array>

namespace sekisho::kernel {

static_assert(main_table == RT_TABLE_MAIN && local_table == RT_TABLE_LOCAL);

std::string_view protocol_name(uint8_t protocol) {
  // FRR gives the routes of its staticd this number; the kernel's header has no name for it.
  constexpr uint8_t frr_static = 196;
  switch (protocol) {
    case RTPROT_KERNEL:
      return "kernel";
    case RTPROT_BOOT:
    case RTPROT_STATIC:
    case frr_static:
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
    default:
      return {};
  }
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
