// The libcrypto context in which certificates, and the public keys in them, are read and used.
//
// For every public key that it reads, libcrypto 3.0 tries all its decoders on all its types of keys: that takes twice
// as long as verifying a signature by it. In this context there are fewer, those of SubjectPublicKeyInfo and of what
// signs certificates: RSA, ECDSA and EdDSA. All else is as in the default provider, whose code it is. A certificate
// with another key is read as one whose key is unknown, so a peer has no more parsed than what could be of use.
#pragma once

#include <openssl/types.h>

namespace sekisho::crypto {

// What openssl.cnf says of providers and properties does not reach it.
//
// Made by the first call, and never freed. Throws std::runtime_error where libcrypto has no default provider, or one of
// another make.
OSSL_LIB_CTX* public_key_context();

}  // namespace sekisho::crypto
