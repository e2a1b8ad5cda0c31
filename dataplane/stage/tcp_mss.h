// The maximum segment size that a TCP SYN announces (RFC 9293 section 3.7.1), lowered where the way through a tunnel
// has no room for it: the ends then never send what would have to be fragmented, even where ICMP does not come through.
#pragma once

#include <cstdint>

#include "dataplane/sa/sad.h"
#include "dataplane/stage/ip_header.h"

namespace sekisho::dataplane {

// SYN or SYN and ACK, as far as a look at the flags can tell. `bytes` passed check_ip().
inline bool is_tcp_syn(const uint8_t* bytes, const IpHeader& header) {
  constexpr uint8_t syn = 0x02;
  return header.protocol == protocol_tcp && header.first && header.length >= header.header_length + tcp_header_size &&
         (bytes[header.header_length + 13] & syn) != 0;
}

// For a packet of which is_tcp_syn() is true. Lowers every MSS option above the limit and keeps the TCP checksum right
// if it was (RFC 1624). Options that make no sense end the search: the receiver will make of them what it likes.
void clamp_mss(uint8_t* bytes, const IpHeader& header, MssLimits limits);

}  // namespace sekisho::dataplane
