// Capabilities and system calls of sekisho-control, tried in a child process, which they bind for good.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <functional>

#include "base/unique_fd.h"
#include "control/main/privileges.h"
#include "control/main/sandbox.h"

using namespace sekisho;
using namespace sekisho::control;

namespace {

bool in_child(const std::function<bool()>& condition) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(drop_privileges() && enter_sandbox() && condition() ? 0 : 1);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool denied(long result) { return result == -1 && errno == ENOSYS; }

}  // namespace

TEST_CASE("the daemon goes on doing what it does") {
  CHECK(in_child([] {
    const UniqueFd file(::open("/proc/sys/net/ipv4/ip_forward", O_RDONLY | O_CLOEXEC));
    const UniqueFd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return file && local && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == -1;
  }));
}

TEST_CASE("the daemon starts no program, opens no network socket, and looks into no process") {
  CHECK(in_child([] {
    char* const none[] = {nullptr};
    return denied(::execve("/bin/true", none, none));
  }));
  CHECK(in_child([] { return denied(::fork()); }));
  CHECK(in_child([] { return denied(::socket(AF_INET, SOCK_DGRAM, 0)); }));
  CHECK(in_child([] { return denied(::socket(AF_PACKET, SOCK_RAW, 0)); }));
  CHECK(in_child([] { return denied(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr)); }));
}

TEST_CASE("the daemon's root owns only what is root's") {
  const UniqueFd foreign(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  REQUIRE(foreign);
  REQUIRE(::fchown(foreign.get(), 65534, 65534) == 0);
  REQUIRE(::fchmod(foreign.get(), 0600) == 0);
  const std::string path = "/proc/self/fd/" + std::to_string(foreign.get());
  CHECK(in_child([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC) == -1 && errno == EACCES; }));
}
