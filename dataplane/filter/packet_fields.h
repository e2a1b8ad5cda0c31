// What security groups look at in a packet. Everything behind the IP header is as hostile as its sender; nothing is
// read past the packet's end.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/sa/selectors.h"
#include "dataplane/stage/ip_header.h"

namespace sekisho::dataplane {

inline constexpr uint8_t protocol_igmp = 2, protocol_sctp = 132;
inline constexpr uint8_t tcp_fin = 0x01, tcp_syn = 0x02, tcp_rst = 0x04, tcp_ack = 0x10;

enum class IcmpKind : uint8_t {
  none,     // no ICMP
  request,  // echo and timestamp: a query that is answered
  reply,
  error,  // quotes the packet that it is about
  other,
};

struct PacketFields {
  enum class Piece : uint8_t { whole, first, later };  // of a fragmented packet

  AddressValue source = 0, destination = 0;
  uint8_t family = 4;
  uint8_t protocol = 0;  // behind IPv6 extension headers
  Piece piece = Piece::whole;
  bool has_ports = false;
  // Headers that it should show and does not: an IPv6 chain without an end (Ipv6Transport), a header of TCP, UDP, SCTP
  // or ICMP that does not end within the packet or its first fragment (RFC 1858, RFC 7112), or a later fragment that
  // would bring TCP's flags. Nobody sends that in good faith.
  bool hides_header = false;
  // IPv6: it goes elsewhere than its destination says: no rule speaks of that.
  bool source_routed = false;
  uint8_t tcp_flags = 0;
  IcmpKind icmp = IcmpKind::none;
  bool has_type = false;
  uint8_t type = 0;                                // ICMP
  uint8_t request_type = 0;                        // ICMP queries: of the request, also in its reply
  uint16_t source_port = 0, destination_port = 0;  // ICMP queries: the identifier in the first
  uint32_t identification = 0;                     // fragments
  const uint8_t* quoted = nullptr;                 // ICMP errors: the packet that they are about
  size_t quoted_length = 0;

  bool opens_tcp() const { return protocol == protocol_tcp && (tcp_flags & (tcp_syn | tcp_ack)) == tcp_syn; }
};

// Of a packet that passed check_ip().
PacketFields fields_of(const uint8_t* bytes, const IpHeader& header);
// Of a packet that stands in an ICMP error, cut short perhaps. False: there is no header to go by.
[[nodiscard]] bool quoted_fields(const uint8_t* bytes, size_t available, PacketFields& out);

}  // namespace sekisho::dataplane
