// The protocols that rules of security groups may name; others go by their numbers (IANA, Protocol Numbers).
#pragma once

#include <cstdint>
#include <string_view>

namespace sekisho::config {

struct SecurityProtocol {
  std::string_view name;
  uint8_t number;
};
inline constexpr SecurityProtocol security_protocols[] = {{"tcp", 6},    {"udp", 17}, {"icmp", 1}, {"icmpv6", 58},
                                                          {"sctp", 132}, {"esp", 50}, {"gre", 47}};

}  // namespace sekisho::config
