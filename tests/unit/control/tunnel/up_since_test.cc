#include "control/tunnel/up_since.h"

#include <catch2/catch.hpp>

namespace sekisho::control {

TEST_CASE("a tunnel is up once its routes are in the dataplane") {
  UpSince up;
  const Instant now = Instant{} + std::chrono::seconds(7);
  up.live("tokyo", 3);
  CHECK_FALSE(up.of("tokyo"));
  CHECK(up.routed(3, now).empty());  // that round began without it
  CHECK_FALSE(up.of("tokyo"));
  CHECK(up.routed(4, now) == std::vector<std::string>{"tokyo"});
  CHECK(up.of("tokyo") == now);

  up.live("tokyo", 4);  // another child SA
  CHECK(up.routed(5, now + std::chrono::seconds(1)).empty());
  CHECK(up.of("tokyo") == now);
}

TEST_CASE("a tunnel that is no longer live is not up, and has to wait again") {
  UpSince up;
  up.live("osaka", 1);
  up.live("tokyo", 1);
  up.not_live("osaka");
  CHECK(up.routed(2, Instant{}) == std::vector<std::string>{"tokyo"});
  CHECK_FALSE(up.of("osaka"));
  up.not_live("tokyo");
  CHECK_FALSE(up.of("tokyo"));
  up.live("tokyo", 2);
  CHECK(up.routed(2, Instant{}).empty());
  CHECK(up.routed(3, Instant{}) == std::vector<std::string>{"tokyo"});
}

}  // namespace sekisho::control
