// IPv4 and IPv6 headers: the checks that a packet passes before anything else looks at it, and what may be changed in
// one. All of it works on plain bytes and reads nothing past `available`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/sa/selectors.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {

inline constexpr uint8_t protocol_ipv4 = 4, protocol_tcp = 6, protocol_udp = 17, protocol_ipv6 = 41, protocol_esp = 50,
                         protocol_icmp = 1, protocol_icmpv6 = 58;
inline constexpr size_t ipv4_header_size = 20, ipv6_header_size = 40, udp_header_size = 8;

struct IpHeader {
  uint16_t length = 0;        // of the whole packet; at most `available`
  uint8_t family = 0;         // 4, 6
  uint8_t header_length = 0;  // IPv6: of the base header
  uint8_t protocol = 0;       // IPv6: the base header's next header
  bool fragment = false;      // IPv4: any fragment
  bool first = true;          // IPv4: offset 0
};

enum class IpVerdict : uint8_t {
  forward,
  punt,       // well-formed, but the kernel's business: options, hop-by-hop, multicast, link-local
  malformed,  // header, length or checksum wrong; an address that no packet may carry (RFC 1812 section 5.3.7)
};

// The header at `bytes`, whose version decides. `out` is filled in unless malformed.
IpVerdict check_ip(const uint8_t* bytes, size_t available, IpHeader& out);
IpVerdict check_ipv4(const uint8_t* bytes, size_t available, IpHeader& out);
IpVerdict check_ipv6(const uint8_t* bytes, size_t available, IpHeader& out);

// The most packets have an IPv4 header of 20 bytes, and nothing about it is special: true if `bytes` holds such a one,
// which check_ipv4() would let pass too. False says nothing.
bool is_usual_ipv4(const uint8_t* bytes, size_t available, IpHeader& out);

// Folds a sum of 16-bit words, in whatever byte order they were (a one's complement sum does not mind, RFC 1071).
constexpr uint16_t fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}
// The one's complement sum over a header of 4-byte multiples, folded: 0xffff where its checksum is right.
uint16_t header_sum(const uint8_t* bytes, size_t length);

// TTL or hop limit. decrement() wants it above 1, and keeps the IPv4 checksum (RFC 1624).
inline uint8_t hop_limit(const uint8_t* bytes, uint8_t family) { return bytes[family == 4 ? 8 : 7]; }
void decrement_hop_limit(uint8_t* bytes, uint8_t family);

// DSCP and ECN as one byte: TOS or traffic class.
uint8_t traffic_class(const uint8_t* bytes, uint8_t family);

// Propagates congestion from the outer header to the inner at decapsulation (RFC 6040 section 4.2). False: the
// combination is illegal and the packet is to be dropped.
[[nodiscard]] bool propagate_ecn(uint8_t outer_traffic_class, uint8_t* inner, uint8_t family);
// Whether the outer header says something that the inner one may have to learn: CE or ECT(1).
constexpr bool tells_ecn(uint8_t outer_traffic_class) { return (outer_traffic_class & 1) != 0; }

// What selectors look at; with `ports`, also the transport protocol behind IPv6 extension headers and the ports.
// `bytes` passed check_ip.
Flow flow_of(const uint8_t* bytes, const IpHeader& header, bool ports);

// -------------------------------------------------------------------------------------------------------------- inline

inline bool is_usual_ipv4(const uint8_t* bytes, size_t available, IpHeader& out) {
  if (available < ipv4_header_size || bytes[0] != 0x45) return false;
  const uint64_t start = load_raw<uint64_t>(bytes), middle = load_raw<uint64_t>(bytes + 8);
  const uint32_t destination = load_raw<uint32_t>(bytes + 16);
  // 32-bit words, added up in 64 bits: the carries are folded in afterwards.
  const uint16_t sum =
      fold((start & 0xffffffff) + (start >> 32) + (middle & 0xffffffff) + (middle >> 32) + destination);
  const uint16_t length = load16(bytes + 2);
  const uint16_t fragment = load16(bytes + 6);
  // Neither 0/8, nor loopback, nor multicast or class E.
  const auto usual = [](unsigned net) { return (net - 1 < 223) & (net != 127); };
  out = {.length = length,
         .family = 4,
         .header_length = ipv4_header_size,
         .protocol = bytes[9],
         .fragment = (fragment & 0x3fff) != 0,
         .first = (fragment & 0x1fff) == 0};
  return (length <= available) & (length >= ipv4_header_size) & (sum == 0xffff) & usual(bytes[12]) & usual(bytes[16]);
}

inline void decrement_hop_limit(uint8_t* bytes, uint8_t family) {
  if (family == 6) {
    --bytes[7];
    return;
  }
  // TTL, protocol and checksum by one load and one store. RFC 1624 equation 3, HC' = ~(~HC + ~m + m'), where the word m
  // with the TTL becomes m - 0x0100, so that ~m + m' is 0xfeff.
  const uint32_t word = load32(bytes + 8);
  const uint32_t checksum = (~word & 0xffff) + 0xfeff;
  store32(bytes + 8, ((word - 0x01000000) & 0xffff0000) | (~((checksum & 0xffff) + (checksum >> 16)) & 0xffff));
}

inline uint8_t traffic_class(const uint8_t* bytes, uint8_t family) {
  return family == 4 ? bytes[1] : static_cast<uint8_t>(load16(bytes) >> 4);
}

}  // namespace sekisho::dataplane
