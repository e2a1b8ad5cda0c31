// AES-GCM for ESP (RFC 4106) on processors with AVX-512, VAES and VPCLMULQDQ, made for bursts of short packets. How it
// works is told in gcm_kernel.cc; the ipsec-mb backend uses it for its GCM suites where the processor has what it
// takes.
#pragma once

#include <span>

#include "crypto/esp/esp_key.h"

namespace sekisho::crypto {

bool gcm_kernel_supported();

struct alignas(16) GcmBlock {
  std::array<uint8_t, 16> bytes;
};

// The powers of H, as they lie in the key: descending, H to the power of most_powers - i at i, so that one load takes
// those of four blocks in a row.
constexpr unsigned most_powers = 36;
struct alignas(64) GcmPowers {
  std::array<GcmBlock, most_powers> powers;
};

// A short packet needs the last powers, the header and the round keys: five cache lines in a row with AES-128, six with
// AES-256.
template <unsigned rounds>
struct GcmKernelKey : GcmPowers, EspKey {
  using EspKey::EspKey;
  // The salt, where it stands in the counter block, is already added to the first one.
  std::array<GcmBlock, rounds + 1> round_keys;
};
static_assert(sizeof(GcmKernelKey<10>) == 12 * 64 && sizeof(GcmKernelKey<14>) == 13 * 64);

// `material` is the cipher key and the salt.
EspKeyPtr make_gcm_kernel_key(EspBackend backend, EspSuite suite, bool esn, ByteView material);

// Work on the packets of GCM suites among at most gcm_kernel_burst; return the others, a bit each.
inline constexpr size_t gcm_kernel_burst = 64;
uint64_t gcm_kernel_seal(std::span<EspJob> jobs);
uint64_t gcm_kernel_open(std::span<EspJob> jobs);

}  // namespace sekisho::crypto
