#include "control/ike/wire/traffic_selectors.h"

namespace sekisho::ike::wire {
namespace {

// Section 3.13.1.
constexpr uint8_t ipv4_range = 7, ipv6_range = 8;

std::unexpected<DecodeError> malformed(std::string_view reason) {
  return std::unexpected(DecodeError{NotifyType::invalid_syntax, reason});
}

// RFC 4301 section 4.4.1.1 writes OPAQUE as the range from 65535 down to 0.
bool opaque_ports(const TrafficSelector& selector) { return selector.first_port == 0xffff && selector.last_port == 0; }

//  | type       | protocol   | length      |
//  | first port              | last port   |
//  | first address | last address          |
Decoded<TrafficSelector> decode_range(uint8_t type, uint8_t protocol, ByteView body) {
  ByteReader reader(body);
  const size_t address_size = type == ipv4_range ? 4 : 16;
  TrafficSelector selector;
  selector.protocol = protocol;
  selector.first_port = reader.u16();
  selector.last_port = reader.u16();
  const auto first = IpAddress::from_bytes(reader.bytes(address_size));
  const auto last = IpAddress::from_bytes(reader.bytes(address_size));
  if (!reader.finished() || !first || !last) return malformed("traffic selector of the wrong length for its type");
  selector.first = *first;
  selector.last = *last;
  if (selector.last < selector.first) return malformed("traffic selector's addresses are out of order");
  if (selector.last_port < selector.first_port && !opaque_ports(selector))
    return malformed("traffic selector's ports are out of order");
  return selector;
}

}  // namespace

Decoded<std::vector<TrafficSelector>> decode_traffic_selectors(ByteView body) {
  ByteReader reader(body);
  const uint8_t count = reader.u8();
  reader.skip(3);
  if (!reader.ok()) return malformed("traffic selector payload truncated");
  if (count == 0) return malformed("no traffic selector");
  std::vector<TrafficSelector> selectors;
  for (unsigned i = 0; i < count; ++i) {
    const uint8_t type = reader.u8();
    const uint8_t protocol = reader.u8();
    const uint16_t length = reader.u16();
    if (!reader.ok() || length < 4) return malformed("traffic selector shorter than its header");
    const ByteView range = reader.bytes(length - 4u);
    if (!reader.ok()) return malformed("traffic selector truncated");
    if (type != ipv4_range && type != ipv6_range) continue;
    Decoded<TrafficSelector> selector = decode_range(type, protocol, range);
    if (!selector) return std::unexpected(selector.error());
    selectors.push_back(*selector);
  }
  if (!reader.finished()) return malformed("bytes behind the last traffic selector");
  return selectors;
}

void encode_traffic_selectors(ByteWriter& writer, std::span<const TrafficSelector> selectors) {
  writer.u8(static_cast<uint8_t>(selectors.size()));
  writer.zeros(3);
  for (const TrafficSelector& selector : selectors) {
    writer.u8(selector.first.is_v4() ? ipv4_range : ipv6_range);
    writer.u8(selector.protocol);
    writer.u16(static_cast<uint16_t>(8 + 2 * selector.first.size()));
    writer.u16(selector.first_port);
    writer.u16(selector.last_port);
    writer.bytes(selector.first.bytes());
    writer.bytes(selector.last.bytes());
  }
}

}  // namespace sekisho::ike::wire
