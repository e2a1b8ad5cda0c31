#include "crypto/ike/sk_cipher.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "crypto/openssl.h"

namespace sekisho::crypto {
namespace {

constexpr size_t aead_salt = 4;  // RFC 5282 section 4, RFC 7634 section 2

struct IntegrityInfo {
  const char* hash;
  size_t key;
  size_t icv;
};

IntegrityInfo info(IntegrityId id) {
  switch (id) {
    case IntegrityId::hmac_sha1_96:
      return {"SHA1", 20, 12};
    case IntegrityId::hmac_sha2_256_128:
      return {"SHA256", 32, 16};
    case IntegrityId::hmac_sha2_384_192:
      return {"SHA384", 48, 24};
    case IntegrityId::hmac_sha2_512_256:
      return {"SHA512", 64, 32};
    case IntegrityId::none:
      break;
  }
  return {"", 0, 0};
}

const char* cipher_name(const SkAlgorithm& algorithm) {
  const bool large = algorithm.key_bits == 256;
  switch (algorithm.encryption) {
    case EncryptionId::des3:
      return "DES-EDE3-CBC";
    case EncryptionId::aes_cbc:
      return large ? "AES-256-CBC" : "AES-128-CBC";
    case EncryptionId::aes_gcm_16:
      return large ? "AES-256-GCM" : "AES-128-GCM";
    case EncryptionId::chacha20_poly1305:
      return "ChaCha20-Poly1305";
  }
  throw std::invalid_argument("unknown cipher");
}

// What ciphertext is a multiple of; an AEAD needs no alignment.
size_t block(const SkAlgorithm& algorithm) { return algorithm.aead() ? 1 : algorithm.iv_length(); }

// Ciphertext length: padding is as short as it can be, then comes its length (RFC 7296 section 3.14).
size_t padded(const SkAlgorithm& algorithm, size_t plaintext) {
  return (plaintext + block(algorithm)) / block(algorithm) * block(algorithm);
}

// AEAD: salt | IV (RFC 5282 section 4). CBC: the IV.
SecretBytes nonce(const SkAlgorithm& algorithm, const SecretBytes& key, ByteView iv) {
  const ByteView salt = algorithm.aead() ? key.view().last(aead_salt) : ByteView();
  SecretBytes out(salt.size() + iv.size());
  std::ranges::copy(salt, out.writable().begin());
  std::ranges::copy(iv, out.writable().begin() + static_cast<ptrdiff_t>(salt.size()));
  return out;
}

enum class Way : int { decrypt = 0, encrypt = 1 };

CipherContextPtr start(const SkAlgorithm& algorithm, const SecretBytes& key, ByteView iv, Way way) {
  require(!key.empty(), "cipher without a key");
  CipherContextPtr context(require(EVP_CIPHER_CTX_new(), "cipher context"));
  require(EVP_CipherInit_ex2(context.get(), cipher(cipher_name(algorithm)), key.view().data(),
                             nonce(algorithm, key, iv).view().data(), static_cast<int>(way), nullptr) == 1,
          "cipher");
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  return context;
}

void update(const CipherContextPtr& context, uint8_t* out, ByteView in) {
  int length = 0;
  require(EVP_CipherUpdate(context.get(), out, &length, in.data(), static_cast<int>(in.size())) == 1, "cipher");
}

bool finish(const CipherContextPtr& context) {
  std::array<uint8_t, EVP_MAX_BLOCK_LENGTH> rest;
  int length = 0;
  return EVP_CipherFinal_ex(context.get(), rest.data(), &length) == 1;
}

// The ICV of CBC: over the message up to the ICV (RFC 7296 section 3.14).
Bytes icv(const SkAlgorithm& algorithm, const SecretBytes& key, ByteView header, ByteView iv_and_ciphertext) {
  Bytes out(algorithm.icv_length());
  hmac(info(algorithm.integrity).hash, key.view(), {header, iv_and_ciphertext}, out);
  return out;
}

// The plaintext without padding and pad length; a peer may pad as much as it likes.
std::optional<Bytes> without_padding(Bytes plaintext) {
  const size_t padding = size_t{1} + plaintext.back();
  if (padding > plaintext.size()) return {};
  plaintext.resize(plaintext.size() - padding);
  return plaintext;
}

}  // namespace

size_t SkAlgorithm::encryption_key_length() const {
  if (encryption == EncryptionId::des3) return 24;
  if (encryption == EncryptionId::chacha20_poly1305) return 32 + aead_salt;
  return key_bits / 8 + (aead() ? aead_salt : 0);
}
size_t SkAlgorithm::integrity_key_length() const { return aead() ? 0 : info(integrity).key; }
size_t SkAlgorithm::iv_length() const { return aead() || encryption == EncryptionId::des3 ? 8 : 16; }
size_t SkAlgorithm::icv_length() const { return aead() ? 16 : info(integrity).icv; }

SkCipher::SkCipher(const SkAlgorithm& algorithm, SecretBytes encryption_key, SecretBytes integrity_key)
    : algorithm_(algorithm), encryption_key_(std::move(encryption_key)), integrity_key_(std::move(integrity_key)) {
  // Unauthenticated encryption does not exist here.
  if (encryption_key_.size() != algorithm_.encryption_key_length() ||
      integrity_key_.size() != algorithm_.integrity_key_length() || algorithm_.icv_length() == 0)
    throw std::invalid_argument("SkCipher: keys do not fit the algorithm");
}

size_t SkCipher::sealed_length(size_t plaintext_length) const {
  return algorithm_.iv_length() + padded(algorithm_, plaintext_length) + algorithm_.icv_length();
}

Bytes SkCipher::seal(ByteView header, ByteView plaintext, Random& random) {
  const size_t iv_length = algorithm_.iv_length();
  const size_t ciphertext_length = padded(algorithm_, plaintext.size());
  Bytes padded_plaintext(plaintext.begin(), plaintext.end());
  padded_plaintext.resize(ciphertext_length);
  padded_plaintext.back() = static_cast<uint8_t>(ciphertext_length - plaintext.size() - 1);

  Bytes body(sealed_length(plaintext.size()));
  const std::span<uint8_t> out(body);
  const std::span<uint8_t> iv = out.first(iv_length);
  if (algorithm_.aead()) {
    for (size_t i = 0; i < iv_length; ++i) iv[i] = static_cast<uint8_t>(next_iv_ >> (8 * (iv_length - 1 - i)));
    ++next_iv_;
  } else {
    random.fill(iv);  // unpredictable
  }
  const CipherContextPtr context = start(algorithm_, encryption_key_, iv, Way::encrypt);
  if (algorithm_.aead()) update(context, nullptr, header);
  update(context, out.data() + iv_length, padded_plaintext);
  wipe(padded_plaintext);
  require(finish(context), "cipher");
  const std::span<uint8_t> tag = out.last(algorithm_.icv_length());
  if (algorithm_.aead()) {
    require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) == 1,
            "cipher");
  } else {
    std::ranges::copy(icv(algorithm_, integrity_key_, header, out.first(iv_length + ciphertext_length)), tag.begin());
  }
  return body;
}

std::optional<Bytes> SkCipher::open(ByteView header, ByteView body) const {
  const size_t overhead = algorithm_.iv_length() + algorithm_.icv_length();
  if (body.size() <= overhead || (body.size() - overhead) % block(algorithm_) != 0) return {};
  const ByteView iv = body.first(algorithm_.iv_length());
  const ByteView ciphertext = body.subspan(iv.size(), body.size() - overhead);
  const ByteView tag = body.last(algorithm_.icv_length());

  if (!algorithm_.aead()) {
    const Bytes expected = icv(algorithm_, integrity_key_, header, body.first(iv.size() + ciphertext.size()));
    if (!constant_time_equal(expected, tag)) return {};
  }
  const CipherContextPtr context = start(algorithm_, encryption_key_, iv, Way::decrypt);
  if (algorithm_.aead()) {
    require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                                const_cast<uint8_t*>(tag.data())) == 1,
            "cipher");
    update(context, nullptr, header);
  }
  Bytes plaintext(ciphertext.size());
  update(context, plaintext.data(), ciphertext);
  if (!finish(context)) return {};
  return without_padding(std::move(plaintext));
}

}  // namespace sekisho::crypto
