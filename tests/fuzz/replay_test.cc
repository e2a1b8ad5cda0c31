// Each target over its corpus, which holds every input that once broke it.
#include <catch2/catch.hpp>

#include "tests/fuzz/corpus.h"
#include "tests/fuzz/targets.h"

namespace sekisho::fuzz {

TEST_CASE("each target takes its corpus") {
  const auto [name, target] = GENERATE(table<const char*, void (*)(ByteView)>({
      {"engine_stranger", engine_stranger},
      {"engine_peer", engine_peer},
      {"config", config},
  }));
  INFO(name);
  const auto inputs = corpus(name);
  REQUIRE(!inputs.empty());
  for (const Bytes& input : inputs) target(input);
}

}  // namespace sekisho::fuzz
