// Ethernet headers; addresses are compared and written as words.
#pragma once

#include <rte_ether.h>

#include <array>
#include <bit>
#include <cstdint>

#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {

using MacAddress = std::array<uint8_t, 6>;

// An address in the low six bytes, in the order of the wire.
inline uint64_t load_mac(const uint8_t* at) {
  return load_raw<uint32_t>(at) | uint64_t{load_raw<uint16_t>(at + 4)} << 32;
}

// Whether a frame goes to this station.
inline bool goes_to(const MacAddress& station, const uint8_t* frame) {
  return load_mac(station.data()) == load_mac(frame);
}

// A header in two words, of which the second stands at byte 6 and holds the end of the first one again.
struct EthernetHeader {
  uint64_t start, from_byte_6;
  void write(uint8_t* frame) const {
    store_raw(frame, start);
    store_raw(frame + 6, from_byte_6);
  }
};

inline EthernetHeader ethernet_header(const MacAddress& destination, const MacAddress& source, uint8_t family) {
  const uint64_t from = load_mac(source.data());
  const uint64_t type = Be16(family == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6).raw();
  return {load_mac(destination.data()) | from << 48, from | type << 48};
}

}  // namespace sekisho::dataplane
