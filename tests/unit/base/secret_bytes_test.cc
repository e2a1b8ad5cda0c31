#include "base/secret_bytes.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

namespace sekisho {
namespace {

// Whether the mapping that holds `address` is marked "dd" (do not dump) in /proc/self/smaps.
bool kept_out_of_core_dumps(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long start = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &start, &end) == 2) inside = start <= wanted && wanted < end;
    if (inside && line.starts_with("VmFlags:")) return line.find(" dd") != std::string::npos;
  }
  return false;
}

}  // namespace

TEST_CASE("secrets lie outside core dumps and are wiped when they go") {
  const uint8_t* where = nullptr;
  {
    auto secret = SecretBytes::copy_of(as_bytes("swordfish"));
    where = secret.view().data();
    CHECK(as_text(secret.view()) == "swordfish");
    CHECK(kept_out_of_core_dumps(where));
  }
  // The arena keeps the page mapped, so a look is allowed.
  for (size_t i = 0; i < 9; ++i) CHECK(where[i] == 0);
  SecretBytes large(5000);
  CHECK(kept_out_of_core_dumps(large.view().data()));
}

TEST_CASE("secrets move and clone") {
  auto secret = SecretBytes::copy_of(as_bytes("a"));
  auto moved = std::move(secret);
  CHECK(secret.empty());
  const auto clone = moved.clone();
  moved.clear();
  CHECK(as_text(clone.view()) == "a");
}

TEST_CASE("constant-time comparison compares") {
  CHECK(constant_time_equal(as_bytes("abc"), as_bytes("abc")));
  CHECK_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abd")));
  CHECK_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("ab")));
  CHECK(constant_time_equal({}, {}));
}

}  // namespace sekisho
