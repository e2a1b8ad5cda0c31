// IPv4 and IPv6 headers: the checks that a packet passes before anything else looks at it, and what may be changed in
// one. All of it works on plain bytes and reads nothing past `available`.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/esp_size.h"
#include "dataplane/sa/selectors.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {

inline constexpr uint8_t protocol_ipv4 = 4, protocol_tcp = 6, protocol_udp = 17, protocol_ipv6 = 41, protocol_esp = 50,
                         protocol_icmp = 1, protocol_icmpv6 = 58, protocol_fragment = 44;

// The word of an IPv4 header that says about fragments; the offset counts eights of octets.
inline constexpr uint16_t ipv4_dont_fragment = 0x4000, ipv4_more_fragments = 0x2000, ipv4_fragment_offset = 0x1fff;

inline constexpr uint8_t ecn_mask = 3, ecn_ce = 3;

struct IpHeader {
  uint16_t length = 0;        // of the whole packet; at most `available`
  uint8_t family = 0;         // 4, 6
  uint8_t header_length = 0;  // IPv6: of the base header
  uint8_t protocol = 0;       // IPv6: the base header's next header
  bool fragment = false;      // IPv4: any fragment
  bool first = true;          // IPv4: offset 0

  friend bool operator==(const IpHeader&, const IpHeader&) = default;
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

// Whether it is what a host without an address sends on its link: from 0.0.0.0, which is malformed for check_ip(), to a
// multicast group or to 255.255.255.255 (RFC 1122 section 3.2.1.3; DHCP, IGMP). Then `out` is filled in.
bool is_from_unnumbered_host(const uint8_t* bytes, size_t available, IpHeader& out);

// Most packets have a header about which nothing is special: no options, no fragment, unicast addresses. True if
// `bytes` holds such a one, which check_ipv4() or check_ipv6() would let pass too, and then `out` is filled in. False
// says nothing.
bool is_usual_ipv4(const uint8_t* bytes, size_t available, IpHeader& out);
bool is_usual_ipv6(const uint8_t* bytes, size_t available, IpHeader& out);

// Folds a sum of 16-bit words, in whatever byte order they were (a one's complement sum does not mind, RFC 1071).
constexpr uint16_t fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}
// Such a sum, not folded, of at most UINT16_MAX bytes; an odd one at the end counts as if a zero followed.
uint64_t sum_of(const uint8_t* bytes, size_t length);
// The one's complement sum over a header of 4-byte multiples, folded: 0xffff where its checksum is right.
uint16_t header_sum(const uint8_t* bytes, size_t length);
// The checksum at `checksum` after one of the words that it covers has changed (RFC 1624 equation 3).
inline void patch_checksum(uint8_t* checksum, uint16_t before, uint16_t after) {
  const uint32_t sum = static_cast<uint16_t>(~load16(checksum)) + uint32_t{static_cast<uint16_t>(~before)} + after;
  store16(checksum, static_cast<uint16_t>(~fold(sum)));
}

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

// What stands behind the base header and the extension headers of an IPv6 packet.
struct Ipv6Transport {
  uint8_t protocol = 0;
  // Of its header; none in a fragment other than the first, and where the chain is cut short, has too many headers or
  // two fragment headers.
  std::optional<size_t> at;
  std::optional<size_t> fragment;  // where the fragment header is
  bool source_routed = false;      // a routing header has segments left
};
Ipv6Transport find_ipv6_transport(const uint8_t* bytes, const IpHeader& header);

// What selectors look at; with `ports`, also the transport protocol behind IPv6 extension headers and the ports.
// `bytes` passed check_ip.
Flow flow_of(const uint8_t* bytes, const IpHeader& header, bool ports);

// -------------------------------------------------------------------------------------------------------------- inline

// Made as one word: it is written at once, and can be read at once.
constexpr IpHeader usual_header(uint16_t length, uint8_t family, uint8_t header_length, uint8_t protocol) {
  constexpr uint64_t first = 1;
  return std::bit_cast<IpHeader>(uint64_t{length} | uint64_t{family} << 16 | uint64_t{header_length} << 24 |
                                 uint64_t{protocol} << 32 | first << 48);
}
static_assert(usual_header(1000, 4, 20, 50) ==
              IpHeader{
                  .length = 1000, .family = 4, .header_length = 20, .protocol = 50, .fragment = false, .first = true});

// By the first byte of an IPv4 address: neither 0/8, nor loopback, nor multicast or class E.
inline constexpr auto usual_nets = [] {
  std::array<bool, 256> usual{};
  for (size_t net = 1; net < 224; ++net) usual[net] = net != 127;
  return usual;
}();

inline bool is_usual_ipv4(const uint8_t* bytes, size_t available, IpHeader& out) {
  if (available < ipv4_header_size) return false;
  const uint64_t start = load_raw<uint64_t>(bytes), middle = load_raw<uint64_t>(bytes + 8);
  const uint32_t destination = load_raw<uint32_t>(bytes + 16);
  // Version 4, five words, and of the fragment word no bit but DF.
  const bool shape = (start & 0xff3f0000000000ff) == 0x45;
  // The words are added up with end-around carry, then half is added to half.
  uint64_t sum = start + middle;
  sum += sum < start;
  sum += destination;
  sum += sum < destination;
  const auto half = static_cast<uint32_t>((sum + std::rotl(sum, 32)) >> 32);
  const bool sound = (half + std::rotl(half, 16)) >> 16 == 0xffff;
  const uint16_t length = load16(bytes + 2);
  out = usual_header(length, 4, ipv4_header_size, bytes[9]);
  return shape & sound & (length >= ipv4_header_size) & (length <= available) & usual_nets[bytes[12]] &
         usual_nets[bytes[16]];
}

inline bool is_usual_ipv6(const uint8_t* bytes, size_t available, IpHeader& out) {
  if (available < ipv6_header_size) return false;
  const size_t length = ipv6_header_size + load16(bytes + 4);
  // Global unicast (2000::/3) and unique local addresses (fc00::/7).
  const auto usual = [](uint8_t first) { return (first >> 5 == 1) | (first >> 1 == 0xfc >> 1); };
  out = usual_header(static_cast<uint16_t>(length), 6, ipv6_header_size, bytes[6]);
  return (bytes[0] >> 4 == 6) & (length <= available) & (length <= UINT16_MAX) & (out.protocol != 0) & usual(bytes[8]) &
         usual(bytes[24]);
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
