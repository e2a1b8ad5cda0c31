#include "control/ike/v1/suite/identities.h"

#include <algorithm>

namespace sekisho::ike::v1::suite {
namespace {

using wire::IdType;

// The prefix of a range, where it is one.
std::optional<Prefix> as_prefix(const TrafficSelector& selector) {
  for (unsigned length = 0; length <= selector.first.bits(); ++length) {
    const Prefix prefix(selector.first, length);
    if (prefix.address() == selector.first && prefix.last() == selector.last) return prefix;
  }
  return {};
}

Bytes mask_of(const Prefix& prefix) {
  Bytes mask(prefix.address().size());
  for (unsigned bit = 0; bit < prefix.length(); ++bit) mask[bit / 8] |= static_cast<uint8_t>(0x80 >> (bit % 8));
  return mask;
}

// The length of a mask of ones and then zeros.
std::optional<unsigned> mask_length(ByteView mask) {
  unsigned length = 0;
  while (length < mask.size() * 8 && (mask[length / 8] & (0x80 >> (length % 8))) != 0) ++length;
  for (unsigned bit = length; bit < mask.size() * 8; ++bit)
    if ((mask[bit / 8] & (0x80 >> (bit % 8))) != 0) return {};
  return length;
}

std::optional<TrafficSelector> decode_range(ByteView data, bool subnet) {
  const auto first = IpAddress::from_bytes(data.first(data.size() / 2));
  const ByteView rest = data.last(data.size() / 2);
  if (!first) return {};
  if (subnet) {
    const auto length = mask_length(rest);
    if (!length) return {};
    return TrafficSelector::from_prefix(Prefix(*first, *length));
  }
  const auto last = IpAddress::from_bytes(rest);
  if (!last || *last < *first) return {};
  return TrafficSelector{*first, *last};
}

std::optional<TrafficSelector> decode_addresses(const wire::Identification& payload) {
  switch (payload.id_type) {
    case IdType::ipv4_address:
    case IdType::ipv6_address:
      if (const auto address = IpAddress::from_bytes(payload.data)) return TrafficSelector{*address, *address};
      return {};
    case IdType::ipv4_subnet:
    case IdType::ipv6_subnet:
      return decode_range(payload.data, true);
    case IdType::ipv4_range:
    case IdType::ipv6_range:
      return decode_range(payload.data, false);
    default:
      return {};
  }
}

}  // namespace

wire::Identification encode_identity(const Identity& identity) {
  const ByteView value = as_bytes(identity.value);
  return {static_cast<IdType>(identity.type), 0, 0, {value.begin(), value.end()}};
}

Identity decode_identity(const wire::Identification& payload) {
  return {static_cast<Identity::Type>(payload.id_type), std::string(as_text(payload.data))};
}

wire::Identification encode_selector(const TrafficSelector& selector) {
  const bool v4 = selector.first.is_v4();
  const auto prefix = as_prefix(selector);
  wire::Identification payload;
  payload.protocol = selector.protocol;
  // One port or any; what lies between cannot be said.
  payload.port = selector.first_port == selector.last_port ? selector.first_port : 0;
  ByteWriter data;
  data.bytes(selector.first.bytes());
  if (selector.first == selector.last) {
    payload.id_type = v4 ? IdType::ipv4_address : IdType::ipv6_address;
  } else if (prefix) {
    payload.id_type = v4 ? IdType::ipv4_subnet : IdType::ipv6_subnet;
    data.bytes(mask_of(*prefix));
  } else {
    payload.id_type = v4 ? IdType::ipv4_range : IdType::ipv6_range;
    data.bytes(selector.last.bytes());
  }
  payload.data = std::move(data).take();
  return payload;
}

std::optional<TrafficSelector> decode_selector(const wire::Identification& payload) {
  auto selector = decode_addresses(payload);
  if (!selector) return {};
  selector->protocol = payload.protocol;
  if (payload.port != 0) selector->first_port = selector->last_port = payload.port;
  return selector;
}

}  // namespace sekisho::ike::v1::suite
