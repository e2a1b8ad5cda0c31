// The measurements of script/bench ike, which says what they mean. Prints one JSON array, an object a suite.
//
//   ike_bench rate N     of N handshakes
//   ike_bench memory N   of N IKE SAs
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "tests/bench/ike/memory.h"
#include "tests/bench/ike/rate.h"

namespace sekisho::bench {
namespace {

void print_rate(const Suite& suite, unsigned handshakes) {
  std::printf("\"handshake_us\": %.1f", measure_rate(suite, handshakes));
}

void print_weight(const Suite& suite, unsigned peers) {
  const Weight weight = measure_weight(suite, peers);
  std::printf("\"half_open_bytes\": %zu, \"established_bytes\": %zu", weight.half_open, weight.established);
}

void print_each(void (*print)(const Suite&, unsigned), unsigned count) {
  const char* separator = "[\n";
  for (const Suite& suite : suites) {
    std::printf("%s  {\"suite\": \"%s\", ", separator, suite.name);
    std::fflush(stdout);  // a measurement may fork
    print(suite, count);
    std::printf("}");
    separator = ",\n";
  }
  std::printf("\n]\n");
}

}  // namespace
}  // namespace sekisho::bench

int main(int argc, char** argv) {
  using namespace sekisho::bench;
  const std::string what = argc == 3 ? argv[1] : "";
  const auto count = argc == 3 ? static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)) : 0;
  if ((what != "rate" && what != "memory") || count == 0) {
    std::fprintf(stderr, "usage: ike_bench rate|memory N\n");
    return 2;
  }
  try {
    print_each(what == "rate" ? print_rate : print_weight, count);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ike_bench: %s\n", error.what());
    return 1;
  }
}
