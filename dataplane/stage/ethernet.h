// Ethernet headers. Addresses are compared and written as words; what is read or written beyond an address stays within
// the 14 bytes of the header.
#pragma once

#include <rte_ether.h>

#include <array>
#include <bit>
#include <cstdint>

#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {

using MacAddress = std::array<uint8_t, 6>;

// Whether a frame of at least 14 bytes goes to this station and says that it holds IPv4 or IPv6.
inline bool is_ip_for(const MacAddress& station, const uint8_t* frame) {
  const uint16_t type = load16(frame + 12);
  const auto differs = load_raw<uint32_t>(frame) ^ load_raw<uint32_t>(station.data());
  const auto rest_differs = load_raw<uint16_t>(frame + 4) ^ load_raw<uint16_t>(station.data() + 4);
  return ((differs | rest_differs) == 0) & ((type == RTE_ETHER_TYPE_IPV4) | (type == RTE_ETHER_TYPE_IPV6));
}

inline void write_ethernet(uint8_t* frame, const MacAddress& destination, const MacAddress& source, uint8_t family) {
  std::memcpy(frame, destination.data(), destination.size());
  std::memcpy(frame + 6, source.data(), source.size());
  store16(frame + 12, family == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
}

}  // namespace sekisho::dataplane
