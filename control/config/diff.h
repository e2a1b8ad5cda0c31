// What it takes to get from the running configuration to the desired one. Both sides are compared with every default
// filled in, so a key that is written out with its default value is no change. SAs are session state and no part of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/config/config.h"

namespace sekisho::config {

struct Change {
  enum class Kind : uint8_t { add, change, remove };
  Kind kind{};
  std::string pointer;           // "/tunnels/tokyo/ike/lifetime"; routes are "/routes/PREFIX" with the slash escaped
  nlohmann::json before, after;  // null where there is none; a secret is only ever "changed"
};

// What becomes of a tunnel's SAs, and with them of its traffic, when the plan is carried out.
struct Effect {
  enum class Kind : uint8_t {
    added,
    removed,   // its SAs are deleted
    rebuilt,   // goes down: its SAs are deleted, and new ones negotiated as its "start" says
    in_place,  // its SAs stay
  };
  std::string tunnel;
  Kind kind{};
};

struct Plan {
  std::vector<Change> changes;
  // The same by object: which parts the daemon must act on. What is not named stays untouched.
  std::vector<std::string> ports_set, ports_removed;      // set: new or changed
  std::vector<std::string> tunnels_set, tunnels_removed;  // names of tunnels
  std::vector<std::string> groups_set, groups_removed;
  std::vector<std::string> security_groups_set, security_groups_removed;
  std::vector<Route> routes_added, routes_removed;
  std::vector<Effect> effects;  // on each tunnel that is concerned

  bool empty() const { return changes.empty(); }
};

// Whether a tunnel is to have another interface: one keeps its name and its VRF for life, so to the data path that is
// another tunnel.
bool needs_other_twin(const Tunnel& before, const Tunnel& after);

Plan diff(const Config& running, const Config& desired);

// Whether the IKE engine would see the same definition; keys are compared in constant time.
bool same_connection(const ike::Connection& a, const ike::Connection& b);

// [{"kind", "pointer", "before", "after"}]
nlohmann::json to_json(const Plan& plan);
// [{"tunnel", "effect", "goes_down"}]
nlohmann::json to_json(const std::vector<Effect>& effects);

}  // namespace sekisho::config
