#include "crypto/ike/key_exchange.h"

#include <openssl/obj_mac.h>

#include <map>
#include <stdexcept>

#include "crypto/openssl.h"

namespace sekisho::crypto {
namespace {

struct Group {
  KeyExchangeId id;
  size_t public_length;
  size_t private_length;
  BIGNUM* (*prime)(BIGNUM*);  // modp
  int curve;                  // ecp
};

// Exponents of the finite-field groups are as long as the second, larger strength estimate of RFC 3526 section 8 asks.
constexpr Group groups[] = {
    {KeyExchangeId::modp1024, 128, 32, BN_get_rfc2409_prime_1024, 0},
    {KeyExchangeId::modp1536, 192, 32, BN_get_rfc3526_prime_1536, 0},
    {KeyExchangeId::modp2048, 256, 40, BN_get_rfc3526_prime_2048, 0},
    {KeyExchangeId::modp3072, 384, 56, BN_get_rfc3526_prime_3072, 0},
    {KeyExchangeId::modp4096, 512, 60, BN_get_rfc3526_prime_4096, 0},
    {KeyExchangeId::ecp256, 64, 32, nullptr, NID_X9_62_prime256v1},
    {KeyExchangeId::ecp384, 96, 48, nullptr, NID_secp384r1},
    {KeyExchangeId::ecp521, 132, 66, nullptr, NID_secp521r1},
    {KeyExchangeId::x25519, 32, 32, nullptr, 0},
};

const Group* find_group(KeyExchangeId id) {
  for (const Group& group : groups)
    if (group.id == id) return &group;
  return nullptr;
}

BignumContextPtr bignum_context() { return BignumContextPtr(require(BN_CTX_secure_new(), "BN_CTX")); }

BignumPtr bignum(ByteView bytes) {
  return BignumPtr(require(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr), "BIGNUM"));
}

BignumPtr secret_bignum(const SecretBytes& secret) {
  BignumPtr number(require(BN_secure_new(), "BIGNUM"));
  require(BN_bin2bn(secret.view().data(), static_cast<int>(secret.size()), number.get()) != nullptr, "BIGNUM");
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  return number;
}

void write(const BIGNUM* number, std::span<uint8_t> out) {
  require(BN_bn2binpad(number, out.data(), static_cast<int>(out.size())) >= 0, "BIGNUM");
}

// Diffie-Hellman in the multiplicative group of a safe prime, generator 2 (RFC 2409 section 6.2, RFC 3526).
class ModpExchange final : public KeyExchange {
 public:
  ModpExchange(const Group& group, Random& random)
      : group_(group), private_(group.private_length), public_(group.public_length) {
    random.fill(private_.writable());
    BignumPtr two(require(BN_new(), "BIGNUM"));
    require(BN_set_word(two.get(), 2) == 1, "BIGNUM");
    write(power(two.get()).get(), public_);
  }

  KeyExchangeId id() const override { return group_.id; }
  ByteView public_value() const override { return public_; }

  std::optional<SecretBytes> derive(ByteView peer) const override {
    if (peer.size() != group_.public_length) return {};
    const BignumPtr value = bignum(peer);
    // 1 < value < p - 1: all that RFC 6989 section 2.1 asks in a safe-prime group.
    const BignumPtr last = prime();
    require(BN_sub_word(last.get(), 1) == 1, "BIGNUM");
    if (BN_is_zero(value.get()) || BN_is_one(value.get()) || BN_cmp(value.get(), last.get()) >= 0) return {};
    SecretBytes shared(group_.public_length);
    write(power(value.get()).get(), shared.writable());
    return shared;
  }

 private:
  BignumPtr prime() const { return BignumPtr(require(group_.prime(nullptr), "prime")); }

  BignumPtr power(const BIGNUM* base) const {
    BignumPtr result(require(BN_secure_new(), "BIGNUM"));
    require(BN_mod_exp_mont_consttime(result.get(), base, secret_bignum(private_).get(), prime().get(),
                                      bignum_context().get(), nullptr) == 1,
            "modular power");
    return result;
  }

  const Group& group_;
  SecretBytes private_;
  Bytes public_;
};

// Made once and kept: its numbers take longer to prepare than a key pair does.
const EC_GROUP* curve(int nid) {
  static const auto* const curves = [] {
    auto* made = new std::map<int, EC_GROUP*>;  // never destroyed
    for (const Group& group : groups)
      if (group.curve) made->emplace(group.curve, require(EC_GROUP_new_by_curve_name(group.curve), "curve"));
    return made;
  }();
  return curves->at(nid);
}

// Elliptic curves modulo a prime (RFC 5903): a public value is x | y, the shared secret is x.
class EcpExchange final : public KeyExchange {
 public:
  EcpExchange(const Group& group, Random& random)
      : group_(group), curve_(curve(group.curve)), private_(group.private_length), public_(group.public_length) {
    draw_private(random);
    const EcPointPtr point = new_point();
    require(
        EC_POINT_mul(curve_, point.get(), secret_bignum(private_).get(), nullptr, nullptr, bignum_context().get()) == 1,
        "curve");
    const size_t half = public_.size() / 2;
    write_point(point.get(), std::span(public_).first(half), std::span(public_).last(half));
  }

