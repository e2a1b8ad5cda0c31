// Each target over its corpus, which holds every input that once broke it.
#include <catch2/catch.hpp>

#include "tests/fuzz/corpus.h"
#include "tests/fuzz/targets.h"

namespace sekisho::fuzz {

TEST_CASE("each target takes its corpus") {
  const auto [name, target] = GENERATE(table<const char*, void (*)(ByteView)>({
      {"engine_stranger", engine_stranger},
      {"engine_newcomer", [](ByteView script) { engine_newcomer(script); }},
      {"engine_peer", engine_peer},
      {"peer_certificates", [](ByteView script) { peer_certificates(script); }},
      {"certificate_files", certificate_files},
      {"signatures", signatures},
      {"engine_v1_stranger", engine_v1_stranger},
      {"engine_v1_peer", engine_v1_peer},
      {"config", config},
      {"zebra", zebra},
  }));
  INFO(name);
  const auto inputs = corpus(name);
  REQUIRE(!inputs.empty());
  for (const Bytes& input : inputs) target(input);
}

TEST_CASE("the peer without a proof gets as far as a half-open SA") {
  const auto inputs = corpus("engine_newcomer");
  CHECK(std::ranges::count_if(inputs, engine_newcomer) >= 8);
}

TEST_CASE("of the chains in the corpus, those are accepted that the authority vouches for") {
  const auto inputs = corpus("peer_certificates");
  CHECK(std::ranges::count_if(inputs, peer_certificates) == 5);
  CHECK(inputs.size() > 5);
}

}  // namespace sekisho::fuzz
