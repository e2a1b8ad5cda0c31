// Whether the target of a tunnel's probe can answer so that it counts, as far as the configuration tells: the answer
// has to come back through the same tunnel. Of tunnels in the front door, which is where probes run.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "control/config/config.h"
#include "control/config/prefix_map.h"

namespace sekisho::config {

class ProbeTargets {
 public:
  // The configuration must live as long as this does.
  explicit ProbeTargets(const Config& config);

  // Why no answer ever counts; empty: one may. For an operator, as is what follows. The tunnel has a probe.
  std::string fault(const Tunnel& tunnel) const;
  // Why one may not come, where nothing above forbids it; empty: nothing is known against it.
  std::string doubt(const Tunnel& tunnel) const;

 private:
  std::string blackhole_fault(const IpAddress& target) const;
  std::string twin_doubt(const Tunnel& tunnel) const;

  const Config& config_;
  std::set<IpAddress> own_;
  PrefixMap<std::string> networks_;     // of interfaces, by their names
  PrefixMap<IpAddress> static_routes_;  // and their gateways
  PrefixMap<bool> guards_;
};

}  // namespace sekisho::config
