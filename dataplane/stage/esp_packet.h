// ESP on the wire (RFC 4303 section 2, RFC 3948): where it starts in an IPv4 packet, and what its trailer says. Plain
// bytes; nothing is read past the lengths given.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/stage/ip_header.h"

namespace sekisho::dataplane {

inline constexpr size_t esp_header_size = 8;   // SPI, sequence number
inline constexpr size_t esp_trailer_size = 2;  // pad length, next header
inline constexpr uint16_t esp_udp_port = 4500;

struct EspLocation {
  uint16_t offset = 0;  // of the SPI, from the IP header
  uint16_t length = 0;  // from the SPI to the end of the packet or of the UDP datagram
  uint32_t spi = 0;
  bool udp = false;
};

enum class EspFind : uint8_t {
  none,  // not ESP; IKE and keepalives on port 4500 too
  found,
  truncated,  // ESP by its protocol, but cut short before the sequence number
  fragment,   // part of a fragmented ESP packet
};

// In an IPv4 packet that passed check_ipv4.
EspFind find_esp(const uint8_t* bytes, const IpHeader& header, EspLocation& out);

struct EspTrailer {
  uint16_t payload = 0;  // length of the inner packet, with any padding of traffic flow confidentiality behind it
  uint8_t next_header = 0;
};

// `plain`: the decrypted payload, padding and trailer. Nothing where the padding is not 1, 2, 3, ... or does not fit.
std::optional<EspTrailer> check_trailer(const uint8_t* plain, size_t length);
// Writes padding and trailer behind a payload, up to `length` in all.
void write_trailer(uint8_t* end_of_payload, uint8_t padding, uint8_t next_header);

// Padding that makes payload and trailer a multiple of `block`, a power of two (RFC 4303 section 2.4).
constexpr uint8_t padding_for(size_t payload, uint8_t block) {
  return static_cast<uint8_t>(-(payload + esp_trailer_size) & (block - 1u));
}

}  // namespace sekisho::dataplane
