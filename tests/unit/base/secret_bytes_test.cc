#include "base/secret_bytes.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

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

TEST_CASE("a block is zero whoever had it before, of any size") {
  for (const size_t size : {1, 64, 65, 256, 257, 1024, 1025, 4096, 4097, 16384, 16385, 100'000}) {
    INFO(size);
    std::vector<SecretBytes> held;
    for (int i = 0; i < 40; ++i) {
      SecretBytes& block = held.emplace_back(size);
      CHECK(std::ranges::all_of(block.view(), [](uint8_t octet) { return octet == 0; }));
      std::ranges::fill(block.writable(), uint8_t{0xff});
      if (i % 3 == 0) held.pop_back();
    }
    std::set<const uint8_t*> places;
    for (const SecretBytes& block : held) places.insert(block.view().data());
    CHECK(places.size() == held.size());
  }
}

TEST_CASE("what one thread took another gives back, and a thread that ends leaves its blocks to the others") {
  std::set<const uint8_t*> places;
  for (int round = 0; round < 20; ++round) {
    std::vector<SecretBytes> made;
    std::thread([&] {
      for (int i = 0; i < 100; ++i) made.push_back(SecretBytes::copy_of(as_bytes("swordfish")));
    }).join();
    for (const SecretBytes& block : made) places.insert(block.view().data());
  }
  CHECK(places.size() < 500);  // of 2000
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
