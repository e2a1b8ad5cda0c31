#include "crypto/ike/prf.h"

#include <algorithm>
#include <stdexcept>

#include "crypto/openssl.h"

namespace sekisho::crypto {
namespace {

struct PrfInfo {
  const char* hash;
  size_t length;
};

PrfInfo info(PrfId id) {
  switch (id) {
    case PrfId::hmac_sha1:
      return {"SHA1", 20};
    case PrfId::hmac_sha2_256:
      return {"SHA256", 32};
    case PrfId::hmac_sha2_384:
      return {"SHA384", 48};
    case PrfId::hmac_sha2_512:
      return {"SHA512", 64};
  }
  throw std::invalid_argument("unknown PRF");
}

}  // namespace

size_t prf_length(PrfId id) { return info(id).length; }

SecretBytes prf(PrfId id, ByteView key, std::initializer_list<ByteView> data) {
  const PrfInfo& algorithm = info(id);
  SecretBytes out(algorithm.length);
  hmac(algorithm.hash, key, data, out.writable());
  return out;
}

// prf+(K, S) = T1 | T2 | ..., Tn = prf(K, T(n-1) | S | n), T0 empty (RFC 7296 section 2.13).
SecretBytes prf_plus(PrfId id, ByteView key, ByteView seed, size_t length) {
  const PrfInfo& algorithm = info(id);
  if (length > 255 * algorithm.length) throw std::invalid_argument("prf+ is limited to 255 blocks");
  SecretBytes out(length);
  SecretBytes block;
  uint8_t number = 0;
  for (size_t done = 0; done < length;) {
    ++number;
    block = prf(id, key, {block.view(), seed, {&number, 1}});
    const size_t take = std::min(block.size(), length - done);
    std::copy_n(block.view().begin(), take, out.writable().begin() + static_cast<ptrdiff_t>(done));
    done += take;
  }
  return out;
}

Bytes hash(PrfId id, std::initializer_list<ByteView> data) {
  const PrfInfo& algorithm = info(id);
  const std::unique_ptr<EVP_MD_CTX, OpensslDeleter<EVP_MD_CTX_free>> context(require(EVP_MD_CTX_new(), "hash"));
  require(EVP_DigestInit_ex2(context.get(), digest(algorithm.hash), nullptr) == 1, "hash");
  for (const ByteView part : data) require(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1, "hash");
  Bytes out(algorithm.length);
  require(EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1, "hash");
  return out;
}

Bytes sha1(std::initializer_list<ByteView> data) { return hash(PrfId::hmac_sha1, data); }

}  // namespace sekisho::crypto
