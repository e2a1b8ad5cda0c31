// Which of several ways a flow takes: a hash over what is the same in all of its packets and, as far as can be, in no
// other flow's. A seed of this process's own makes two gateways in a row choose independently of each other, and keeps
// those who send from choosing the way.
//
//   always                          addresses, protocol (IPv6: the base header's next header)
//   TCP, UDP, UDP-Lite, SCTP, DCCP  both ports
//   ESP                             the SPI
//   other IPv6                      the flow label (RFC 6438), which all fragments of a packet have in common
//
// Of an IPv4 fragment the ports are left alone, also where it has them: all fragments of a packet go the same way.
#pragma once

#include <cstdint>

#include "dataplane/fib/next_hop_group.h"
#include "dataplane/stage/ip_header.h"

namespace sekisho::dataplane {

// Protocols that begin with 32 bits by which flows are told apart.
constexpr bool has_flow_bits(uint8_t protocol) {
  constexpr uint8_t protocol_dccp = 33, protocol_sctp = 132, protocol_udp_lite = 136;
  switch (protocol) {
    case protocol_tcp:
    case protocol_udp:
    case protocol_dccp:
    case protocol_esp:
    case protocol_sctp:
    case protocol_udp_lite:
      return true;
    default:
      return false;
  }
}

// `bytes` passed check_ip.
inline uint64_t flow_hash(uint64_t seed, const uint8_t* bytes, const IpHeader& header) {
  uint64_t rest = header.protocol;
  if (has_flow_bits(header.protocol) && !header.fragment && header.length >= header.header_length + 4)
    rest |= uint64_t{load_raw<uint32_t>(bytes + header.header_length)} << 32;
  else if (header.family == 6)
    rest |= uint64_t{load32(bytes) & 0xfffff} << 32;
  uint64_t hash = seed;
  if (header.family == 4) {
    hash = mix(hash ^ load_raw<uint64_t>(bytes + 12), mix_constant);
  } else {
    for (const size_t at : {8, 16, 24, 32}) hash = mix(hash ^ load_raw<uint64_t>(bytes + at), mix_constant);
  }
  return mix(mix(hash ^ rest, mix_constant), mix_constant);
}

}  // namespace sekisho::dataplane
