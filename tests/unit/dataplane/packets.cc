#include "tests/unit/dataplane/packets.h"

#include <algorithm>

namespace sekisho::dataplane::test {
namespace {

// RFC 1071, the plain way.
uint16_t internet_checksum(ByteView bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) sum += static_cast<uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

Bytes ipv4(const IpFields& fields, const IpAddress& source, const IpAddress& destination, ByteView payload) {
  const size_t header = fields.options ? 24 : 20;
  ByteWriter out;
  out.u8(static_cast<uint8_t>(0x40 | header / 4));
  out.u8(fields.tos);
  out.u16(static_cast<uint16_t>(header + payload.size()));
  out.u16(0x1234);
  out.u16(fields.fragment);
  out.u8(fields.ttl);
  out.u8(fields.protocol);
  out.u16(0);
  out.bytes(source.bytes());
  out.bytes(destination.bytes());
  if (fields.options) out.u32(0x94040000);
  Bytes packet = std::move(out).take();
  const uint16_t checksum = internet_checksum(packet);
  packet[10] = static_cast<uint8_t>(checksum >> 8);
  packet[11] = static_cast<uint8_t>(checksum);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

Bytes ipv6(const IpFields& fields, const IpAddress& source, const IpAddress& destination, ByteView payload) {
  ByteWriter out;
  out.u32(6u << 28 | static_cast<uint32_t>(fields.tos) << 20 | 0x12345);
  out.u16(static_cast<uint16_t>(payload.size()));
  out.u8(fields.protocol);
  out.u8(fields.ttl);
  out.bytes(source.bytes());
  out.bytes(destination.bytes());
  out.bytes(payload);
  return std::move(out).take();
}

}  // namespace

Bytes udp(uint16_t source_port, uint16_t destination_port, ByteView payload) {
  ByteWriter out;
  out.u16(source_port);
  out.u16(destination_port);
  out.u16(static_cast<uint16_t>(8 + payload.size()));
  out.u16(0);
  out.bytes(payload);
  return std::move(out).take();
}

Bytes text(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>('a' + i * 7 % 26);
  return bytes;
}

Bytes ip(const IpFields& fields, ByteView payload) {
  const auto source = IpAddress::parse(fields.source).value();
  const auto destination = IpAddress::parse(fields.destination).value();
  return source.is_v4() ? ipv4(fields, source, destination, payload) : ipv6(fields, source, destination, payload);
}

Bytes ethernet(const MacAddress& destination, const MacAddress& source, uint16_t type, ByteView payload) {
  ByteWriter out;
  out.bytes(destination.bytes);
  out.bytes(source.bytes);
  out.u16(type);
  out.bytes(payload);
  return std::move(out).take();
}

Bytes ethernet(const MacAddress& destination, const MacAddress& source, ByteView packet) {
  return ethernet(destination, source, packet[0] >> 4 == 6 ? 0x86dd : 0x0800, packet);
}

void fix_checksum(Bytes& frame, size_t offset) {
  const size_t header = size_t{4} * (frame[offset] & 0xf);
  frame[offset + 10] = frame[offset + 11] = 0;
  const uint16_t checksum = internet_checksum(ByteView(frame).subspan(offset, header));
  frame[offset + 10] = static_cast<uint8_t>(checksum >> 8);
  frame[offset + 11] = static_cast<uint8_t>(checksum);
}

Bytes after_hops(Bytes packet, uint8_t count) {
  const bool v4 = packet[0] >> 4 == 4;
  packet[v4 ? 8 : 7] = static_cast<uint8_t>(packet[v4 ? 8 : 7] - count);
  if (v4) fix_checksum(packet, 0);
  return packet;
}

bool contains(ByteView haystack, ByteView needle) { return !std::ranges::search(haystack, needle).empty(); }

}  // namespace sekisho::dataplane::test
