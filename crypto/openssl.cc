#include "crypto/openssl.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "base/secret_bytes.h"

namespace sekisho::crypto {
namespace {

MacContextPtr keyed_hmac(const char* hash, ByteView key) {
  static EVP_MAC* const algorithm =
      EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);  // lives as long as the process
  require(algorithm, "HMAC");
  MacContextPtr context(require(EVP_MAC_CTX_new(algorithm), "HMAC"));
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(hash), 0), OSSL_PARAM_construct_end()};
  // A null key would mean "keep the last one".
  const uint8_t nothing = 0;
  const uint8_t* bytes = key.empty() ? &nothing : key.data();
  require(EVP_MAC_init(context.get(), bytes, key.size(), parameters.data()) == 1, "HMAC");
  return context;
}

}  // namespace

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("libcrypto: ") + what);
}

void hmac(const char* hash, ByteView key, std::initializer_list<ByteView> data, std::span<uint8_t> out) {
  const MacContextPtr context = keyed_hmac(hash, key);
  for (const ByteView part : data) require(EVP_MAC_update(context.get(), part.data(), part.size()) == 1, "HMAC");
  std::array<uint8_t, EVP_MAX_MD_SIZE> whole;
  size_t length = 0;
  require(EVP_MAC_final(context.get(), whole.data(), &length, whole.size()) == 1 && out.size() <= length, "HMAC");
  std::copy_n(whole.begin(), out.size(), out.begin());
  wipe(whole);
}

}  // namespace sekisho::crypto
