// How large ESP makes a packet (RFC 4303 section 2, RFC 3948 section 2.1), and what therefore fits into a tunnel. Both
// processes go by these functions: control for the MTU that it gives a tunnel, the data path for the packets
// themselves. All sizes are in octets.
//
//   |   IP   | UDP | SPI, sequence | IV | inner packet | padding | pad length, next header | ICV |
//     20, 40   0,8         8         iv                 0..block-1            2              icv
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.h"
#include "base/esp_suite.h"

namespace sekisho {

inline constexpr size_t ipv4_header_size = 20, ipv6_header_size = 40, udp_header_size = 8, tcp_header_size = 20;
inline constexpr size_t esp_header_size = 8;   // SPI, sequence number
inline constexpr size_t esp_trailer_size = 2;  // pad length, next header

// The least MTU of a link that carries IPv6 (RFC 8200 section 5).
inline constexpr uint16_t least_ipv6_mtu = 1280;

// Padding that makes payload and trailer a multiple of `block`, a power of two (RFC 4303 section 2.4).
constexpr uint8_t padding_for(size_t payload, uint8_t block) {
  return static_cast<uint8_t>(-(payload + esp_trailer_size) & (block - 1u));
}

// A sealed packet, part by part.
struct EspSize {
  size_t ip = ipv4_header_size, udp = 0, esp = esp_header_size, iv = 0, inner = 0, padding = 0,
         trailer = esp_trailer_size, icv = 0;

  constexpr size_t total() const { return ip + udp + esp + iv + inner + padding + trailer + icv; }
};

// `outer`: of the header outside.
constexpr EspSize esp_size(EspSuite suite, Family outer, bool in_udp, size_t inner) {
  const EspSuiteInfo& lengths = info(suite);
  return {.ip = outer == Family::ipv4 ? ipv4_header_size : ipv6_header_size,
          .udp = in_udp ? udp_header_size : 0,
          .iv = lengths.iv,
          .inner = inner,
          .padding = padding_for(inner, lengths.block),
          .icv = lengths.icv};
}

// The largest inner packet that is at most `outer_mtu` when it is sealed; 0 where there is none.
constexpr uint16_t largest_inner(EspSuite suite, Family outer, bool in_udp, uint16_t outer_mtu) {
  const size_t block = info(suite).block;
  // As many octets as padding can fill up to a whole block are none of the overhead.
  const EspSize smallest = esp_size(suite, outer, in_udp, block - esp_trailer_size);
  if (outer_mtu < smallest.total()) return 0;
  return static_cast<uint16_t>(smallest.inner + (outer_mtu - smallest.total()) / block * block);
}

// The MSS of a TCP connection whose packets are at most `mtu`: without options, as RFC 9293 section 3.7.1 counts.
constexpr uint16_t tcp_mss(uint16_t mtu, Family family) {
  const size_t headers = (family == Family::ipv4 ? ipv4_header_size : ipv6_header_size) + tcp_header_size;
  return mtu > headers ? static_cast<uint16_t>(mtu - headers) : 0;
}

}  // namespace sekisho
