// Packets made by hand, for the tests of the data path.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "base/bytes.h"

namespace sekisho::dataplane::test {

struct IpFields {
  const char* source;
  const char* destination;
  uint8_t protocol = 17;
  uint8_t ttl = 64;
  uint8_t tos = 0;
  uint16_t fragment = 0;  // IPv4: flags and offset
  bool options = false;   // IPv4: a router alert
};

// A UDP datagram with a recognizable payload.
Bytes udp(uint16_t source_port, uint16_t destination_port, ByteView payload);
Bytes text(size_t size);
// An IP packet of the addresses' family, with a correct IPv4 header checksum.
Bytes ip(const IpFields& fields, ByteView payload);
Bytes ethernet(const MacAddress& destination, const MacAddress& source, uint16_t type, ByteView payload);
// With the type that the packet's version asks for.
Bytes ethernet(const MacAddress& destination, const MacAddress& source, ByteView packet);
// Recomputes the header checksum of the IPv4 packet at `offset`.
void fix_checksum(Bytes& frame, size_t offset = 14);
// What the IP packet looks like after so many routers.
Bytes after_hops(Bytes packet, uint8_t count);
bool contains(ByteView haystack, ByteView needle);

}  // namespace sekisho::dataplane::test
