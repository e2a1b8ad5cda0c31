#include "control/tunnel/up_since.h"

namespace sekisho::control {

std::vector<std::string> UpSince::routed(Round round, Instant now) {
  std::vector<std::string> come_up;
  for (auto& [name, tunnel] : tunnels_) {
    if (tunnel.up || round <= tunnel.behind) continue;
    tunnel.up = now;
    come_up.push_back(name);
  }
  return come_up;
}

std::optional<Instant> UpSince::of(std::string_view name) const {
  const auto found = tunnels_.find(name);
  return found == tunnels_.end() ? std::nullopt : found->second.up;
}

}  // namespace sekisho::control
