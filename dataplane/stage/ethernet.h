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

// A header from one station to another, in two words of which the second stands at byte 6 and holds the end of the
// first one again; the type is still to come.
class EthernetHeader {
 public:
  EthernetHeader(const MacAddress& destination, const MacAddress& source)
      : from_byte_6_(load_mac(source.data())), start_(load_mac(destination.data()) | from_byte_6_ << 48) {}

  // `family`: 4 or 6.
  void write(uint8_t* frame, uint8_t family) const {
    const uint64_t type = Be16(family == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6).raw();
    store_raw(frame, start_);
    store_raw(frame + 6, from_byte_6_ | type << 48);
  }

 private:
  uint64_t from_byte_6_, start_;
};

}  // namespace sekisho::dataplane
