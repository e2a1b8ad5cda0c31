#include "control/main/doorkeeper.h"

#include <linux/close_range.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "base/messages/system.h"

namespace sekisho::control {
namespace {

constexpr timeval patience = {.tv_sec = 0, .tv_usec = 250000};

// The request's number, 0 or errno, and with them what was opened.
struct Answer {
  std::array<uint8_t, 2> bytes{};
  iovec data = {bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(Doorkeeper::Opened::fds))> control{};
  msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.data(), .msg_controllen = control.size()};
};

// What follows runs in the child; from serve() on nothing that the filter does not allow, so no allocation.

void answer(int control, uint8_t number, const Doorkeeper::Opened& opened, int error) {
  Answer message;
  message.bytes = {number, static_cast<uint8_t>(error)};
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
    std::array<uint8_t, 1 + Doorkeeper::longest_request> request;
    const ssize_t got = ::recv(control, request.data(), request.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 1) ::_exit(0);
    Doorkeeper::Opened opened;
    const int error = duty.open({request.data() + 1, static_cast<size_t>(got) - 1}, opened);
    if (error != 0) close_all(opened);
    answer(control, request[0], opened, error);
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
  ::setsockopt(ours.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const pid_t child = ::fork();
  if (child < 0) return fail(messages::system_call_failed, std::string("fork: ") + std::strerror(errno));
  if (child == 0) run_child(childs.get(), duty);
  return Doorkeeper(std::move(ours));
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

}  // namespace

std::expected<std::vector<UniqueFd>, int> Doorkeeper::ask(ByteView request) {
  if (!child_) return std::unexpected(EPIPE);
  if (request.empty() || request.size() > longest_request) return std::unexpected(EINVAL);
  Bytes numbered(1, ++last_);
  numbered.insert(numbered.end(), request.begin(), request.end());
  if (::send(child_.get(), numbered.data(), numbered.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    return std::unexpected(errno);
  for (;;) {
    Answer message;
    const ssize_t got = ::recvmsg(child_.get(), &message.header, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return std::unexpected(EAGAIN);
    std::vector<UniqueFd> opened = attached_to(message);
    if (got != static_cast<ssize_t>(message.bytes.size())) {
      const int error = got < 0 ? errno : EPIPE;
      child_.reset();
      return std::unexpected(error);
    }
    if (message.bytes[0] != last_) continue;  // to a request that was given up
    if (message.bytes[1] != 0) return std::unexpected(message.bytes[1]);
    return opened;
  }
}

}  // namespace sekisho::control
