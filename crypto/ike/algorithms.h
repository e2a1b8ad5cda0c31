// The transforms of IKE by their IANA numbers ("Internet Key Exchange Version 2 (IKEv2) Parameters"), as far as they
// are spoken here, and what is fixed about each.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sekisho::crypto {

// Transform type 1.
enum class EncryptionId : uint16_t { des3 = 3, aes_cbc = 12, aes_gcm_16 = 20, chacha20_poly1305 = 28 };
// Transform type 2.
enum class PrfId : uint16_t { hmac_sha1 = 2, hmac_sha2_256 = 5, hmac_sha2_384 = 6, hmac_sha2_512 = 7 };
// Transform type 3.
enum class IntegrityId : uint16_t {
  none = 0,
  hmac_sha1_96 = 2,
  hmac_sha2_256_128 = 12,
  hmac_sha2_384_192 = 13,
  hmac_sha2_512_256 = 14,
};
// Transform type 4.
enum class KeyExchangeId : uint16_t {
  none = 0,
  modp1024 = 2,
  modp1536 = 5,
  modp2048 = 14,
  modp3072 = 15,
  modp4096 = 16,
  ecp256 = 19,
  ecp384 = 20,
  ecp521 = 21,
  x25519 = 31,
};
// The groups of 1024 and 1536 bits, which stand only in a profile that the operator names (RFC 8247 section 2.4).
constexpr bool weak(KeyExchangeId id) { return id == KeyExchangeId::modp1024 || id == KeyExchangeId::modp1536; }
// Transform type 5.
enum class EsnId : uint16_t { no_esn = 0, esn = 1 };

// Names as strongSwan and the configuration write them: "prfsha256", "sha256", "modp2048". Empty: not spoken here.
std::string_view name(PrfId id);
std::string_view name(IntegrityId id);
std::string_view name(KeyExchangeId id);
std::optional<PrfId> find_prf(std::string_view name);
std::optional<IntegrityId> find_integrity(std::string_view name);
std::optional<KeyExchangeId> find_key_exchange(std::string_view name);

}  // namespace sekisho::crypto
