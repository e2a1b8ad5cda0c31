#include "dataplane/fib/second_level.h"

#include <catch2/catch.hpp>

namespace sekisho::dataplane {
namespace {

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

}  // namespace

TEST_CASE("tables of the second level are counted by the bits past the 24th, and shared by the bits in common") {
  const auto tables = [](const char* text) { return second_level_tables(prefix(text)); };
  CHECK(tables("10.0.0.0/24") == 0);
  CHECK(tables("10.0.0.0/25") == 1);
  CHECK(tables("10.0.0.1/32") == 1);
  CHECK(tables("::/0") == 0);
  CHECK(tables("fd00::/32") == 1);
  CHECK(tables("fd00::/33") == 2);
  CHECK(tables("fd00::1/128") == 13);
  const auto shared = [](const char* one, const char* other) {
    CHECK(shared_tables(prefix(one), prefix(other)) == shared_tables(prefix(other), prefix(one)));
    return shared_tables(prefix(one), prefix(other));
  };
  CHECK(shared("10.0.0.1/32", "10.0.0.2/32") == 1);
  CHECK(shared("10.0.0.1/32", "10.0.1.1/32") == 0);
  CHECK(shared("10.0.0.1/32", "10.0.0.0/24") == 0);
  CHECK(shared("10.0.0.1/32", "a00:1::/32") == 0);
  CHECK(shared("fd00::1/128", "fd00::2/128") == 13);
  CHECK(shared("fd00::1/128", "fd00::1:2/128") == 11);
  CHECK(shared("fd00::1/128", "fd00:0:1::/48") == 3);
  CHECK(shared("fd00::1/128", "fd00:1::/48") == 1);
  CHECK(shared("fd00::1/128", "fd00:100::/48") == 0);
  CHECK(shared("fd00::1/128", "fd00::/24") == 0);
}

}  // namespace sekisho::dataplane
