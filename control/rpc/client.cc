#include "control/rpc/client.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "base/messages/system.h"
#include "control/rpc/protocol.h"
#include "control/rpc/server.h"

namespace sekisho::rpc {

Client::Client(sd_event* loop, UniqueFd fd, Operations& operations, const ServerOptions& options, Gone gone)
    : fd_(std::move(fd)), operations_(operations), options_(options), gone_(std::move(gone)) {
  if (sd_event_add_io(loop, &source_, fd_.get(), EPOLLIN, on_event, this) < 0) throw std::bad_alloc();
}

Client::~Client() { sd_event_source_disable_unref(source_); }

int Client::on_event(sd_event_source*, int, uint32_t events, void* self) {
  auto& client = *static_cast<Client*>(self);
  if (!client.handle(events)) client.gone_(client);
  return 0;
}

bool Client::handle(uint32_t events) {
  if (events & EPOLLERR) return false;
  if (waiting_ && (events & EPOLLHUP)) return false;
  if ((events & (EPOLLIN | EPOLLHUP)) && output_.empty() && !finishing_ && !waiting_ && !read_some()) return false;
  return go_on();
}

bool Client::go_on() {
  if (!write_some()) return false;
  if (output_.empty() && finishing_ && !waiting_) return false;
  watch();
  return true;
}

void Client::dismiss(std::string why) {
  output_ += error_line(messages::rpc_limit, std::move(why));
  finishing_ = true;
}

// One read a turn, so that one busy client does not hold the loop.
bool Client::read_some() {
  std::array<char, 65536> chunk;
  const ssize_t count = recv(fd_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) {
    finishing_ = true;  // what came before it is answered already
    return true;
  }
  input_.append(chunk.data(), static_cast<size_t>(count));
  answer_lines();
  if (input_.size() > options_.max_line && !finishing_)
    dismiss("a line is longer than " + std::to_string(options_.max_line) + " bytes");
  return true;
}

void Client::answer_lines() {
  size_t start = 0;
  answering_ = true;
  for (size_t end; !finishing_ && !waiting_ && (end = input_.find('\n', start)) != std::string::npos; start = end + 1) {
    const std::string_view line = std::string_view(input_).substr(start, end - start);
    if (line.empty()) continue;
    if (line.size() > options_.max_line) {
      queue(error_line(messages::rpc_limit, "the line is too long"));
      continue;
    }
    waiting_ = true;
    answer_line(operations_, line, [this, here = std::weak_ptr(here_)](std::string answer) {
      if (here.expired()) return;
      waiting_ = false;
      if (answering_)
        queue(std::move(answer));
      else
        answered_later(std::move(answer));
    });
  }
  answering_ = false;
  input_.erase(0, start);
}

void Client::queue(std::string answer) {
  if (answer.size() > options_.max_queued_output)
    answer = error_line(messages::rpc_limit, "the answer has " + std::to_string(answer.size()) + " bytes");
  if (output_.size() + answer.size() > options_.max_queued_output)
    dismiss("too many requests at once");
  else
    output_ += answer;
}

// Then come the lines behind that one.
void Client::answered_later(std::string answer) {
  queue(std::move(answer));
  answer_lines();
  if (!go_on()) gone_(*this);
}

bool Client::write_some() {
  while (written_ < output_.size()) {
    const ssize_t count =
        send(fd_.get(), output_.data() + written_, output_.size() - written_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) return true;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    written_ += static_cast<size_t>(count);
  }
  output_ = {};
  written_ = 0;
  return true;
}

void Client::watch() {
  const uint32_t reading = waiting_ ? 0u : uint32_t{EPOLLIN};
  sd_event_source_set_io_events(source_, output_.empty() && !finishing_ ? reading : uint32_t{EPOLLOUT});
}

}  // namespace sekisho::rpc
