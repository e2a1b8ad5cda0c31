// An EspKey from the backends' side, and what both make of a packet.
#pragma once

#include <array>
#include <bit>
#include <cstring>
#include <new>

#include "crypto/esp/esp_crypto.h"
#include "crypto/esp/hidden_memory.h"

namespace sekisho::crypto {

// One key block. What every packet needs stands at the end, next to the last of the expanded key: ipsec-mb's GCM tables
// end with the hash keys that every packet uses, so a packet touches no cache line more for it.
class alignas(64) EspKey {
 public:
  EspKey(EspBackend backend, EspSuite suite, bool esn) : suite(suite), backend(backend), esn(esn) {}

  // The backend's own form of the key.
  template <typename Expanded>
  Expanded& expanded() {
    static_assert(sizeof(Expanded) <= expanded_size && alignof(Expanded) <= 64);
    return *reinterpret_cast<Expanded*>(memory_.data());
  }
  template <typename Expanded>
  const Expanded& expanded() const {
    return const_cast<EspKey*>(this)->expanded<Expanded>();
  }

  static constexpr size_t expanded_size = 1008;

 private:
  std::array<uint8_t, expanded_size> memory_;  // zeroed with the block

 public:
  std::array<uint8_t, 4> salt{};  // combined mode
  const EspSuite suite;
  const EspBackend backend;
  const bool esn;
};
static_assert(sizeof(EspKey) == key_block_size);

EspKeyPtr new_esp_key(EspBackend backend, EspSuite suite, bool esn, ByteView material);

inline constexpr size_t esp_header_size = 8;

inline void store_be32(uint8_t* out, uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(out, &value, sizeof value);
}

// Nonce and additional data of a combined mode: GCM and ChaCha20-Poly1305 make them alike. They are built for a whole
// batch before its packets are worked on: a wide load right behind the narrow stores that wrote its bytes would have to
// wait for them. For the same reason the bytes of the IV and of the header pass through registers here, not through the
// packet.
struct alignas(32) AeadInput {
  std::array<uint8_t, 12> nonce;  // salt | IV (RFC 4106 section 4, RFC 7634 section 2)
  std::array<uint8_t, 12> aad;    // with ESN: SPI | 64-bit sequence number (RFC 4106 section 5, RFC 7634 section 2.1)

  // Without ESN the additional data is what stands in the packet.
  const uint8_t* aad_of(const EspJob& job) const { return job.key->esn ? aad.data() : job.esp; }
  static size_t aad_length(const EspJob& job) { return job.key->esn ? 12 : 8; }
};

inline void prepare_aead(const EspJob& job, const uint8_t* iv, AeadInput& input) {
  std::memcpy(input.nonce.data(), job.key->salt.data(), 4);
  std::memcpy(input.nonce.data() + 4, iv, 8);
  if (!job.key->esn) return;
  std::memcpy(input.aad.data(), job.esp, 4);
  store_be32(input.aad.data() + 4, job.sequence_high);
  std::memcpy(input.aad.data() + 8, job.esp + 4, 4);
}

// Sealing: the IV is the 64-bit sequence number, put into the packet here.
inline void prepare_aead_seal(const EspJob& job, AeadInput& input) {
  uint32_t low;  // big-endian, as it stands in the packet
  std::memcpy(&low, job.esp + 4, sizeof low);
  static_assert(std::endian::native == std::endian::little);
  const uint64_t iv = uint64_t{low} << 32 | __builtin_bswap32(job.key->esn ? job.sequence_high : 0);
  std::memcpy(job.esp + esp_header_size, &iv, sizeof iv);
  prepare_aead(job, reinterpret_cast<const uint8_t*>(&iv), input);
}

inline void prepare_aead_open(const EspJob& job, AeadInput& input) {
  prepare_aead(job, job.esp + esp_header_size, input);
}

}  // namespace sekisho::crypto
