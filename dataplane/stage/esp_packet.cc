#include "dataplane/stage/esp_packet.h"

namespace sekisho::dataplane {

IpHeader fragment_header(const uint8_t* bytes, const IpHeader& header) {
  IpHeader result = header;
  if (header.family != 6 || header.protocol != protocol_fragment) return result;
  if (header.length < ipv6_header_size + fragment_header_size) return result;
  result.protocol = bytes[ipv6_header_size];
  result.header_length = ipv6_header_size + fragment_header_size;
  result.fragment = true;  // be it the only one (RFC 6946)
  result.first = (load16(bytes + ipv6_header_size + 2) & 0xfff8) == 0;
  return result;
}

// RFC 3948 section 2.2: on port 4500 four zero bytes mark IKE; section 2.3: a single byte is a keepalive.
EspFind find_esp_in_udp(const uint8_t* bytes, const IpHeader& header, EspLocation& out) {
  const uint8_t* udp = bytes + header.header_length;
  const size_t available = size_t{header.length} - header.header_length;
  if (!header.first || available < udp_header_size || load16(udp + 2) != esp_udp_port) return EspFind::none;
  const size_t length = load16(udp + 4);
  // A fragment's UDP length is that of the whole datagram.
  if (length < udp_header_size + 4 || available < udp_header_size + 4) return EspFind::none;
  if (load32(udp + udp_header_size) == 0) return EspFind::none;
  if (header.fragment) return EspFind::fragment;
  if (length > available) return EspFind::truncated;
  return locate_esp(bytes, header.header_length + udp_header_size, length - udp_header_size, true, out);
}

}  // namespace sekisho::dataplane
