// Things that only one part of the configuration may have: names of interfaces and VRFs, addresses, devices, routes,
// peers, tunnels of groups.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "control/config/node.h"

namespace sekisho::config {

enum class ClaimKind : uint8_t { interface, address, device, route, peers, member };

class Claims {
 public:
  // The first to claim a thing has it; each later one is reported at its own place, naming the first.
  void claim(ClaimKind kind, std::string thing, const Node& node);

 private:
  std::map<std::pair<ClaimKind, std::string>, std::string> pointers_;
};

}  // namespace sekisho::config
