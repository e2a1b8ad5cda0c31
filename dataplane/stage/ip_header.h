// IPv4 and IPv6 headers: the checks that a packet passes before anything else looks at it, and what may be changed in
// one. All of it works on plain bytes and reads nothing past `available`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/sa/selectors.h"

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

// What selectors look at; with `ports`, also the transport protocol behind IPv6 extension headers and the ports.
// `bytes` passed check_ip.
Flow flow_of(const uint8_t* bytes, const IpHeader& header, bool ports);

}  // namespace sekisho::dataplane
