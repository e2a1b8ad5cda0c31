// A traffic selector: which packets an SA may carry (RFC 7296 section 3.13, RFC 4301 section 4.4.1).
#pragma once

#include <cstdint>
#include <string>

#include "base/address.h"

namespace sekisho {

struct TrafficSelector {
  IpAddress first;  // first and last have one family; the range is inclusive
  IpAddress last;
  uint8_t protocol = 0;     // 0: any
  uint16_t first_port = 0;  // host order, inclusive; for ICMP type and code as the RFC packs them
  uint16_t last_port = 0xffff;

  static TrafficSelector from_prefix(const Prefix& prefix) { return {prefix.address(), prefix.last()}; }
  bool any_port() const { return first_port == 0 && last_port == 0xffff; }
  // "10.1.0.0/16", "10.1.0.1-10.1.0.9", with "[6/80-90]" (protocol/ports) behind where it is limited so.
  std::string text() const;

  friend constexpr auto operator<=>(const TrafficSelector&, const TrafficSelector&) = default;
};

}  // namespace sekisho
