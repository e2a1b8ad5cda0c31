// Pseudo-random functions of IKE (RFC 7296 section 2.13).
#pragma once

#include <initializer_list>

#include "base/secret_bytes.h"
#include "crypto/ike/algorithms.h"

namespace sekisho::crypto {

// Output length in bytes, which is the preferred key length too (RFC 7296 section 2.13, all HMACs).
size_t prf_length(PrfId id);

// prf(key, part | part | ...).
SecretBytes prf(PrfId id, ByteView key, std::initializer_list<ByteView> data);

// prf+(key, seed), `length` bytes; length <= 255 * prf_length(id).
SecretBytes prf_plus(PrfId id, ByteView key, ByteView seed, size_t length);

// The hash that the PRF is an HMAC of, over the parts (RFC 2409 appendix B, RFC 3947 section 3.2).
Bytes hash(PrfId id, std::initializer_list<ByteView> data);
// SHA-1 over the parts: NAT detection hashes (RFC 7296 section 2.23).
Bytes sha1(std::initializer_list<ByteView> data);

}  // namespace sekisho::crypto
