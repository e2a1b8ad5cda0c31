#include "crypto/ike/signature.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "crypto/ike/public_key_context.h"
#include "crypto/openssl.h"

namespace sekisho::crypto {
namespace {

using BioPtr = std::unique_ptr<BIO, OpensslDeleter<BIO_free>>;
using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, OpensslDeleter<EVP_MD_CTX_free>>;
using EcdsaSignaturePtr = std::unique_ptr<ECDSA_SIG, OpensslDeleter<ECDSA_SIG_free>>;

struct Curve {
  KeyType type;
  std::string_view openssl;
  SignatureHash hash;   // RFC 4754 ties one to each
  size_t order_length;  // octets
};
constexpr Curve curves[] = {
    {KeyType::ecdsa_p256, "prime256v1", SignatureHash::sha2_256, 32},
    {KeyType::ecdsa_p384, "secp384r1", SignatureHash::sha2_384, 48},
    {KeyType::ecdsa_p521, "secp521r1", SignatureHash::sha2_512, 66},
};

const Curve* curve_of(KeyType type) {
  const auto* found = std::ranges::find(curves, type, &Curve::type);
  return found == std::end(curves) ? nullptr : found;
}

bool is_sha2(SignatureHash hash) {
  return hash == SignatureHash::sha2_256 || hash == SignatureHash::sha2_384 || hash == SignatureHash::sha2_512;
}

std::expected<KeyType, std::string> rsa_type(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < min_rsa_bits || bits > max_rsa_bits)
    return std::unexpected("an RSA key of " + std::to_string(bits) + " bits; " + std::to_string(min_rsa_bits) + " to " +
                           std::to_string(max_rsa_bits) + " are usable");
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &raw) != 1)
    return std::unexpected("an RSA key without exponent");
  const BignumPtr exponent(raw);
  if (!BN_is_odd(exponent.get()) || BN_is_one(exponent.get()))
    return std::unexpected("an RSA key whose public exponent is 1 or even");
  return KeyType::rsa;
}

std::expected<KeyType, std::string> ec_type(EVP_PKEY* key) {
  std::array<char, 64> group{};
  size_t length = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) != 1)
    return std::unexpected("an elliptic curve key on an unnamed curve");
  const auto* found = std::ranges::find(curves, std::string_view(group.data(), length), &Curve::openssl);
  if (found == std::end(curves))
    return std::unexpected("an elliptic curve key on a curve other than P-256, P-384, P-521");
  return found->type;
}

std::expected<KeyType, std::string> type_of(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA")) return rsa_type(key);
  if (EVP_PKEY_is_a(key, "EC")) return ec_type(key);
  if (EVP_PKEY_is_a(key, "ED25519")) return KeyType::ed25519;
  return std::unexpected("a key that is neither RSA, ECDSA nor Ed25519");
}

std::shared_ptr<EVP_PKEY> share(EVP_PKEY* key) {
  require(EVP_PKEY_up_ref(key) == 1, "key reference");
  return {key, EVP_PKEY_free};
}

// ECDSA-Sig-Value from r | s; empty where the length is not that of two numbers of the group's order.
Bytes to_der(ByteView fixed, size_t order_length) {
  if (fixed.size() != 2 * order_length) return {};
  const auto number = [](ByteView bytes) { return BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr); };
  const EcdsaSignaturePtr value(require(ECDSA_SIG_new(), "ECDSA signature"));
  require(ECDSA_SIG_set0(value.get(), number(fixed.first(order_length)), number(fixed.subspan(order_length))) == 1,
          "ECDSA signature");
  Bytes der(static_cast<size_t>(i2d_ECDSA_SIG(value.get(), nullptr)));
  uint8_t* at = der.data();
  i2d_ECDSA_SIG(value.get(), &at);
  return der;
}

