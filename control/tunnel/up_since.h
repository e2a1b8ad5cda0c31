// Since when tunnels are up. One is up when the dataplane has acknowledged a child SA of it to send on and, after that,
// the routes that lead into it: from then on what is sent finds its way.
//
// Routes are settled in rounds, numbered from 1. What a round tells the dataplane holds what was known when it began,
// so a tunnel is up with the first round that began after its child SA was acknowledged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace sekisho::control {

class UpSince {
 public:
  using Round = uint64_t;

  // It has a child SA in the dataplane; `last` is the round that began last.
  void live(const std::string& name, Round last) { tunnels_.try_emplace(name, Tunnel{last, {}}); }
  void not_live(const std::string& name) { tunnels_.erase(name); }
  // The dataplane has acknowledged the routes of that round. Returns the tunnels that are up with it.
  std::vector<std::string> routed(Round round, Instant now);
  std::optional<Instant> of(std::string_view name) const;

 private:
  struct Tunnel {
    Round behind = 0;
    std::optional<Instant> up;
  };
  std::map<std::string, Tunnel, std::less<>> tunnels_;
};

}  // namespace sekisho::control
