#include "control/main/frr_doors.h"

#include <linux/close_range.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/messages/routing.h"
#include "base/messages/system.h"

namespace sekisho::control {
namespace {

constexpr std::array<const char*, 3> names = {"zserv.api", "zebra.vty", "bgpd.vty"};
constexpr timeval patience = {.tv_sec = 1, .tv_usec = 0};

using Addresses = std::array<sockaddr_un, names.size()>;

// One byte, and the socket with it where there is one: 0, or errno.
struct Answer {
  uint8_t error = 0;
  iovec data = {&error, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.data(), .msg_controllen = control.size()};
};

// What follows runs in the child; from serve() on nothing that the filter does not allow, so no allocation.

void answer(int control, int socket, int error) {
  Answer message;
  message.error = static_cast<uint8_t>(error);
  if (socket < 0) {
    message.header.msg_control = nullptr;
    message.header.msg_controllen = 0;
  } else {
    cmsghdr* attached = CMSG_FIRSTHDR(&message.header);
    attached->cmsg_level = SOL_SOCKET;
    attached->cmsg_type = SCM_RIGHTS;
    attached->cmsg_len = CMSG_LEN(sizeof socket);
    std::memcpy(CMSG_DATA(attached), &socket, sizeof socket);
  }
  if (::sendmsg(control, &message.header, MSG_NOSIGNAL) < 0) ::_exit(0);
}

[[noreturn]] void serve(int control, const Addresses& addresses) {
  for (;;) {
    uint8_t door = 0;
    const ssize_t got = ::recv(control, &door, 1, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != 1) ::_exit(0);
    if (door >= addresses.size()) {
      answer(control, -1, EINVAL);
      continue;
    }
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool connected =
        socket >= 0 && ::connect(socket, reinterpret_cast<const sockaddr*>(&addresses[door]), sizeof(sockaddr_un)) == 0;
    answer(control, connected ? socket : -1, connected ? 0 : errno);
    if (socket >= 0) ::close(socket);
  }
}

bool keep_one_capability() {
  constexpr cap_value_t kept = CAP_DAC_OVERRIDE;
  cap_t set = ::cap_init();
  const bool done = set && ::cap_set_flag(set, CAP_PERMITTED, 1, &kept, CAP_SET) == 0 &&
                    ::cap_set_flag(set, CAP_EFFECTIVE, 1, &kept, CAP_SET) == 0 && ::cap_set_proc(set) == 0;
  ::cap_free(set);
  return done;
}

bool enter_filter() {
  scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (!filter) return false;
  bool done = true;
  for (const int call : {SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(connect), SCMP_SYS(close),
                         SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall)})
    done = done && ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
  done = done && ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                    SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(AF_UNIX))) == 0;
  return done && ::seccomp_load(filter) == 0;
}

[[noreturn]] void run_child(int control, const Addresses& addresses) {
  ::prctl(PR_SET_NAME, "frr-doors");
  // Signals for the group (Ctrl-C) are control's to answer; this end goes when control's does.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_IGN);
  // Nothing of control's is to be open here: its logs, its sockets.
  constexpr int own = 0;
  if (::dup2(control, own) < 0 || ::close_range(1, ~0u, 0) < 0 || !keep_one_capability() ||
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || !enter_filter())
    ::_exit(1);
  serve(own, addresses);
}

Result<Addresses> addresses_in(const std::string& directory) {
  Addresses addresses{};
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string path = directory + "/" + names[i];
    if (path.size() >= sizeof addresses[i].sun_path)
      return fail(messages::system_call_failed, path + ": path is too long");
    addresses[i].sun_family = AF_UNIX;
    path.copy(addresses[i].sun_path, path.size());
  }
  return addresses;
}

std::unexpected<Error> closed(FrrDoor door, int error) {
  const auto number = static_cast<size_t>(door);
  const std::string name = number < names.size() ? names[number] : "socket " + std::to_string(number);
  const bool zebras = door == FrrDoor::zserv || door == FrrDoor::zebra_vty;
  return fail(zebras ? messages::zebra_lost : messages::bgpd_silent, name + ": " + std::strerror(error));
}

}  // namespace

Result<FrrDoors> FrrDoors::open(const std::string& directory) {
  const auto addresses = addresses_in(directory);
  if (!addresses) return std::unexpected(addresses.error());
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(messages::system_call_failed, std::string("socketpair: ") + std::strerror(errno));
  UniqueFd ours(ends[0]), childs(ends[1]);
  ::setsockopt(ours.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const pid_t child = ::fork();
  if (child < 0) return fail(messages::system_call_failed, std::string("fork: ") + std::strerror(errno));
  if (child == 0) run_child(childs.get(), *addresses);
  return FrrDoors(std::move(ours));
}

Result<UniqueFd> FrrDoors::connect(FrrDoor door) {
  if (!child_) return closed(door, EPIPE);
  const auto number = static_cast<uint8_t>(door);
  if (::send(child_.get(), &number, 1, MSG_NOSIGNAL) != 1) return closed(door, errno);
  Answer message;
  ssize_t got = 0;
  do got = ::recvmsg(child_.get(), &message.header, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got != 1) {
    const int error = got < 0 ? errno : EPIPE;
    child_.reset();  // an answer that comes after all must not be taken for the next one's
    return closed(door, error);
  }
  const cmsghdr* attached = CMSG_FIRSTHDR(&message.header);
  if (!attached || attached->cmsg_level != SOL_SOCKET || attached->cmsg_type != SCM_RIGHTS)
    return closed(door, message.error);
  int socket = -1;
  std::memcpy(&socket, CMSG_DATA(attached), sizeof socket);
  return UniqueFd(socket);
}

}  // namespace sekisho::control
