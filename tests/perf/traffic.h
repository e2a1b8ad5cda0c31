// The packets of a measurement: how long they are, which tunnel they belong to, and their bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/esp_suite.h"

namespace sekisho::perf {

// Frame sizes are those of the plaintext packet's Ethernet frame without FCS. 0 in `size`: IMIX, frames of 64, 570 and
// 1418 bytes as 7:4:1.
struct FrameMix {
  std::string_view name;
  uint16_t size;
};
inline constexpr FrameMix frame_mixes[] = {{"64", 64}, {"570", 570}, {"1420", 1420}, {"IMIX", 0}};

struct PacketPlan {
  uint16_t frame;
  uint16_t tunnel;
};
// `count` packets; tunnels take turns, sizes come in a fixed shuffled order.
std::vector<PacketPlan> plan_packets(const FrameMix& mix, size_t count, unsigned tunnels);

inline constexpr size_t ethernet_size = 14, ipv4_size = 20, esp_size = 8;

// How a packet lies in ESP.
struct EspLayout {
  EspLayout(EspSuite suite, uint16_t frame);
  uint16_t inner;   // the IP packet
  uint8_t padding;  // to the suite's block
  uint16_t esp;     // from the SPI to the end of the ICV
};

// Tunnel t joins 10.64+t/256.t%256.0/24 on our side with 10.128+t/256.t%256.0/24 on the peer's.
constexpr uint32_t our_net(uint16_t tunnel) { return 10u << 24 | 64u << 16 | uint32_t{tunnel} << 8; }
constexpr uint32_t peer_net(uint16_t tunnel) { return 10u << 24 | 128u << 16 | uint32_t{tunnel} << 8; }
inline constexpr uint32_t our_address = 192u << 24 | 2 << 8 | 1, peer_address = 192u << 24 | 2 << 8 | 2;  // 192.0.2.x

void write_ethernet(uint8_t* out, uint8_t port);
// The header alone; `length` is the whole packet's.
void write_ipv4(uint8_t* out, uint32_t source, uint32_t destination, uint8_t protocol, uint16_t length);
// Padding, its length and the next header (IPv4), behind a payload.
void write_trailer(uint8_t* out, uint8_t padding);
void write_be32(uint8_t* out, uint32_t value);

}  // namespace sekisho::perf
