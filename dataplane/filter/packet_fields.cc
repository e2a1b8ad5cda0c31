#include "dataplane/filter/packet_fields.h"

#include <algorithm>
#include <optional>
#include <span>

namespace sekisho::dataplane {
namespace {

constexpr size_t tcp_header_size = 20, udp_header_size = 8, sctp_header_size = 12, icmp_header_size = 8;

struct Query {
  uint8_t request, reply;
};
constexpr Query ipv4_queries[] = {{8, 0}, {13, 14}};  // echo, timestamp (RFC 792)
constexpr Query ipv6_queries[] = {{128, 129}};        // echo (RFC 4443)

// Destination unreachable, source quench, time exceeded, parameter problem; in ICMPv6 also packet too big. A redirect
// is none: it would move traffic.
bool is_error(uint8_t family, uint8_t type) {
  if (family == 6) return type >= 1 && type <= 4;
  return type == 3 || type == 4 || type == 11 || type == 12;
}

void read_icmp(PacketFields& out, const uint8_t* header, size_t available) {
  out.icmp = IcmpKind::other;
  if (available < icmp_header_size) return;
  out.has_type = true;
  out.type = header[0];
  const std::span<const Query> queries = out.family == 4 ? std::span<const Query>(ipv4_queries) : ipv6_queries;
  for (const Query& query : queries) {
    if (out.type != query.request && out.type != query.reply) continue;
    out.icmp = out.type == query.request ? IcmpKind::request : IcmpKind::reply;
    out.request_type = query.request;
    out.source_port = load16(header + 4);
    return;
  }
  if (!is_error(out.family, out.type)) return;
  out.icmp = IcmpKind::error;
  out.quoted = header + icmp_header_size;
  out.quoted_length = available - icmp_header_size;
}

// What of a transport header has to be there; TCP's options and an ICMP message's body may be missing.
size_t least_header_size(const PacketFields& packet) {
  switch (packet.protocol) {
    case protocol_tcp:
      return tcp_header_size;
    case protocol_udp:
      return udp_header_size;
    case protocol_sctp:
      return sctp_header_size;
    case protocol_icmp:
      return packet.family == 4 ? icmp_header_size : 0;
    case protocol_icmpv6:
      return packet.family == 6 ? icmp_header_size : 0;
    default:
      return 0;
  }
}

// What is there is read even of a header that is cut short: an ICMP error may quote no more.
void read_transport(PacketFields& out, const uint8_t* header, size_t available) {
  out.hides_header = available < least_header_size(out);
  switch (out.protocol) {
    case protocol_tcp:
      if (available > 13) out.tcp_flags = header[13];
      [[fallthrough]];
    case protocol_udp:
    case protocol_sctp:
      if (available < 4) return;
      out.has_ports = true;
      out.source_port = load16(header);
      out.destination_port = load16(header + 2);
      return;
    case protocol_icmp:
      if (out.family == 4) read_icmp(out, header, available);
      return;
    case protocol_icmpv6:
      if (out.family == 6) read_icmp(out, header, available);
      return;
    default:
      return;
  }
}

// `offset` in octets.
void read_piece(PacketFields& out, size_t offset, bool more) {
  using Piece = PacketFields::Piece;
  if (offset != 0)
    out.piece = Piece::later;
  else if (more)
    out.piece = Piece::first;
  out.hides_header = out.protocol == protocol_tcp && offset == 8;
}

}  // namespace

PacketFields fields_of(const uint8_t* bytes, const IpHeader& header) {
  PacketFields out;
  const Flow ends = flow_of(bytes, header, false);
  out.family = header.family;
  out.source = ends.source;
  out.destination = ends.destination;
  std::optional<size_t> transport;
  if (header.family == 4) {
    const uint16_t word = load16(bytes + 6);
    out.protocol = header.protocol;
    out.identification = load16(bytes + 4);
    read_piece(out, size_t{8} * (word & ipv4_fragment_offset), (word & ipv4_more_fragments) != 0);
    transport = header.header_length;
  } else {
    const Ipv6Transport found = find_ipv6_transport(bytes, header);
    out.protocol = found.protocol;
    out.source_routed = found.source_routed;
    transport = found.at;
    if (found.fragment) {
      const uint16_t word = load16(bytes + *found.fragment + 2);
      out.identification = load32(bytes + *found.fragment + 4);
      read_piece(out, word & 0xfff8, (word & 1) != 0);
    }
  }
  if (out.piece == PacketFields::Piece::later) return out;
  if (transport && *transport <= header.length)
    read_transport(out, bytes + *transport, header.length - *transport);
  else
    out.hides_header = true;
  return out;
}

bool quoted_fields(const uint8_t* bytes, size_t available, PacketFields& out) {
  if (available < ipv4_header_size) return false;
  IpHeader header;
  header.family = bytes[0] >> 4;
  if (header.family == 4) {
    header.header_length = static_cast<uint8_t>(4 * (bytes[0] & 0x0f));
    if (header.header_length < ipv4_header_size || header.header_length > available) return false;
    header.protocol = bytes[9];
  } else {
    if (header.family != 6 || available < ipv6_header_size) return false;
    header.header_length = ipv6_header_size;
    header.protocol = bytes[6];
  }
  header.length = static_cast<uint16_t>(std::min<size_t>(available, UINT16_MAX));
  out = fields_of(bytes, header);
  return true;
}

}  // namespace sekisho::dataplane
