// ESP on the wire (RFC 4303 section 2, RFC 3948): where it starts in an IP packet, and what its trailer says. Plain
// bytes; nothing is read past the lengths given.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/esp_size.h"
#include "dataplane/stage/ip_header.h"

namespace sekisho::dataplane {

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

// In a packet that passed check_ip(). Over IPv6, what stands behind extension headers is none.
EspFind find_esp(const uint8_t* bytes, const IpHeader& header, EspLocation& out);
EspFind find_esp_in_udp(const uint8_t* bytes, const IpHeader& header, EspLocation& out);
// As find_esp() wants it where a packet is a fragment: IPv4's own; over IPv6, the two headers taken for one where a
// fragment header (RFC 8200 section 4.5) stands right behind the base header. That of any other packet is as it was.
inline constexpr size_t fragment_header_size = 8;
IpHeader fragment_header(const uint8_t* bytes, const IpHeader& header);
// Whether that is a fragment which may be ESP: of UDP only the first one would show the port. Nothing but a fragment
// header stands between the IP header and the payload.
inline bool is_esp_or_udp_fragment(const IpHeader& header) {
  const size_t plain = header.family == 4 ? ipv4_header_size : ipv6_header_size + fragment_header_size;
  return header.fragment && header.header_length == plain &&
         (header.protocol == protocol_esp || header.protocol == protocol_udp);
}
// False: find_esp() would find none.
inline bool may_be_esp(const uint8_t* bytes, const IpHeader& header) {
  if (header.protocol == protocol_esp) return true;
  return header.protocol == protocol_udp && header.length >= size_t{header.header_length} + udp_header_size &&
         load16(bytes + header.header_length + 2) == esp_udp_port;
}

struct EspTrailer {
  uint32_t payload = 0;  // length of the inner packet, with any padding of traffic flow confidentiality behind it
  uint8_t next_header = 0;
};

// `plain`: the decrypted payload, padding and trailer. False where the padding is not 1, 2, 3, ... or does not fit.
// 8 bytes must stand before `plain`, as the header does.
[[nodiscard]] bool check_trailer(const uint8_t* plain, size_t length, EspTrailer& out);

// Writes padding (at most 15 bytes) and trailer behind a payload. Touches `trailer_room` bytes.
inline constexpr size_t trailer_room = 17;
void write_trailer(uint8_t* end_of_payload, uint8_t padding, uint8_t next_header);

// -------------------------------------------------------------------------------------------------------------- inline

inline EspFind locate_esp(const uint8_t* bytes, size_t offset, size_t length, bool udp, EspLocation& out) {
  if (length < esp_header_size) return EspFind::truncated;
  out = {static_cast<uint16_t>(offset), static_cast<uint16_t>(length), load32(bytes + offset), udp};
  return EspFind::found;
}

inline EspFind find_esp(const uint8_t* bytes, const IpHeader& header, EspLocation& out) {
  if (header.protocol == protocol_udp) return find_esp_in_udp(bytes, header, out);
  if (header.protocol != protocol_esp) return EspFind::none;
  if (header.fragment) return EspFind::fragment;
  return locate_esp(bytes, header.header_length, size_t{header.length} - header.header_length, false, out);
}

// 1, 2, 3, ...: the padding that a sender uses and a receiver inspects (RFC 4303 section 2.4), eight bytes at a time,
// the first in the lowest byte.
inline constexpr uint64_t counting = 0x0807060504030201, eight_more = 0x0808080808080808;
static_assert(std::endian::native == std::endian::little);

inline bool is_counting(const uint8_t* end, size_t padding) {
  for (; padding > 8; padding -= 8, end -= 8)
    if (load_raw<uint64_t>(end - 8) != counting + eight_more / 8 * (padding - 8)) return false;
  if (padding == 0) return true;
  return load_raw<uint64_t>(end - 8) >> (64 - 8 * padding) == (counting & (~uint64_t{0} >> (64 - 8 * padding)));
}

inline bool check_trailer(const uint8_t* plain, size_t length, EspTrailer& out) {
  if (length < esp_trailer_size) return false;
  const uint8_t padding = plain[length - 2];
  if (padding + esp_trailer_size > length) return false;
  out = {static_cast<uint32_t>(length - esp_trailer_size - padding), plain[length - 1]};
  return is_counting(plain + length - esp_trailer_size, padding);
}

inline void write_trailer(uint8_t* end_of_payload, uint8_t padding, uint8_t next_header) {
  const uint64_t bytes[2] = {counting, counting + eight_more};
  std::memcpy(end_of_payload, bytes, sizeof bytes);
  end_of_payload[padding] = padding;
  end_of_payload[padding + 1] = next_header;
}

}  // namespace sekisho::dataplane
