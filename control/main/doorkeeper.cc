#include "control/main/doorkeeper.h"

#include <linux/close_range.h>
#include <poll.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>

#include "base/clock.h"
#include "base/messages/system.h"

namespace sekisho::control {
namespace {

constexpr auto patience = std::chrono::milliseconds(250);

using Number = uint64_t;

// With it comes what was opened.
struct Answer {
  struct {
    Number number = 0;  // the request's
    int32_t error = 0;  // errno
  } body;
  iovec data = {&body, sizeof body};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(Doorkeeper::Opened::fds))> control{};
  msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.data(), .msg_controllen = control.size()};
};

// What follows runs in the child; from serve() on nothing that the filter does not allow, so no allocation.

void answer(int control, Number number, const Doorkeeper::Opened& opened, int error) {
  Answer message;
  message.body = {number, error};
  const size_t size = opened.count * sizeof(int);
  if (opened.count == 0) {
    message.header.msg_control = nullptr;
    message.header.msg_controllen = 0;
  } else {
    message.header.msg_controllen = CMSG_SPACE(size);
    cmsghdr* attached = CMSG_FIRSTHDR(&message.header);
    attached->cmsg_level = SOL_SOCKET;
    attached->cmsg_type = SCM_RIGHTS;
    attached->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(attached), opened.fds.data(), size);
  }
  if (::sendmsg(control, &message.header, MSG_NOSIGNAL) < 0) ::_exit(0);
}

void close_all(Doorkeeper::Opened& opened) {
  for (size_t i = 0; i < opened.count; ++i) ::close(opened.fds[i]);
  opened.count = 0;
}

[[noreturn]] void serve(int control, const Doorkeeper::Duty& duty) {
  for (;;) {
    std::array<uint8_t, sizeof(Number) + Doorkeeper::longest_request> request;
    const ssize_t got = ::recv(control, request.data(), request.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= static_cast<ssize_t>(sizeof(Number))) ::_exit(0);
    Number number;
    std::memcpy(&number, request.data(), sizeof number);
    Doorkeeper::Opened opened;
    const int error = duty.open({request.data() + sizeof number, static_cast<size_t>(got) - sizeof number}, opened);
    if (error != 0) close_all(opened);
    answer(control, number, opened, error);
    close_all(opened);
  }
}

bool keep_capabilities(const std::vector<int>& kept) {
  cap_t set = ::cap_init();
  bool done = set != nullptr;
  for (const cap_value_t capability : kept)
    done = done && ::cap_set_flag(set, CAP_PERMITTED, 1, &capability, CAP_SET) == 0 &&
           ::cap_set_flag(set, CAP_EFFECTIVE, 1, &capability, CAP_SET) == 0;
  done = done && ::cap_set_proc(set) == 0;
  ::cap_free(set);
  return done;
}

bool enter_filter(const Doorkeeper::Duty& duty) {
  const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (!filter) return false;
  bool done = true;
  for (const int call : {SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(close), SCMP_SYS(exit_group),
                         SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall)})
    done = done && ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
  return done && duty.allow(filter) == 0 && ::seccomp_load(filter) == 0;
}

[[noreturn]] void run_child(int control, const Doorkeeper::Duty& duty) {
  ::prctl(PR_SET_NAME, duty.name);
  // Signals for the group (Ctrl-C) are control's to answer; this end goes when control's does.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_IGN);
  // Nothing of control's is to be open here: its logs, its sockets.
  constexpr int own = 0;
  if (::dup2(control, own) < 0 || ::close_range(1, ~0u, 0) < 0 || !keep_capabilities(duty.capabilities) ||
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || !enter_filter(duty))
    ::_exit(1);
  serve(own, duty);
}

}  // namespace

Result<Doorkeeper> Doorkeeper::hire(const Duty& duty) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(messages::system_call_failed, std::string("socketpair: ") + std::strerror(errno));
  UniqueFd ours(ends[0]), childs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail(messages::system_call_failed, std::string("fork: ") + std::strerror(errno));
  if (child == 0) run_child(childs.get(), duty);
  return Doorkeeper(std::move(ours), duty.name);
}

std::string Doorkeeper::reason(int error) const {
  if (error == EPIPE) return std::string("the process ") + name_ + " has ended; start sekisho-control again";
  return std::strerror(error);
}

namespace {

std::vector<UniqueFd> attached_to(Answer& message) {
  std::vector<UniqueFd> opened;
  const cmsghdr* attached = CMSG_FIRSTHDR(&message.header);
  if (!attached || attached->cmsg_level != SOL_SOCKET || attached->cmsg_type != SCM_RIGHTS) return opened;
  std::array<int, Doorkeeper::Opened::most> fds;
  const size_t size = std::min(attached->cmsg_len - CMSG_LEN(0), sizeof fds);
  std::memcpy(fds.data(), CMSG_DATA(attached), size);
  for (size_t i = 0; i < size / sizeof(int); ++i) opened.emplace_back(fds[i]);
  return opened;
}

bool readable(int fd, Instant deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - MonotonicClock::now());
    pollfd entry{fd, POLLIN, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<int64_t>(0, left.count())));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace

std::expected<std::vector<UniqueFd>, int> Doorkeeper::ask(ByteView request) {
  if (!child_) return std::unexpected(EPIPE);
  if (request.empty() || request.size() > longest_request) return std::unexpected(EINVAL);
  ++last_;
  Bytes numbered(sizeof last_);
  std::memcpy(numbered.data(), &last_, sizeof last_);
  numbered.insert(numbered.end(), request.begin(), request.end());
  if (::send(child_.get(), numbered.data(), numbered.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    return std::unexpected(errno);
  const Instant deadline = MonotonicClock::now() + patience;
  while (readable(child_.get(), deadline)) {
    Answer message;
    const ssize_t got = ::recvmsg(child_.get(), &message.header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    std::vector<UniqueFd> opened = attached_to(message);
    if (got != static_cast<ssize_t>(sizeof message.body)) {
      const int error = got < 0 ? errno : EPIPE;
      child_.reset();
      return std::unexpected(error);
    }
    if (message.body.number != last_) continue;  // to a request that was given up
    if (message.body.error != 0) return std::unexpected(message.body.error);
    return opened;
  }
  return std::unexpected(EAGAIN);
}

}  // namespace sekisho::control
