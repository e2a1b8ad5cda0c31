// The way into a network namespace that `ip netns add` has made, out of a process that may not enter one.
#include "control/main/namespace_door.h"

#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <string>

#include "base/messages/routing.h"
#include "control/kernel/configurator.h"
#include "control/kernel/mirror.h"
#include "control/main/privileges.h"
#include "control/main/sandbox.h"

using namespace sekisho;
using namespace sekisho::control;

namespace {

struct Namespace {
  std::string name = "sekisho-door-" + std::to_string(::getpid());
  Namespace() { REQUIRE(std::system(("ip netns add " + name).c_str()) == 0); }
  ~Namespace() { (void)!std::system(("ip netns delete " + name).c_str()); }
};

// What `run` says, in a process that has given up its privileges.
int confined(const std::function<int(NamespaceDoor&)>& run) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto door = NamespaceDoor::open();
    ::_exit(!door || !drop_privileges() || !enter_sandbox() ? 100 : run(*door));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("control works in a VRF's namespace by the door alone") {
  const Namespace there;
  CHECK(confined([&](NamespaceDoor& door) {
          for (int i = 0; i < 2; ++i) {
            auto sockets = door.enter(there.name);
            if (!sockets) return 1;
            if (::setns(sockets->space.get(), CLONE_NEWNET) == 0) return 2;
            auto mirror = kernel::Mirror::open(std::move(sockets->monitor), std::move(sockets->requests));
            auto configurator = kernel::Configurator::open(std::move(sockets->changes));
            if (!mirror || !configurator) return 3;
            const kernel::Link* lo = (*mirror)->state().find_link("lo");
            // It is another loopback than that of this namespace: nothing has taken it up yet.
            if (!lo || (*mirror)->state().links.size() != 1 || lo->up != (i == 1)) return 4;
            if (!configurator->set_up(lo->index, true)) return 5;
            const auto update = (*mirror)->process();
            if (!update || !(*mirror)->state().find_link("lo")->up) return 6;
            if (i == 1 && !door.let_forward(there.name)) return 7;
          }
          return 0;
        }) == 0);
  const auto is = [&](const char* sysctl, const char* value) {
    const std::string shown = "$(ip netns exec " + there.name + " sysctl -n " + sysctl + ")";
    return std::system(("test \"" + shown + "\" = " + value).c_str()) == 0;
  };
  CHECK(is("net.ipv4.ip_forward", "1"));
  CHECK(is("net.ipv6.conf.all.forwarding", "1"));
  CHECK(is("net.ipv4.conf.all.rp_filter", "2"));
}

TEST_CASE("a name that is none of a namespace opens nothing, and the door stays") {
  const Namespace there;
  CHECK(confined([&](NamespaceDoor& door) {
          for (const std::string name :
               {std::string("sekisho-none"), "../netns/" + there.name, std::string(".."), std::string(64, 'x'),
                std::string(65, 'x'), std::string(), there.name + '\0'}) {
            const auto sockets = door.enter(name);
            if (sockets || sockets.error().message != &messages::vrf_unusable) return 1;
          }
          if (door.let_forward("sekisho-none")) return 3;
          return door.enter(there.name) ? 0 : 2;
        }) == 0);
}

TEST_CASE("what stands there and is no namespace is none") {
  const std::string name = "sekisho-file-" + std::to_string(::getpid());
  REQUIRE((::mkdir("/run/netns", 0755) == 0 || errno == EEXIST));
  const std::string path = "/run/netns/" + name;
  REQUIRE(std::system(("touch " + path).c_str()) == 0);
  CHECK(confined([&](NamespaceDoor& door) { return door.enter(name) ? 1 : 0; }) == 0);
  ::unlink(path.c_str());
}
