#include "dataplane/main/eal.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

namespace sekisho::dataplane {
namespace {

bool has(const std::vector<std::string>& arguments, const char* argument) {
  return std::ranges::find(arguments, argument) != arguments.end();
}

}  // namespace

TEST_CASE("workers share processors where there are too few") {
  const std::array<unsigned, 2> two = {0, 1};
  CHECK(lcore_map(1, two) == "0@0,1@1");
  CHECK(lcore_map(3, two) == "0@0,1@1,2@0,3@1");
  const std::array<unsigned, 4> some = {2, 3, 6, 7};
  CHECK(lcore_map(2, some) == "0@2,1@3,2@6");
  const std::array<unsigned, 1> one = {5};
  CHECK(lcore_map(2, one) == "0@5,1@5,2@5");
}

TEST_CASE("EAL touches nothing it was not told to") {
  const std::array<unsigned, 2> two = {0, 1};
  Options options;
  const auto plain = eal_arguments(options, two, true);
  CHECK(has(plain, "--in-memory"));
  CHECK(has(plain, "--no-telemetry"));
  CHECK(has(plain, "--no-pci"));
  CHECK_FALSE(has(plain, "--no-huge"));
  CHECK(has(plain, "--force-max-simd-bitwidth=512"));
  // EAL refuses the two together.
  const auto small_pages = eal_arguments(options, two, false);
  CHECK(has(small_pages, "--no-huge"));
  CHECK(has(small_pages, "--no-shconf"));
  CHECK_FALSE(has(small_pages, "--in-memory"));
  options.eal = {"-a", "0000:03:00.0"};
  const auto pci = eal_arguments(options, two, true);
  CHECK_FALSE(has(pci, "--no-pci"));
  CHECK(pci.back() == "0000:03:00.0");
  options.eal = {"--file-prefix=x"};
  CHECK_FALSE(has(eal_arguments(options, two, true), "--in-memory"));
}

}  // namespace sekisho::dataplane
