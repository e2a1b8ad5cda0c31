// The situations that an engine can be in when a message comes, for tests that go through all of them.
#pragma once

#include <array>

#include "tests/sim/puppet.h"

namespace sekisho::sim {

enum class Stage : uint8_t {
  idle,
  cookies,  // the responder wants a cookie of everybody
  init_sent,
  init_answered,
  auth_sent,
  established_as_responder,
  established_as_initiator,
  rekeying_child,
  rekeying_ike,
  rekeyed,
  deleting,
};
inline constexpr std::array stages = {
    Stage::idle,
    Stage::cookies,
    Stage::init_sent,
    Stage::init_answered,
    Stage::auth_sent,
    Stage::established_as_responder,
    Stage::established_as_initiator,
    Stage::rekeying_child,
    Stage::rekeying_ike,
    Stage::rekeyed,
    Stage::deleting,
};
constexpr bool authenticated(Stage stage) { return stage >= Stage::established_as_responder; }

// A puppet before an engine in that situation. The engine's last message is in the outbox where it awaits an answer.
struct PuppetAt : Puppet {
  explicit PuppetAt(Stage stage);
};

// Where the engine's SAs are: what nobody may move who has no key. Half-open ones do not count.
struct Position {
  std::vector<uint64_t> ike_sas;  // own SPIs
  std::vector<Endpoint> remotes;
  std::vector<uint32_t> children;
  friend bool operator==(const Position&, const Position&) = default;
};
Position position(const LoneEngine& alone);

}  // namespace sekisho::sim
