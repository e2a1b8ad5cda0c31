#include "control/routing/bfd/probe.h"

#include <algorithm>

namespace sekisho::bfd {

void Probe::heard(const std::vector<Session>& sessions, Instant now) {
  if (now - heard_at_ >= patience) anew_since_.reset();
  heard_at_ = now;
  auto said = std::ranges::find(sessions, Status::up, &Session::status);
  if (said == sessions.end())
    said = std::ranges::find_if(sessions, [this](const Session& each) { return was_up(each); });
  if (said == sessions.end()) said = sessions.begin();
  session_ = said == sessions.end() ? std::nullopt : std::optional(*said);

  if (session_ && session_->status == Status::up) {
    was_up_ = session_->id;
    anew_since_.reset();
    state_ = State::answering;
  } else if (session_ && was_up(*session_)) {
    state_ = State::failing;
  } else {
    if (!anew_since_) anew_since_ = now;
    if (now - *anew_since_ >= patience) state_ = State::failing;
  }
}

void Probe::unheard(Instant now) {
  if (now - heard_at_ >= patience) state_ = State::unheard;
}

}  // namespace sekisho::bfd
