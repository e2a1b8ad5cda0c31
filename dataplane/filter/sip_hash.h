// SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein: "SipHash: a fast short-input PRF", 2012): without the key nobody can
// tell which inputs meet.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sekisho::dataplane {

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};

static_assert(std::endian::native == std::endian::little);

inline uint64_t sip_hash(const SipKey& key, const void* input, size_t length) {
  const auto* bytes = static_cast<const uint8_t*>(input);
  uint64_t v0 = key.k0 ^ 0x736f6d6570736575, v1 = key.k1 ^ 0x646f72616e646f6d, v2 = key.k0 ^ 0x6c7967656e657261,
           v3 = key.k1 ^ 0x7465646279746573;
  const auto round = [&] {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  };
  const auto compress = [&](uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  };
  size_t at = 0;
  for (; at + 8 <= length; at += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + at, sizeof word);
    compress(word);
  }
  uint64_t last = uint64_t{length & 0xff} << 56;
  for (size_t i = 0; at + i < length; ++i) last |= uint64_t{bytes[at + i]} << (8 * i);
  compress(last);
  v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace sekisho::dataplane
