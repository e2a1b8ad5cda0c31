#include "control/tunnel/probe.h"

#include <algorithm>
#include <bit>

namespace sekisho::control {

Probe::Probe(const Settings& settings, State initial, Instant now)
    : settings_(settings), state_(initial), next_send_(now) {}

std::optional<Probe::Request> Probe::step(Instant now, Random& random) {
  while (!waiting_.empty() && now - waiting_.front().sent_at >= settings_.timeout) {
    waiting_.pop_front();
    lose();
  }
  if (now < next_send_) return {};
  next_send_ = now + settings_.interval;
  Request request{.sequence = next_sequence_++};
  random.fill(request.token);
  waiting_.push_back({request, now});
  ++counts_.sent;
  return request;
}

bool Probe::answered(uint16_t sequence, ByteView token, Instant now) {
  const auto found = std::ranges::find_if(waiting_, [&](const Waiting& each) {
    return each.request.sequence == sequence && std::ranges::equal(each.request.token, token);
  });
  if (found == waiting_.end()) return false;
  counts_.round_trip = now - found->sent_at;
  waiting_.erase(found);
  ++counts_.answered;
  ++in_a_row_;
  window_ <<= 1;
  if (state_ == State::unproven || (state_ == State::failing && in_a_row_ >= settings_.loss)) {
    state_ = State::answering;
    window_ = 0;  // what was lost before has had its consequence
  }
  return true;
}

void Probe::not_sent() {
  if (waiting_.empty()) return;
  waiting_.pop_back();
  lose();
}

void Probe::lose() {
  ++counts_.lost;
  in_a_row_ = 0;
  window_ = window_ << 1 | 1;
  if (lost_lately() >= settings_.loss) state_ = State::failing;
}

unsigned Probe::lost_lately() const {
  const uint64_t mask = settings_.of >= 64 ? ~uint64_t{0} : (uint64_t{1} << settings_.of) - 1;
  return static_cast<unsigned>(std::popcount(window_ & mask));
}

Instant Probe::next_deadline() const {
  return waiting_.empty() ? next_send_ : std::min(next_send_, waiting_.front().sent_at + settings_.timeout);
}

}  // namespace sekisho::control
