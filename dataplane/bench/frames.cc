#include "dataplane/bench/frames.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "dataplane/stage/esp_packet.h"
#include "dataplane/stage/ip_header.h"
#include "dataplane/stage/wire.h"

namespace sekisho::dataplane::bench {
namespace {

constexpr uint8_t payload_byte = 0x5a;
constexpr uint16_t first_port = 49152, discard_port = 9;

uint32_t sum_of(const uint8_t* bytes, size_t length) {
  uint32_t sum = 0;
  for (size_t i = 0; i < length; i += 2) sum += load16(bytes + i);
  return sum;
}

uint16_t checksum(uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

void write_ipv4(uint8_t* out, const uint8_t* source, const uint8_t* destination, uint8_t protocol, uint16_t length,
                uint8_t hop_limit) {
  const uint8_t start[12] = {0x45, 0, 0, 0, 0, 0, 0, 0, hop_limit, protocol, 0, 0};
  std::copy_n(start, sizeof start, out);
  store16(out + 2, length);
  std::copy_n(source, 4, out + 12);
  std::copy_n(destination, 4, out + 16);
  store16(out + 10, checksum(sum_of(out, ipv4_header_size)));
}

void write_ipv6(uint8_t* out, const Flow& flow, uint16_t length, uint8_t hop_limit) {
  const uint8_t start[8] = {0x60, 0, 0, 0, 0, 0, protocol_udp, hop_limit};
  std::copy_n(start, sizeof start, out);
  store16(out + 4, static_cast<uint16_t>(length - ipv6_header_size));
  std::ranges::copy(flow.source, out + 8);
  std::ranges::copy(flow.destination, out + 24);
}

}  // namespace

std::vector<FrameSize> frame_sizes(FrameSize size, size_t count) {
  if (size != imix) return std::vector<FrameSize>(count, size);
  constexpr FrameSize mix[] = {64, 64, 64, 64, 64, 64, 64, 570, 570, 570, 570, 1418};
  std::vector<FrameSize> sizes(count);
  for (size_t i = 0; i < count; ++i) sizes[i] = mix[i % std::size(mix)];
  std::ranges::shuffle(sizes, std::mt19937(1));
  return sizes;
}

void write_inner(uint8_t* out, Family family, const Packet& packet, uint8_t hop_limit) {
  const auto length = static_cast<uint16_t>(packet.frame - ethernet_size);
  const Flow& flow = *packet.flow;
  const size_t addresses = family == Family::ipv4 ? 8 : 32;
  const size_t header = family == Family::ipv4 ? ipv4_header_size : ipv6_header_size;
  if (family == Family::ipv4)
    write_ipv4(out, flow.source.data(), flow.destination.data(), protocol_udp, length, hop_limit);
  else
    write_ipv6(out, flow, length, hop_limit);
  uint8_t* udp = out + header;
  const auto udp_length = static_cast<uint16_t>(length - header);
  store16(udp, static_cast<uint16_t>(first_port + packet.index));
  store16(udp + 2, discard_port);
  store16(udp + 4, udp_length);
  store16(udp + 6, 0);
  const size_t payload = udp_length - udp_size;
  std::memset(udp + udp_size, payload_byte, payload);
  // The pseudo header (RFC 768, RFC 8200 section 8.1) ends with the length and the protocol.
  uint32_t sum = sum_of(udp - addresses, addresses) + udp_length + protocol_udp + sum_of(udp, udp_size);
  sum += static_cast<uint32_t>(payload / 2) * (payload_byte << 8 | payload_byte);
  if (payload % 2 != 0) sum += payload_byte << 8;
  const uint16_t check = checksum(sum);
  store16(udp + 6, check == 0 ? 0xffff : check);
}

uint16_t index_of(const uint8_t* inner, Family family) {
  const size_t header = family == Family::ipv4 ? ipv4_header_size : ipv6_header_size;
  return static_cast<uint16_t>(load16(inner + header) - first_port);
}

void write_ethernet(uint8_t* out, const MacAddress& destination, const MacAddress& source, Family family) {
  std::ranges::copy(destination.bytes, out);
  std::ranges::copy(source.bytes, out + 6);
  store16(out + 12, family == Family::ipv4 ? 0x0800 : 0x86dd);
}

void write_outer(uint8_t* out, const IpAddress& source, const IpAddress& destination, uint16_t length) {
  write_ipv4(out, source.bytes().data(), destination.bytes().data(), protocol_esp, length, 64);
}

EspLayout::EspLayout(EspSuite suite, FrameSize frame) : inner(static_cast<uint16_t>(frame - ethernet_size)) {
  const EspSuiteInfo& suite_info = info(suite);
  offset = static_cast<uint16_t>(esp_header_size + suite_info.iv);
  padding = padding_for(inner, suite_info.block);
  esp = static_cast<uint16_t>(offset + inner + padding + esp_trailer_size + suite_info.icv);
}

}  // namespace sekisho::dataplane::bench
