#include "control/routing/bgp/question.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/messages/routing.h"

namespace sekisho::bgp {
namespace {

constexpr std::string_view end_mark("\0\0\0", 3);

}  // namespace

Question::Question(sd_event* loop, UniqueFd socket, std::string command, Limits limits, Done done)
    : socket_(std::move(socket)),
      command_(std::move(command)),
      limits_(limits),
      done_(std::move(done)),
      timer_(loop, [this] { end(fail(messages::bgpd_silent, "no answer in time: " + command_)); }),
      watch_(loop, socket_.get(), EPOLLIN, [this](uint32_t) { ready(); }) {
  // A fresh socket takes a line at once; where it does not, the time runs out.
  (void)!::send(socket_.get(), command_.c_str(), command_.size() + 1, MSG_NOSIGNAL);
  timer_.set_in(limits_.time);
}

void Question::ready() {
  std::array<char, 65536> chunk;
  const ssize_t got = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return end(fail(messages::bgpd_silent, "the connection was closed: " + command_));
  const size_t looked_at = answer_.size() < end_mark.size() ? 0 : answer_.size() - end_mark.size();
  answer_.append(chunk.data(), static_cast<size_t>(got));
  const size_t mark = answer_.find(end_mark, looked_at);
  if (std::min(mark, answer_.size()) > limits_.size)
    return end(fail(messages::bgpd_verbose, "more than " + std::to_string(limits_.size) + " octets: " + command_));
  if (mark != std::string::npos && mark + end_mark.size() < answer_.size()) {
    const char status = answer_[mark + end_mark.size()];
    answer_.resize(mark);
    if (status == 0) return end(std::move(answer_));
    return end(fail(messages::bgpd_nonsense, command_ + ": " + answer_.substr(0, 200)));
  }
}

void Question::end(Result<std::string> result) {
  watch_ = {};
  timer_.cancel();
  const Done done = std::exchange(done_, {});
  if (done) done(std::move(result));
}

}  // namespace sekisho::bgp
