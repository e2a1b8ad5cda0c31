// The link that the route to a peer takes.
#pragma once

#include <cstdint>
#include <string>

namespace sekisho::ike {

struct OuterWay {
  std::string link;
  uint32_t mtu = 0;  // in octets, of IP
  friend bool operator==(const OuterWay&, const OuterWay&) = default;
};

}  // namespace sekisho::ike
