#include "dataplane/stage/ip_header.h"

namespace sekisho::dataplane {
namespace {

constexpr uint8_t ecn_not_ect = 0, ecn_ect1 = 1;

// 0.0.0.0/8, 127.0.0.0/8, multicast and class E (RFC 1122 section 3.2.1.3).
bool impossible_ipv4_source(uint32_t address) {
  const uint32_t net = address >> 24;
  return net == 0 || net == 127 || net >= 224;
}

// The header's form, length and checksum; `out` is filled in where they are right.
bool is_sound_ipv4(const uint8_t* bytes, size_t available, IpHeader& out) {
  if (available < ipv4_header_size || bytes[0] >> 4 != 4) return false;
  const size_t header_length = size_t{4} * (bytes[0] & 0x0f);
  const uint16_t length = load16(bytes + 2);
  if (header_length < ipv4_header_size || length < header_length || length > available) return false;
  if (header_sum(bytes, header_length) != 0xffff) return false;
  const uint16_t fragment = load16(bytes + 6);
  out = {.length = length,
         .family = 4,
         .header_length = static_cast<uint8_t>(header_length),
         .protocol = bytes[9],
         .fragment = (fragment & 0x3fff) != 0,
         .first = (fragment & 0x1fff) == 0};
  return true;
}

struct Ipv6Words {
  uint64_t high, low;
  explicit Ipv6Words(const uint8_t* at) : high(load64(at)), low(load64(at + 8)) {}
  bool multicast() const { return high >> 56 == 0xff; }
  bool link_local() const { return high >> 54 == 0xfe80 >> 6; }
  bool unspecified() const { return high == 0 && low == 0; }
  bool loopback() const { return high == 0 && low == 1; }
};

AddressValue ipv6_value(const uint8_t* at) { return AddressValue{load64(at)} << 64 | load64(at + 8); }

void add_ports(Flow& flow, const uint8_t* transport, size_t available) {
  if (flow.protocol == protocol_icmp || flow.protocol == protocol_icmpv6) {
    if (available < 2) return;
    flow.source_port = flow.destination_port = load16(transport);
  } else {
    if (available < 4) return;
    flow.source_port = load16(transport);
    flow.destination_port = load16(transport + 2);
  }
  flow.has_ports = true;
}

void set_ecn(uint8_t* bytes, uint8_t family, uint8_t ecn) {
  const uint16_t before = load16(bytes);
  const int shift = family == 4 ? 0 : 4;
  const auto after = static_cast<uint16_t>((before & ~(ecn_mask << shift)) | ecn << shift);
  store16(bytes, after);
  if (family == 4) patch_checksum(bytes + 10, before, after);
}

}  // namespace

uint64_t sum_of(const uint8_t* bytes, size_t length) {
  uint64_t sum = 0;
  size_t i = 0;
  for (; i + 4 <= length; i += 4) sum += load_raw<uint32_t>(bytes + i);
  if (i + 2 <= length) {
    sum += load_raw<uint16_t>(bytes + i);
    i += 2;
  }
  return i < length ? sum + bytes[i] : sum;
}

uint16_t header_sum(const uint8_t* bytes, size_t length) { return fold(sum_of(bytes, length)); }

IpVerdict check_ipv4(const uint8_t* bytes, size_t available, IpHeader& out) {
  if (!is_sound_ipv4(bytes, available, out)) return IpVerdict::malformed;
  const uint32_t source = load32(bytes + 12), destination = load32(bytes + 16);
  if (impossible_ipv4_source(source) || destination >> 24 == 127) return IpVerdict::malformed;
  const bool special = out.header_length != ipv4_header_size || destination >> 28 >= 0xe || destination >> 24 == 0;
  return special ? IpVerdict::punt : IpVerdict::forward;
}

bool is_from_unnumbered_host(const uint8_t* bytes, size_t available, IpHeader& out) {
  if (!is_sound_ipv4(bytes, available, out) || load32(bytes + 12) != 0) return false;
  const uint32_t destination = load32(bytes + 16);
  return destination >> 28 == 0xe || destination == UINT32_MAX;
}

IpVerdict check_ipv6(const uint8_t* bytes, size_t available, IpHeader& out) {
  if (available < ipv6_header_size || bytes[0] >> 4 != 6) return IpVerdict::malformed;
  const size_t length = ipv6_header_size + load16(bytes + 4);
  if (length > available || length > UINT16_MAX) return IpVerdict::malformed;
  const Ipv6Words source(bytes + 8), destination(bytes + 24);
  if (source.multicast() || source.loopback() || destination.loopback() || destination.unspecified())
    return IpVerdict::malformed;
  out = {.length = static_cast<uint16_t>(length), .family = 6, .header_length = ipv6_header_size, .protocol = bytes[6]};
  const bool special = source.unspecified() || source.link_local() || destination.multicast() ||
                       destination.link_local() || out.protocol == 0;  // 0: hop-by-hop options
  return special ? IpVerdict::punt : IpVerdict::forward;
}

IpVerdict check_ip(const uint8_t* bytes, size_t available, IpHeader& out) {
  if (available == 0) return IpVerdict::malformed;
  return bytes[0] >> 4 == 6 ? check_ipv6(bytes, available, out) : check_ipv4(bytes, available, out);
}

bool propagate_ecn(uint8_t outer_traffic_class, uint8_t* inner, uint8_t family) {
  const uint8_t outer = outer_traffic_class & ecn_mask;
  const uint8_t own = traffic_class(inner, family) & ecn_mask;
  if (outer != ecn_ce && outer != ecn_ect1) return true;
  if (own == ecn_not_ect) return outer != ecn_ce;
  if (own != ecn_ce && own != outer) set_ecn(inner, family, outer);
  return true;
}

Ipv6Transport find_ipv6_transport(const uint8_t* bytes, const IpHeader& header) {
  constexpr uint8_t hop_by_hop = 0, routing = 43, destination_options = 60;
  Ipv6Transport found;
  found.protocol = header.protocol;
  size_t at = ipv6_header_size;
  // A bound on their number keeps hostile chains cheap.
  for (int i = 0; i < 8; ++i) {
    const bool options =
        found.protocol == hop_by_hop || found.protocol == routing || found.protocol == destination_options;
    if (!options && found.protocol != protocol_fragment) {
      found.at = at;
      return found;
    }
    if (at + 8 > header.length || (!options && found.fragment)) break;
    if (found.protocol == routing && bytes[at + 3] != 0) found.source_routed = true;
    if (!options) found.fragment = at;
    found.protocol = bytes[at];
    if (!options && (load16(bytes + at + 2) & 0xfff8) != 0) return found;
    at += options ? size_t{8} * (bytes[at + 1] + 1u) : 8;
  }
  return found;
}

Flow flow_of(const uint8_t* bytes, const IpHeader& header, bool ports) {
  Flow flow;
  flow.family = header.family;
  flow.protocol = header.protocol;
  if (header.family == 4) {
    flow.source = load32(bytes + 12);
    flow.destination = load32(bytes + 16);
    if (ports && header.first) add_ports(flow, bytes + header.header_length, header.length - header.header_length);
    return flow;
  }
  flow.source = ipv6_value(bytes + 8);
  flow.destination = ipv6_value(bytes + 24);
  if (!ports) return flow;
  const Ipv6Transport transport = find_ipv6_transport(bytes, header);
  flow.protocol = transport.protocol;
  if (transport.at && *transport.at <= header.length)
    add_ports(flow, bytes + *transport.at, header.length - *transport.at);
  return flow;
}

}  // namespace sekisho::dataplane
