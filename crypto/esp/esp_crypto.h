// Seals and opens ESP packets in batches (RFC 4303; suites of base/esp_suite.h). Two backends do the same work:
// intel-ipsec-mb with an own kernel for GCM, for speed, and OpenSSL as the portable reference.
//
// A packet is worked on in place, laid out as it travels:
//
//   | SPI (4) | sequence (4) | IV | payload, padding, pad length, next header | ICV |
//   ^ esp                         ^ a multiple of the block                         ^ esp + length
//
// Keys are immutable and shared by all workers; an EspCrypto belongs to one worker.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>

#include "base/esp_suite.h"
#include "base/message.h"
#include "base/secret_bytes.h"

namespace sekisho::crypto {

enum class EspBackend : uint8_t {
  ipsec_mb,        // with the own GCM kernel where the processor can run it
  ipsec_mb_alone,  // without: what every other x86 processor runs
  openssl,
};

// The expanded key of one SA, in memory that is kept out of core dumps and wiped with the object.
class EspKey;
struct EspKeyDeleter {
  void operator()(EspKey* key) const;
};
using EspKeyPtr = std::unique_ptr<EspKey, EspKeyDeleter>;

// Asks for the cache lines that a short packet needs of an AES-128-GCM key of the own kernel, for use a little later:
// with thousands of keys most are not in the nearer caches. Of other keys it gets most, and for some a neighbour's.
inline void prefetch(const EspKey& key) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&key);
  for (int line = -2; line < 3; ++line) __builtin_prefetch(bytes + 64 * line);
}

struct EspJob {
  const EspKey* key = nullptr;
  uint8_t* esp = nullptr;      // SPI and sequence number (low half) are written by the caller
  uint32_t length = 0;         // from the SPI to the end of the ICV; the caller has checked valid_length()
  uint32_t sequence_high = 0;  // with ESN: covered by the ICV, not sent (RFC 4303 section 2.2.1)
  bool ok = false;             // out: sealed; or opened and authentic
};

class EspCrypto {
 public:
  // Whether the build has it and this processor can run it: ipsec-mb is for x86 with AES instructions.
  static bool available(EspBackend backend);
  // The fastest that is available.
  static EspBackend fastest();

  static std::unique_ptr<EspCrypto> create(EspBackend backend);
  virtual ~EspCrypto() = default;

  // `material`: cipher key, salt, integrity key as EspSuiteInfo orders them; its size must be key_material().
  // A key works with the backend that made it, in every EspCrypto of that backend.
  virtual EspKeyPtr make_key(EspSuite suite, bool esn, ByteView material) const = 0;

  // Writes IV and ICV and encrypts. Combined modes: the IV is the 64-bit sequence number (high half as given, zero
  // without ESN), so it is unique as long as sequence numbers are. CBC: the IV is unpredictable (RFC 3602 section 3).
  virtual void seal(std::span<EspJob> jobs) = 0;
  // Verifies the ICV in constant time and decrypts; where ok is false the payload's content is undefined.
  virtual void open(std::span<EspJob> jobs) = 0;

  // Whether `length` (from SPI to end of ICV) can be an ESP packet of the suite: header, IV and ICV, and in between a
  // multiple of the block that holds at least the two trailer bytes.
  static constexpr bool valid_length(EspSuite suite, uint32_t length) { return valid_length(info(suite), length); }
  // The same for whatever knows the suite's iv, icv and block.
  static constexpr bool valid_length(const auto& suite, uint32_t length) {
    const uint32_t around = 8u + suite.iv + suite.icv;
    return length > around && ((length - around) & (suite.block - 1u)) == 0;
  }
};

// A block holds the two trailer bytes, and is a power of two: no division for a packet.
static_assert(std::ranges::all_of(esp_suites,
                                  [](const EspSuiteInfo& i) { return i.block >= 4 && std::has_single_bit(i.block); }));

}  // namespace sekisho::crypto
