// What both parts of crypto/ use of OpenSSL: owners for its objects, one way to fail, and HMAC.
//
// A call into libcrypto that cannot fail for any input a peer may choose fails only for want of memory or of an
// algorithm; that is thrown as std::runtime_error. Whatever depends on a peer's bytes is checked and returned as a
// value.
#pragma once

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <initializer_list>
#include <memory>
#include <span>

#include "base/bytes.h"

namespace sekisho::crypto {

template <auto free_function>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using BignumPtr = std::unique_ptr<BIGNUM, OpensslDeleter<BN_clear_free>>;
using BignumContextPtr = std::unique_ptr<BN_CTX, OpensslDeleter<BN_CTX_free>>;
using EcPointPtr = std::unique_ptr<EC_POINT, OpensslDeleter<EC_POINT_clear_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>>;
using PkeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, OpensslDeleter<EVP_PKEY_CTX_free>>;
using CipherPtr = std::unique_ptr<EVP_CIPHER, OpensslDeleter<EVP_CIPHER_free>>;
using CipherContextPtr = std::unique_ptr<EVP_CIPHER_CTX, OpensslDeleter<EVP_CIPHER_CTX_free>>;

// Throws std::runtime_error naming `what` where `good` is false.
void require(bool good, const char* what);
template <typename T>
T* require(T* object, const char* what) {
  require(object != nullptr, what);
  return object;
}

// Algorithms by OpenSSL's names ("SHA256", "AES-128-GCM"), looked for once and kept for the life of the process:
// libcrypto would look anew at every use. Those that IKE uses; they throw for any other.
const EVP_MD* digest(const char* name);
const EVP_CIPHER* cipher(const char* name);

// HMAC (RFC 2104) with OpenSSL's name of the hash ("SHA1", "SHA256", ...) over the parts; `out` takes its first bytes
// and must be no longer than the hash.
void hmac(const char* hash, ByteView key, std::initializer_list<ByteView> data, std::span<uint8_t> out);

}  // namespace sekisho::crypto
