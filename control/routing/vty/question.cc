#include "control/routing/vty/question.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sekisho::vty {
namespace {

constexpr std::string_view end_mark("\0\0\0", 3);

}  // namespace

Question::Question(sd_event* loop, UniqueFd socket, std::deque<std::string> commands, Limits limits,
                   const Faults& faults, Done done)
    : socket_(std::move(socket)),
      commands_(std::move(commands)),
      limits_(limits),
      faults_(faults),
      done_(std::move(done)),
      timer_(loop, [this] { end(fail(faults_.silent, "no answer in time: " + commands_.front())); }),
      watch_(loop, socket_.get(), EPOLLIN, [this](uint32_t) { ready(); }) {
  send();
  timer_.set_in(limits_.time);
}

// A socket with nothing in it takes a line at once; where it does not, the time runs out.
void Question::send() {
  (void)!::send(socket_.get(), commands_.front().c_str(), commands_.front().size() + 1, MSG_NOSIGNAL);
}

void Question::ready() {
  std::array<char, 65536> chunk;
  const ssize_t got = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return end(fail(faults_.silent, "the connection was closed: " + commands_.front()));
  const size_t looked_at = answer_.size() < end_mark.size() ? 0 : answer_.size() - end_mark.size();
  answer_.append(chunk.data(), static_cast<size_t>(got));
  const size_t mark = answer_.find(end_mark, looked_at);
  if (std::min(mark, answer_.size()) > limits_.size)
    return end(fail(faults_.verbose, "more than " + std::to_string(limits_.size) + " octets: " + commands_.front()));
  if (mark == std::string::npos || mark + end_mark.size() >= answer_.size()) return;
  const char status = answer_[mark + end_mark.size()];
  answer_.resize(mark);
  if (status != 0) return end(fail(faults_.nonsense, commands_.front() + ": " + answer_.substr(0, 200)));
  if (commands_.size() == 1) return end(std::move(answer_));
  commands_.pop_front();
  answer_.clear();
  send();
}

void Question::end(Result<std::string> result) {
  watch_ = {};
  timer_.cancel();
  const Done done = std::exchange(done_, {});
  if (done) done(std::move(result));
}

}  // namespace sekisho::vty