  KeyExchangeId id() const override { return group_.id; }
  ByteView public_value() const override { return public_; }

  std::optional<SecretBytes> derive(ByteView peer) const override {
    if (peer.size() != group_.public_length) return {};
    const size_t half = peer.size() / 2;
    const EcPointPtr point = new_point();
    // Fails for a coordinate that is not below the prime and for a point off the curve; the point at infinity has no
    // such form. The curves have cofactor 1, so this is the whole validation (RFC 6989 section 2.3).
    if (EC_POINT_set_affine_coordinates(curve_, point.get(), bignum(peer.first(half)).get(),
                                        bignum(peer.last(half)).get(), bignum_context().get()) != 1)
      return {};
    const EcPointPtr product = new_point();
    require(EC_POINT_mul(curve_, product.get(), nullptr, point.get(), secret_bignum(private_).get(),
                         bignum_context().get()) == 1,
            "curve");
    SecretBytes x(half), y(half);
    write_point(product.get(), x.writable(), y.writable());
    return x;
  }

 private:
  EcPointPtr new_point() const { return EcPointPtr(require(EC_POINT_new(curve_), "curve")); }

  // Uniform in [1, order): what lies outside is drawn again. Bits above the order's highest (P-521 has seven) are left
  // out first, or nearly every draw would lie outside.
  void draw_private(Random& random) {
    const int spare_bits = 8 * static_cast<int>(private_.size()) - EC_GROUP_order_bits(curve_);
    for (;;) {
      random.fill(private_.writable());
      private_.writable()[0] &= static_cast<uint8_t>(0xff >> spare_bits);
      const BignumPtr number = secret_bignum(private_);
      if (!BN_is_zero(number.get()) && BN_cmp(number.get(), EC_GROUP_get0_order(curve_)) < 0) return;
    }
  }

  void write_point(const EC_POINT* point, std::span<uint8_t> x_out, std::span<uint8_t> y_out) const {
    const BignumPtr x(require(BN_secure_new(), "BIGNUM")), y(require(BN_secure_new(), "BIGNUM"));
    require(EC_POINT_get_affine_coordinates(curve_, point, x.get(), y.get(), bignum_context().get()) == 1, "curve");
    write(x.get(), x_out);
    write(y.get(), y_out);
  }

  const Group& group_;
  const EC_GROUP* curve_;
  SecretBytes private_;
  Bytes public_;
};

PkeyPtr x25519_key(Random& random) {
  SecretBytes number(32);
  random.fill(number.writable());
  return PkeyPtr(
      require(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, number.view().data(), number.size()), "x25519"));
}

// RFC 8031.
class X25519Exchange final : public KeyExchange {
 public:
  X25519Exchange(const Group& group, Random& random) : key_(x25519_key(random)), public_(group.public_length) {
    size_t length = public_.size();
    require(EVP_PKEY_get_raw_public_key(key_.get(), public_.data(), &length) == 1, "x25519");
  }

  KeyExchangeId id() const override { return KeyExchangeId::x25519; }
  ByteView public_value() const override { return public_; }

  std::optional<SecretBytes> derive(ByteView peer) const override {
    if (peer.size() != public_.size()) return {};
    const PkeyPtr peer_key(
        require(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, peer.data(), peer.size()), "x25519"));
    const PkeyContextPtr context(require(EVP_PKEY_CTX_new(key_.get(), nullptr), "x25519"));
    require(EVP_PKEY_derive_init(context.get()) == 1, "x25519");
    require(EVP_PKEY_derive_set_peer(context.get(), peer_key.get()) == 1, "x25519");
    SecretBytes shared(32);
    size_t length = shared.size();
    // Refuses an all-zero result (RFC 7748 section 6.1).
    if (EVP_PKEY_derive(context.get(), shared.writable().data(), &length) != 1) return {};
    return shared;
  }

 private:
  PkeyPtr key_;  // in libcrypto's memory, which is hidden and wiped (crypto/openssl.cc)
  Bytes public_;
};

}  // namespace

size_t public_value_length(KeyExchangeId id) {
  const Group* group = find_group(id);
  return group ? group->public_length : 0;
}

std::unique_ptr<KeyExchange> KeyExchange::generate(KeyExchangeId id) {
  SystemRandom random;
  return generate(id, random);
}

std::unique_ptr<KeyExchange> KeyExchange::generate(KeyExchangeId id, Random& random) {
  const Group* group = find_group(id);
  if (group == nullptr) throw std::invalid_argument("no such key exchange");
  if (group->prime) return std::make_unique<ModpExchange>(*group, random);
  if (group->curve) return std::make_unique<EcpExchange>(*group, random);
  return std::make_unique<X25519Exchange>(*group, random);
}

}  // namespace sekisho::crypto
