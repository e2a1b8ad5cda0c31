// The child that opens things for control: requests, answers, and what becomes of an answer that comes too late.
#include "control/main/doorkeeper.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <ctime>

using namespace sekisho;
using namespace sekisho::control;

namespace {

// 'o' opens something, 'n' says no; 's' is slow, longer than is waited for, and 'x' is not allowed at all.
int serve(ByteView request, Doorkeeper::Opened& opened) {
  const timespec slow{.tv_sec = 0, .tv_nsec = 600'000'000};
  if (request[0] == 's') ::clock_nanosleep(CLOCK_MONOTONIC, 0, &slow, nullptr);
  if (request[0] == 'x') ::getppid();
  if (request[0] == 'n') return ENXIO;
  opened.add(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return 0;
}

int allow(scmp_filter_ctx filter) {
  for (const int call : {SCMP_SYS(openat), SCMP_SYS(clock_nanosleep)})
    if (const int error = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0); error < 0) return error;
  return 0;
}

Doorkeeper hire() {
  auto keeper = Doorkeeper::hire({.name = "test-door", .capabilities = {}, .allow = allow, .open = serve});
  REQUIRE(keeper);
  return std::move(*keeper);
}

std::expected<std::vector<UniqueFd>, int> ask(Doorkeeper& keeper, char what) {
  return keeper.ask(Bytes(1, static_cast<uint8_t>(what)));
}

}  // namespace

TEST_CASE("a doorkeeper hands over what it opens, and says why it does not") {
  Doorkeeper keeper = hire();
  const auto opened = ask(keeper, 'o');
  REQUIRE(opened);
  REQUIRE(opened->size() == 1);
  char octet;
  CHECK(::read(opened->front().get(), &octet, 1) == 0);
  CHECK(ask(keeper, 'n').error() == ENXIO);
  CHECK(keeper.ask({}).error() == EINVAL);
  CHECK(keeper.ask(Bytes(Doorkeeper::longest_request + 1)).error() == EINVAL);
}

TEST_CASE("an answer that comes too late is to no other request") {
  Doorkeeper keeper = hire();
  const auto slow = ask(keeper, 's');
  REQUIRE_FALSE(slow);
  CHECK(slow.error() == EAGAIN);
  // A quarter of a second passes in each that is not answered in time.
  for (;;) {
    const auto answer = ask(keeper, 'n');
    REQUIRE_FALSE(answer);
    if (answer.error() != EAGAIN) {
      CHECK(answer.error() == ENXIO);
      break;
    }
  }
}

TEST_CASE("a doorkeeper that does what it was not hired for is gone") {
  Doorkeeper keeper = hire();
  CHECK(ask(keeper, 'x').error() == EPIPE);
  CHECK(ask(keeper, 'o').error() == EPIPE);
  CHECK(keeper.reason(EPIPE) == "the process test-door has ended; start sekisho-control again");
}
