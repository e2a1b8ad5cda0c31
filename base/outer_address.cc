#include "base/outer_address.h"

namespace sekisho {

std::string_view unicast_fault(const IpAddress& address) {
  if (address.is_any()) return "is the unspecified address";
  const ByteView bytes = address.bytes();
  if (address.is_v4()) {
    if (bytes[0] == 127) return "is a loopback address";
    if (bytes[0] == 0) return "is in 0.0.0.0/8, which no host has";
    if (bytes[0] >= 240) return "is in 240.0.0.0/4, which no host has";
    if (bytes[0] >= 224) return "is a multicast address";
    return {};
  }
  if (address == *IpAddress::parse("::1")) return "is the loopback address";
  if (bytes[0] == 0xff) return "is a multicast address";
  if (Prefix(*IpAddress::parse("::ffff:0:0"), 96).contains(address)) return "is an IPv4-mapped address";
  return {};
}

std::string_view outer_address_fault(const IpAddress& address) {
  const ByteView bytes = address.bytes();
  if (!address.is_v4() && bytes[0] == 0xfe && bytes[1] >> 6 == 2) return "is a link-local address";
  return unicast_fault(address);
}

}  // namespace sekisho
