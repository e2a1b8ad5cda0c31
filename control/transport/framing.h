// How IKE shares UDP with ESP (RFC 3948, RFC 7296 section 2.23). On port 500 a datagram is an IKE message. On port 4500
// an IKE message follows four zero bytes (the non-ESP marker), a keepalive is the byte 0xff alone, and everything else
// is ESP, whose SPI is never zero.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace sekisho::control {

inline constexpr uint16_t ike_port = 500;
inline constexpr uint16_t ike_nat_port = 4500;
inline constexpr uint8_t nat_keepalive = 0xff;

struct Datagram {
  enum class Kind : uint8_t { ike, esp, keepalive, malformed } kind{};
  ByteView message;  // with Kind::ike: without the marker
};

Datagram classify(uint16_t local_port, ByteView data);

// What goes on the wire: the marker, where the port wants it, and the message.
Bytes frame(uint16_t local_port, ByteView message);

}  // namespace sekisho::control