Bytes to_fixed(ByteView der, size_t order_length) {
  const uint8_t* at = der.data();
  const EcdsaSignaturePtr value(require(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), "ECDSA signature"));
  Bytes fixed(2 * order_length);
  const auto put = [&](const BIGNUM* number, size_t offset) {
    require(BN_bn2binpad(number, fixed.data() + offset, static_cast<int>(order_length)) >= 0, "ECDSA signature");
  };
  put(ECDSA_SIG_get0_r(value.get()), 0);
  put(ECDSA_SIG_get0_s(value.get()), order_length);
  return fixed;
}

bool set_pss(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

// Shared by both directions, which OpenSSL gives a function and us a context each (null: the default one). Nothing
// where OpenSSL refuses the key.
using DigestInit = int (*)(EVP_MD_CTX*, EVP_PKEY_CTX**, const char*, OSSL_LIB_CTX*, const char*, EVP_PKEY*,
                           const OSSL_PARAM*);
DigestContextPtr begin(DigestInit init, const SignatureScheme& scheme, EVP_PKEY* key, OSSL_LIB_CTX* library) {
  DigestContextPtr context(require(EVP_MD_CTX_new(), "signature context"));
  EVP_PKEY_CTX* parameters = nullptr;
  if (init(context.get(), &parameters, openssl_name(scheme.hash), library, nullptr, key, nullptr) != 1 ||
      (scheme.kind == SignatureKind::rsa_pss && !set_pss(parameters)))
    context.reset();
  return context;
}

PkeyContextPtr begin_raw(int (*init)(EVP_PKEY_CTX*), EVP_PKEY* key, OSSL_LIB_CTX* library) {
  PkeyContextPtr context(require(EVP_PKEY_CTX_new_from_pkey(library, key, nullptr), "RSA"));
  if (init(context.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1) context.reset();
  return context;
}

}  // namespace

std::string_view name(KeyType type) {
  switch (type) {
    case KeyType::rsa:
      return "RSA";
    case KeyType::ecdsa_p256:
      return "ECDSA P-256";
    case KeyType::ecdsa_p384:
      return "ECDSA P-384";
    case KeyType::ecdsa_p521:
      return "ECDSA P-521";
    case KeyType::ed25519:
      return "Ed25519";
  }
  return "";
}

bool fits(KeyType type, const SignatureScheme& scheme) {
  const Curve* curve = curve_of(type);
  switch (scheme.kind) {
    case SignatureKind::rsa_pkcs1:
      return type == KeyType::rsa && (is_sha2(scheme.hash) || scheme.hash == SignatureHash::sha1);
    case SignatureKind::rsa_pss:
      return type == KeyType::rsa && is_sha2(scheme.hash);
    case SignatureKind::rsa_raw:
      return type == KeyType::rsa && scheme.hash == SignatureHash::identity;
    case SignatureKind::ecdsa:
      return curve && is_sha2(scheme.hash);
    case SignatureKind::ecdsa_fixed:
      return curve && scheme.hash == curve->hash;
    case SignatureKind::eddsa:
      return type == KeyType::ed25519 && scheme.hash == SignatureHash::identity;
  }
  return false;
}

// ------------------------------------------------------------------------------------------------------- PublicKey

std::expected<PublicKey, std::string> PublicKey::from(EVP_PKEY* key) {
  const auto type = type_of(key);
  if (!type) return std::unexpected(type.error());
  return PublicKey(share(key), *type);
}

std::expected<PublicKey, std::string> PublicKey::from_der(ByteView subject_public_key_info) {
  const uint8_t* at = subject_public_key_info.data();
  const PkeyPtr key(
      d2i_PUBKEY_ex(nullptr, &at, static_cast<long>(subject_public_key_info.size()), public_key_context(), nullptr));
  if (!key || at != subject_public_key_info.data() + subject_public_key_info.size())
    return std::unexpected("no public key");
  return from(key.get());
}

bool PublicKey::verify(const SignatureScheme& scheme, ByteView data, ByteView signature) const {
  if (!fits(type_, scheme)) return false;
  if (scheme.kind == SignatureKind::rsa_raw) {
    const PkeyContextPtr context = begin_raw(EVP_PKEY_verify_init, key_.get(), public_key_context());
    return context && EVP_PKEY_verify(context.get(), signature.data(), signature.size(), data.data(), data.size()) == 1;
  }
  Bytes der;
  if (scheme.kind == SignatureKind::ecdsa_fixed) {
    der = to_der(signature, curve_of(type_)->order_length);
    signature = der;
  }
  if (signature.empty()) return false;
  const DigestContextPtr context = begin(EVP_DigestVerifyInit_ex, scheme, key_.get(), public_key_context());
  return context && EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(), data.size()) == 1;
}

