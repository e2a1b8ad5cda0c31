// How a signature is made of the octets that it covers, and how RFC 7427 names that on the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace sekisho::crypto {

// IANA "IKEv2 Hash Algorithms" (RFC 7427 section 7); identity: the scheme hashes on its own (RFC 8420).
enum class SignatureHash : uint16_t { sha1 = 1, sha2_256 = 2, sha2_384 = 3, sha2_512 = 4, identity = 5 };

enum class SignatureKind : uint8_t {
  rsa_pkcs1,    // RSASSA-PKCS1-v1_5
  rsa_pss,      // RSASSA-PSS, MGF1 and the salt's length by the same hash
  rsa_raw,      // IKEv1: PKCS#1 block type 1 around the octets themselves, no DigestInfo (RFC 2409 section 5.1)
  ecdsa,        // ECDSA-Sig-Value in DER (RFC 7427)
  ecdsa_fixed,  // r | s, each as long as the group's order (RFC 4754 section 7)
  eddsa
};

struct SignatureScheme {
  SignatureKind kind{};
  SignatureHash hash{};

  friend bool operator==(const SignatureScheme&, const SignatureScheme&) = default;
};

// OpenSSL's name ("SHA256"); nullptr for identity and unknown ones.
const char* openssl_name(SignatureHash hash);
// "RSASSA-PSS with SHA2-256", for operators.
std::string_view name(SignatureHash hash);
std::string_view name(SignatureKind kind);

// The AlgorithmIdentifier in DER (RFC 7427 appendix A, RFC 8420 section 2). Empty where there is none for the scheme:
// rsa_raw, ecdsa_fixed, SHA-1 in PSS and ECDSA.
Bytes algorithm_identifier(const SignatureScheme& scheme);
// Nothing where the octets are no AlgorithmIdentifier of a scheme that is known here. SHA-1 is recognized with
// RSASSA-PKCS1-v1_5 alone, so that the refusal can name it. PSS must use one hash throughout and a salt of its length.
std::optional<SignatureScheme> parse_algorithm_identifier(ByteView der);

}  // namespace sekisho::crypto
