// An EspKey from the backends' side, and what they make of a packet.
#pragma once

#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>

#include "crypto/esp/esp_crypto.h"
#include "crypto/esp/hidden_memory.h"

namespace sekisho::crypto {

// What every key holds. A backend's own form of a key derives from it, and fills one block of hidden memory.
class alignas(16) EspKey {
 public:
  EspKey(EspBackend backend, EspSuite suite, bool esn) : suite(suite), backend(backend), esn(esn) {}

  const EspSuite suite;
  const EspBackend backend;
  const bool esn;
  std::array<uint8_t, 4> salt{};  // combined mode

  // The block of hidden memory with all that its form holds.
  std::span<uint8_t> block() { return {reinterpret_cast<uint8_t*>(this) - offset_, block_size_}; }

 private:
  template <typename Form>
  friend EspKeyPtr new_esp_key(EspBackend, EspSuite, bool, ByteView);
  uint16_t offset_ = 0;  // within the block
  uint16_t block_size_ = 0;
};

// Throws std::invalid_argument where it does not fit.
void check_key_material(EspSuite suite, ByteView material);

// Makes a key of the given form, in which the backend has still to fill in its own part.
template <typename Form>
EspKeyPtr new_esp_key(EspBackend backend, EspSuite suite, bool esn, ByteView material) {
  static_assert(std::is_base_of_v<EspKey, Form> && std::is_trivially_destructible_v<Form>);
  static_assert(alignof(Form) <= key_block_unit && sizeof(Form) <= max_key_block_size);
  check_key_material(suite, material);
  auto* block = static_cast<uint8_t*>(take_key_block(sizeof(Form)));
  EspKey* key = new (block) Form(backend, suite, esn);
  key->offset_ = static_cast<uint16_t>(reinterpret_cast<uint8_t*>(key) - block);
  key->block_size_ = sizeof(Form);
  std::memcpy(key->salt.data(), material.data() + info(suite).cipher_key, info(suite).salt);
  return EspKeyPtr(key);
}

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
