#include "control/routing/bfd/session_watch.h"

#include <utility>

#include "control/routing/bfd/faults.h"

namespace sekisho::bfd {
namespace {

constexpr Duration interval = std::chrono::milliseconds(100);
constexpr vty::Question::Limits limits{.size = size_t{4} << 20, .time = std::chrono::seconds(1)};

}  // namespace

SessionWatch::SessionWatch(sd_event* loop, Connect connect, Told told)
    : loop_(loop), connect_(std::move(connect)), told_(std::move(told)), timer_(loop, [this] { ask(); }) {}

void SessionWatch::want(bool wanted) {
  if (wanted == std::exchange(wanted_, wanted)) return;
  question_.reset();
  if (wanted)
    timer_.set_in(Duration::zero());
  else
    timer_.cancel();
}

void SessionWatch::ask() {
  auto socket = connect_();
  if (!socket) return tell(std::unexpected(socket.error()));
  question_ = std::make_unique<vty::Question>(
      loop_, std::move(*socket), std::deque<std::string>(std::begin(sessions_question), std::end(sessions_question)),
      limits, faults, [this](const Result<std::string>& answer) { take(answer); });
}

void SessionWatch::take(const Result<std::string>& answer) {
  tell(answer ? read_sessions(*answer) : std::unexpected(answer.error()));
}

void SessionWatch::tell(const Result<std::vector<Session>>& sessions) {
  timer_.set_in(interval);  // the teller may want no more
  told_(sessions);
}

}  // namespace sekisho::bfd
