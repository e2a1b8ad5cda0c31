// FRR's sockets as they are: in a directory of its user's, and nobody else's to open.
#include "control/main/frr_doors.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <functional>
#include <string>

#include "base/messages/routing.h"
#include "control/main/privileges.h"
#include "control/main/sandbox.h"

using namespace sekisho;
using namespace sekisho::control;

namespace {

constexpr uid_t frr = 65534;

sockaddr_un named(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

struct Frr {
  std::string directory = "/tmp/sekisho-frr-test-" + std::to_string(::getpid());
  UniqueFd zserv{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};

  Frr() {
    REQUIRE(::mkdir(directory.c_str(), 0755) == 0);
    const sockaddr_un address = named(path());
    REQUIRE(::bind(zserv.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(zserv.get(), 4) == 0);
    REQUIRE(::chmod(path().c_str(), 0700) == 0);
    REQUIRE(::chown(path().c_str(), frr, frr) == 0);
  }
  ~Frr() {
    ::unlink(path().c_str());
    ::rmdir(directory.c_str());
  }
  std::string path() const { return directory + "/zserv.api"; }
};

int result_of(const std::function<int()>& run) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("control reaches FRR's sockets by the doors only") {
  Frr there;
  const auto confined = [&](const std::function<int(FrrDoors&)>& run) {
    return result_of([&] {
      auto doors = FrrDoors::open(there.directory);
      if (!doors || !drop_privileges() || !enter_sandbox()) return 100;
      return run(*doors);
    });
  };
  CHECK(confined([&](FrrDoors&) {
          const UniqueFd own(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
          const sockaddr_un address = named(there.path());
          return ::connect(own.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
        }) == EACCES);
  CHECK(confined([&](FrrDoors& doors) {
          for (int i = 0; i < 3; ++i) {
            const auto socket = doors.connect(FrrDoor::zserv);
            if (!socket || ::send(socket->get(), "x", 1, MSG_NOSIGNAL) != 1) return 1;
          }
          return 0;
        }) == 0);
  const UniqueFd accepted(::accept4(there.zserv.get(), nullptr, nullptr, SOCK_CLOEXEC));
  char said = 0;
  CHECK(::recv(accepted.get(), &said, 1, 0) == 1);
  CHECK(said == 'x');
}

TEST_CASE("a door that is not there is said, and the next one opens all the same") {
  Frr there;
  auto doors = FrrDoors::open(there.directory);
  REQUIRE(doors);
  const auto closed = doors->connect(FrrDoor::bgpd_vty);
  REQUIRE_FALSE(closed);
  CHECK(closed.error().message == &messages::bgpd_silent);
  CHECK(closed.error().detail == "bgpd.vty: No such file or directory");
  CHECK(doors->connect(FrrDoor::bfdd_vty).error().message == &messages::bfdd_silent);
  CHECK(doors->connect(FrrDoor::zebra_vty).error().message == &messages::zebra_lost);
  const auto unknown = doors->connect(static_cast<FrrDoor>(9));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().detail == "socket 9: Invalid argument");
  CHECK(doors->connect(FrrDoor::zserv));
}

TEST_CASE("a path that no socket can have is refused") { CHECK_FALSE(FrrDoors::open(std::string(200, 'x'))); }
