#include "dataplane/stage/esp_packet.h"

#include <array>
#include <cstring>

#include "dataplane/stage/wire.h"

namespace sekisho::dataplane {
namespace {

// 1, 2, 3, ... 255: the padding that a sender uses and a receiver inspects (RFC 4303 section 2.4).
constexpr auto counting = [] {
  std::array<uint8_t, 255> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i + 1);
  return bytes;
}();

EspFind locate(const uint8_t* bytes, size_t offset, size_t length, bool udp, EspLocation& out) {
  if (length < esp_header_size) return EspFind::truncated;
  out = {static_cast<uint16_t>(offset), static_cast<uint16_t>(length), load32(bytes + offset), udp};
  return EspFind::found;
}

// RFC 3948 section 2.2: on port 4500 four zero bytes mark IKE; section 2.3: a single byte is a keepalive.
EspFind find_in_udp(const uint8_t* bytes, const IpHeader& header, EspLocation& out) {
  const uint8_t* udp = bytes + header.header_length;
  const size_t available = size_t{header.length} - header.header_length;
  if (!header.first || available < udp_header_size || load16(udp + 2) != esp_udp_port) return EspFind::none;
  const size_t length = load16(udp + 4);
  // A fragment's UDP length is that of the whole datagram.
  if (length < udp_header_size + 4 || available < udp_header_size + 4) return EspFind::none;
  if (load32(udp + udp_header_size) == 0) return EspFind::none;
  if (header.fragment) return EspFind::fragment;
  if (length > available) return EspFind::truncated;
  return locate(bytes, header.header_length + udp_header_size, length - udp_header_size, true, out);
}

}  // namespace

EspFind find_esp(const uint8_t* bytes, const IpHeader& header, EspLocation& out) {
  if (header.protocol == protocol_udp) return find_in_udp(bytes, header, out);
  if (header.protocol != protocol_esp) return EspFind::none;
  if (header.fragment) return EspFind::fragment;
  return locate(bytes, header.header_length, size_t{header.length} - header.header_length, false, out);
}

std::optional<EspTrailer> check_trailer(const uint8_t* plain, size_t length) {
  if (length < esp_trailer_size) return {};
  const uint8_t padding = plain[length - 2];
  if (padding + esp_trailer_size > length) return {};
  const size_t payload = length - esp_trailer_size - padding;
  for (size_t i = 0; i < padding; ++i)
    if (plain[payload + i] != i + 1) return {};
  return EspTrailer{static_cast<uint16_t>(payload), plain[length - 1]};
}

void write_trailer(uint8_t* end_of_payload, uint8_t padding, uint8_t next_header) {
  std::memcpy(end_of_payload, counting.data(), padding);
  end_of_payload[padding] = padding;
  end_of_payload[padding + 1] = next_header;
}

}  // namespace sekisho::dataplane