bool PublicKey::operator==(const PublicKey& other) const { return EVP_PKEY_eq(key_.get(), other.key_.get()) == 1; }

// ------------------------------------------------------------------------------------------------------ PrivateKey

std::expected<PrivateKey, std::string> PrivateKey::from_pem(ByteView text) {
  const BioPtr bio(require(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), "BIO"));
  // Without a function of ours libcrypto would ask the terminal for a passphrase.
  bool encrypted = false;
  const auto no_passphrase = [](char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
  };
  const PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &encrypted));
  if (encrypted) return std::unexpected("the private key is encrypted");
  if (!key) return std::unexpected("there is no private key in PEM");
  auto public_key = PublicKey::from(key.get());
  if (!public_key) return std::unexpected("it is " + public_key.error());
  return PrivateKey(share(key.get()), std::move(*public_key));
}

Bytes PrivateKey::sign(const SignatureScheme& scheme, ByteView data) const {
  require(fits(type(), scheme), "signature scheme for another type of key");
  Bytes signature(static_cast<size_t>(EVP_PKEY_get_size(key_.get())));
  size_t length = signature.size();
  if (scheme.kind == SignatureKind::rsa_raw) {
    const PkeyContextPtr context = begin_raw(EVP_PKEY_sign_init, key_.get(), nullptr);
    require(context && EVP_PKEY_sign(context.get(), signature.data(), &length, data.data(), data.size()) == 1,
            "RSA signature");
  } else {
    const DigestContextPtr context = begin(EVP_DigestSignInit_ex, scheme, key_.get(), nullptr);
    require(context && EVP_DigestSign(context.get(), signature.data(), &length, data.data(), data.size()) == 1,
            "signature");
  }
  signature.resize(length);
  if (scheme.kind == SignatureKind::ecdsa_fixed) return to_fixed(signature, curve_of(type())->order_length);
  return signature;
}

// --------------------------------------------------------------------------------------------------------- schemes

std::optional<SignatureScheme> choose_scheme(KeyType type, std::span<const SignatureHash> peer_hashes,
                                             RsaPadding padding) {
  const auto known = [&](SignatureHash hash) { return std::ranges::find(peer_hashes, hash) != peer_hashes.end(); };
  if (type == KeyType::ed25519) {
    if (!known(SignatureHash::identity)) return {};
    return SignatureScheme{SignatureKind::eddsa, SignatureHash::identity};
  }
  const Curve* curve = curve_of(type);
  const SignatureKind rsa = padding == RsaPadding::pss ? SignatureKind::rsa_pss : SignatureKind::rsa_pkcs1;
  const SignatureKind kind = curve ? SignatureKind::ecdsa : rsa;
  if (curve && known(curve->hash)) return SignatureScheme{kind, curve->hash};
  for (const SignatureHash hash : {SignatureHash::sha2_256, SignatureHash::sha2_384, SignatureHash::sha2_512})
    if (known(hash)) return SignatureScheme{kind, hash};
  return {};
}

std::optional<SignatureScheme> fixed_ecdsa_scheme(KeyType type) {
  const Curve* curve = curve_of(type);
  if (!curve) return {};
  return SignatureScheme{SignatureKind::ecdsa_fixed, curve->hash};
}

}  // namespace sekisho::crypto
