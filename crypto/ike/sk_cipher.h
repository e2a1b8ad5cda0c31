// Protection of the Encrypted payload (SK) of IKEv2: RFC 7296 section 3.14 for CBC with an integrity algorithm,
// RFC 5282 for AES-GCM, RFC 7634 for ChaCha20-Poly1305.
#pragma once

#include <optional>

#include "base/random.h"
#include "base/secret_bytes.h"
#include "crypto/ike/algorithms.h"

namespace sekisho::crypto {

struct SkAlgorithm {
  EncryptionId encryption{};
  uint16_t key_bits = 0;                      // 128 or 256; 0 with 3DES
  IntegrityId integrity = IntegrityId::none;  // none with an AEAD

  friend bool operator==(const SkAlgorithm&, const SkAlgorithm&) = default;
  bool aead() const { return encryption == EncryptionId::aes_gcm_16 || encryption == EncryptionId::chacha20_poly1305; }
  // Lengths in bytes: SK_e (with the AEAD's salt at its end) and SK_a.
  size_t encryption_key_length() const;
  size_t integrity_key_length() const;
  size_t iv_length() const;
  size_t icv_length() const;
};

// One direction's keys.
class SkCipher {
 public:
  SkCipher(const SkAlgorithm& algorithm, SecretBytes encryption_key, SecretBytes integrity_key);

  // The size of the SK payload's body (IV, ciphertext with padding, ICV) for so much plaintext.
  size_t sealed_length(size_t plaintext_length) const;
  // The body, for a message whose bytes before the body are `header` (IKE header and generic payload headers up to the
  // SK payload's own), with its final length fields already in place.
  Bytes seal(ByteView header, ByteView plaintext, Random& random);
  // The plaintext without padding; nothing where the body is malformed or not authentic.
  std::optional<Bytes> open(ByteView header, ByteView body) const;

 private:
  SkAlgorithm algorithm_;
  SecretBytes encryption_key_;
  SecretBytes integrity_key_;
  uint64_t next_iv_ = 0;  // AEAD: a counter, never reused with this key
};

}  // namespace sekisho::crypto
