#include "tests/unit/crypto/rsa_forgery.h"

#include <openssl/bn.h>

#include <algorithm>

#include "crypto/openssl.h"

namespace sekisho::testing {
namespace {

using crypto::BignumContextPtr;
using crypto::BignumPtr;
using crypto::require;

// The smallest number whose cube is not below `cube`, by halving.
BignumPtr cube_root(const BIGNUM* cube) {
  const BignumContextPtr context(BN_CTX_new());
  const BignumPtr low(BN_new()), high(BN_new()), middle(BN_new()), power(BN_new());
  BN_lshift(high.get(), BN_value_one(), BN_num_bits(cube) / 3 + 1);
  while (BN_cmp(low.get(), high.get()) < 0) {
    BN_add(middle.get(), low.get(), high.get());
    BN_rshift1(middle.get(), middle.get());
    BN_sqr(power.get(), middle.get(), context.get());
    BN_mul(power.get(), power.get(), middle.get(), context.get());
    if (BN_cmp(power.get(), cube) >= 0) {
      BN_copy(high.get(), middle.get());
    } else {
      BN_copy(low.get(), middle.get());
      BN_add_word(low.get(), 1);
    }
  }
  return BignumPtr(BN_dup(low.get()));
}

}  // namespace

Bytes forged(size_t length, const Bytes& payload) {
  Bytes block = {0x00, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};
  block.insert(block.end(), payload.begin(), payload.end());
  const size_t fixed = block.size();
  block.resize(length);
  const BignumPtr target(BN_bin2bn(block.data(), static_cast<int>(length), nullptr));
  const BignumPtr root = cube_root(target.get());
  Bytes signature(length);
  require(BN_bn2binpad(root.get(), signature.data(), static_cast<int>(length)) > 0, "forgery");

  const BignumContextPtr context(BN_CTX_new());
  const BignumPtr cube(BN_new());
  BN_sqr(cube.get(), root.get(), context.get());
  BN_mul(cube.get(), cube.get(), root.get(), context.get());
  Bytes opened(length);
  require(BN_bn2binpad(cube.get(), opened.data(), static_cast<int>(length)) > 0, "forgery");
  require(std::equal(block.begin(), block.begin() + static_cast<ptrdiff_t>(fixed), opened.begin()), "forgery");
  return signature;
}

}  // namespace sekisho::testing
