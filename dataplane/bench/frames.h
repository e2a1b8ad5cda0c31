// The bytes of packets.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/bench/addresses.h"
#include "dataplane/bench/scenario.h"

namespace sekisho::dataplane::bench {

inline constexpr size_t ethernet_size = 14, outer_size = 20, udp_size = 8;

// Where a packet belongs. Addresses are in network order, IPv4 in the first four bytes.
struct Flow {
  std::array<uint8_t, 16> source, destination;
  uint16_t tunnel;
};

struct Packet {
  FrameSize frame = 0;
  uint16_t index = 0;  // within its pass; the packet carries it as its UDP source port
  const Flow* flow = nullptr;
};

// `count` frame sizes; those of imix in a fixed shuffled order.
std::vector<FrameSize> frame_sizes(FrameSize size, size_t count);

// The whole plaintext packet: an IP header, UDP with right checksums and a payload of one byte repeated. `hop_limit` is
// as the packet shows it.
void write_inner(uint8_t* out, Family family, const Packet& packet, uint8_t hop_limit = 64);
// The index that a packet carries.
uint16_t index_of(const uint8_t* inner, Family family);
void write_ethernet(uint8_t* out, const MacAddress& destination, const MacAddress& source, Family family);
// The IPv4 header in front of ESP.
void write_outer(uint8_t* out, const IpAddress& source, const IpAddress& destination, uint16_t length);

// How a packet lies in ESP.
struct EspLayout {
  EspLayout(EspSuite suite, FrameSize frame);
  uint16_t inner;   // the IP packet
  uint16_t offset;  // of the inner packet, from the SPI
  uint8_t padding;  // to the suite's block
  uint16_t esp;     // from the SPI to the end of the ICV
};

}  // namespace sekisho::dataplane::bench
