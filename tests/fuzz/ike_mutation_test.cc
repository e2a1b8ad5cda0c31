// 100,000 mutations of real messages, the same ones each time.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "tests/fuzz/corpus.h"
#include "tests/fuzz/targets.h"

namespace sekisho::fuzz {
namespace {

class Mutator {
 public:
  Mutator(uint64_t seed, const std::vector<Bytes>& corpus) : random_(seed), corpus_(corpus) {}

  Bytes next() {
    Bytes bytes = any();
    for (size_t count = 1 + below(3); count > 0; --count) mutate(bytes);
    // Most of them with a length in the header that agrees, or none would come past it.
    if (bytes.size() >= 28 && below(8) != 0) write(bytes, 24, bytes.size(), 4);
    bytes.shrink_to_fit();
    return bytes;
  }

 private:
  size_t below(size_t bound) { return static_cast<size_t>(random_() % bound); }
  const Bytes& any() { return corpus_[below(corpus_.size())]; }
  static void write(Bytes& bytes, size_t at, uint64_t value, size_t width) {
    for (size_t i = 0; i < width; ++i) bytes[at + i] = static_cast<uint8_t>(value >> (8 * (width - 1 - i)));
  }

  void mutate(Bytes& bytes) {
    static constexpr uint16_t lengths[] = {0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 40, 255, 256, 257, 0x7fff, 0x8000, 0xffff};
    if (bytes.size() < 2) {
      bytes = any();
      return;
    }
    const size_t at = below(bytes.size() - 1);
    const auto here = bytes.begin() + static_cast<ptrdiff_t>(at);
    const size_t span = std::min(bytes.size() - at, 1 + below(64));
    switch (below(8)) {
      case 0:
        bytes[at] ^= static_cast<uint8_t>(1u << below(8));
        return;
      case 1:
        bytes[at] = static_cast<uint8_t>(below(256));
        return;
      case 2:
        write(bytes, at, lengths[below(std::size(lengths))], 2);
        return;
      case 3:
        bytes[at] = static_cast<uint8_t>(bytes[at] + 1);
        return;
      case 4:
        bytes.resize(at);
        return;
      case 5:
        bytes.erase(here, here + static_cast<ptrdiff_t>(span));
        return;
      case 6: {
        const Bytes copy(here, here + static_cast<ptrdiff_t>(span));
        bytes.insert(here, copy.begin(), copy.end());
        return;
      }
      case 7: {
        const Bytes& other = any();
        const size_t from = below(other.size());
        bytes.resize(at);
        bytes.insert(bytes.end(), other.begin() + static_cast<ptrdiff_t>(from), other.end());
        return;
      }
    }
  }

  std::mt19937_64 random_;
  const std::vector<Bytes>& corpus_;
};

void check_corpus(const char* name, bool (*check)(ByteView)) {
  const auto messages = corpus(name);
  REQUIRE(messages.size() >= 6);
  for (const Bytes& message : messages) CHECK(check(message));
}

void check_mutations(const char* name, bool (*check)(ByteView)) {
  const auto messages = corpus(name);
  Mutator mutator(20240601, messages);
  unsigned accepted = 0;
  for (unsigned i = 0; i < 100'000; ++i) accepted += check(mutator.next());
  // Enough get past the header and through the payloads for the test to mean something, and not all.
  CHECK(accepted > 5'000);
  CHECK(accepted < 95'000);
}

}  // namespace

TEST_CASE("the corpus is of messages that decode") {
  check_corpus("ike_decode", ike_decode);
  check_corpus("ike_v1_decode", ike_v1_decode);
}

TEST_CASE("mutated messages of IKEv2 break nothing") { check_mutations("ike_decode", ike_decode); }
TEST_CASE("mutated messages of IKEv1 break nothing") { check_mutations("ike_v1_decode", ike_v1_decode); }

}  // namespace sekisho::fuzz
