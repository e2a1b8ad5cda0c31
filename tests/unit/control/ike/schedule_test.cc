#include "control/ike/schedule.h"

#include <catch2/catch.hpp>
#include <string>

namespace sekisho::ike {

using namespace std::chrono_literals;

TEST_CASE("the earliest comes first, and only whose time has come is due") {
  const Instant start = Instant{} + 100s;
  Schedule<std::string> schedule;
  CHECK_FALSE(schedule.earliest());
  schedule.set("a", start + 3s);
  schedule.set("b", start + 1s);
  schedule.set("c", start + 1s);
  CHECK(schedule.earliest() == start + 1s);
  CHECK(schedule.due(start).empty());
  CHECK(schedule.due(start + 1s) == std::vector<std::string>{"b", "c"});
  schedule.set("b", start + 5s);
  schedule.set("c", {});
  schedule.set("nobody", {});
  CHECK(schedule.earliest() == start + 3s);
  CHECK(schedule.due(start + 9s) == std::vector<std::string>{"a", "b"});
}

}  // namespace sekisho::ike
