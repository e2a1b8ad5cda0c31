// Signing and verifying for authentication: RSA, ECDSA over the NIST curves and Ed25519.
//
// A key fits a scheme or it does not, whatever a peer writes into its AUTH payload: the key's type comes from the
// certificate that was validated, and a scheme for another type of key verifies nothing.
#pragma once

#include <openssl/types.h>

#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/secret_bytes.h"
#include "crypto/ike/signature_scheme.h"

namespace sekisho::crypto {

enum class KeyType : uint8_t { rsa, ecdsa_p256, ecdsa_p384, ecdsa_p521, ed25519 };
std::string_view name(KeyType type);  // "RSA", "ECDSA P-256"

inline constexpr int min_rsa_bits = 2048;  // RFC 8247 section 4.1.2
inline constexpr int max_rsa_bits = 8192;  // what a peer may make us compute with

bool fits(KeyType type, const SignatureScheme& scheme);

class PublicKey {
 public:
  // Takes a share in the key. The error says in words why it cannot be used: another type or curve, an RSA modulus out
  // of the range above, or an RSA exponent below 3 or even. Exponents from 3 on are taken: what made small ones
  // dangerous is lax parsing of the padding, and the padding is compared here, not parsed.
  static std::expected<PublicKey, std::string> from(EVP_PKEY* key);
  static std::expected<PublicKey, std::string> from_der(ByteView subject_public_key_info);

  KeyType type() const { return type_; }
  // False for every scheme that does not fit the key, and for every signature that is malformed. With rsa_raw, `data`
  // is the hash that was signed.
  bool verify(const SignatureScheme& scheme, ByteView data, ByteView signature) const;
  bool operator==(const PublicKey& other) const;

 private:
  PublicKey(std::shared_ptr<EVP_PKEY> key, KeyType type) : key_(std::move(key)), type_(type) {}
  std::shared_ptr<EVP_PKEY> key_;  // only read
  KeyType type_;
};

// libcrypto keeps the numbers in memory that is hidden from core dumps and wiped (crypto/openssl.cc).
class PrivateKey {
 public:
  // One unencrypted private key in PEM (PKCS#8, or the types' own forms). The error says what is wrong in words, and
  // holds nothing of the text.
  static std::expected<PrivateKey, std::string> from_pem(ByteView text);

  KeyType type() const { return public_.type(); }
  const PublicKey& public_key() const { return public_; }
  // `scheme` must fit the key. Throws std::runtime_error where the crypto library fails.
  Bytes sign(const SignatureScheme& scheme, ByteView data) const;

 private:
  PrivateKey(std::shared_ptr<EVP_PKEY> key, PublicKey public_key)
      : key_(std::move(key)), public_(std::move(public_key)) {}
  std::shared_ptr<EVP_PKEY> key_;
  PublicKey public_;
};

// The scheme of RFC 7427 to sign with for a peer that announced these hashes (SIGNATURE_HASH_ALGORITHMS); nothing where
// there is none. An ECDSA key prefers the hash of its own strength.
enum class RsaPadding : uint8_t { pkcs1, pss };
std::optional<SignatureScheme> choose_scheme(KeyType type, std::span<const SignatureHash> peer_hashes,
                                             RsaPadding padding);
// The scheme of RFC 4754 for an ECDSA key; nothing for another.
std::optional<SignatureScheme> fixed_ecdsa_scheme(KeyType type);

}  // namespace sekisho::crypto
