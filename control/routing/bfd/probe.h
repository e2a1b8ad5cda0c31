// Whether a tunnel carries packets, by bfdd's word on its session through the tunnel (RFC 5882). bfdd counts what gets
// lost, so one word is enough:
//
//      any -------- the session is up ----------------------> answering
//      answering -- the session that was up is not ---------> failing
//      any -------- another one or none, not up for 5 s ----> failing
//      any -------- no word for 5 s ------------------------> unheard
//
// A session that has not been up, or that bfdd does not have, says nothing of the tunnel at first: bfdd may have been
// started anew, or the tunnel has just come up. Unheard, the probe counts for nothing until bfdd's word is clear again.
// A pure state machine: who asks bfdd gives it the time.
#pragma once

#include <optional>
#include <vector>

#include "base/clock.h"
#include "control/routing/bfd/sessions.h"

namespace sekisho::bfd {

class Probe {
 public:
  enum class State : uint8_t { unproven, answering, failing, unheard };
  static constexpr Duration patience = std::chrono::seconds(5);

  Probe(State initial, Instant now) : state_(initial), heard_at_(now) {}

  // bfdd's sessions with the target on the tunnel's interface: several where they differ in their own addresses.
  void heard(const std::vector<Session>& sessions, Instant now);
  // bfdd was asked and has not answered.
  void unheard(Instant now);

  State state() const { return state_; }
  bool passes() const { return state_ == State::answering || state_ == State::unheard; }
  // As last heard: the one that is up, else the one that was, else any; none where bfdd has none.
  const std::optional<Session>& session() const { return session_; }

 private:
  bool was_up(const Session& session) const { return was_up_ == session.id; }

  State state_;
  Instant heard_at_;
  std::optional<Session> session_;
  std::optional<uint32_t> was_up_;     // the id of the session that was up last
  std::optional<Instant> anew_since_;  // another session than that, or none, and it is not up
};

}  // namespace sekisho::bfd
