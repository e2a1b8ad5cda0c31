// The OpenSSL backend: portable, and what the fast one is checked against. Algorithms and contexts are made once; a
// packet only gives them its key, so nothing is allocated on the way. That is why HMAC (RFC 2104) stands on libcrypto's
// plain hash functions, which it calls deprecated: its EVP digests and MACs allocate for every message, these do not.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <algorithm>

#include "crypto/esp/backends.h"
#include "crypto/esp/esp_key.h"
#include "crypto/esp/iv_generator.h"
#include "crypto/openssl.h"

namespace sekisho::crypto {
namespace {

// The hash after the one block of key ^ ipad or key ^ opad.
template <typename State>
struct HmacKey {
  State inner, outer;
};

template <typename State_, auto init_, auto update_, auto final_, size_t size_, size_t block_>
struct Hash {
  using State = State_;
  static constexpr auto init = init_;
  static constexpr auto update = update_;
  static constexpr auto final = final_;
  static constexpr size_t size = size_, block = block_;
};
using Sha1 = Hash<SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final, 20, 64>;
using Sha256 = Hash<SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final, 32, 64>;
using Sha384 = Hash<SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final, 48, 128>;
using Sha512 = Hash<SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final, 64, 128>;

struct PlainKey : EspKey {
  using EspKey::EspKey;
  std::array<uint8_t, 32> cipher;
  union {
    HmacKey<SHA_CTX> sha1;
    HmacKey<SHA256_CTX> sha256;
    HmacKey<SHA512_CTX> sha512;  // and SHA-384
  };
};

const PlainKey& plain_key(const EspJob& job) { return static_cast<const PlainKey&>(*job.key); }

// Calls `work` with the suite's hash and where its key lies.
template <typename Key, typename Work>
bool with_hash(EspSuite suite, Key& key, Work work) {
  switch (info(suite).auth_key) {
    case 20:
      return work(Sha1(), key.sha1);
    case 32:
      return work(Sha256(), key.sha256);
    case 48:
      return work(Sha384(), key.sha512);
    default:
      return work(Sha512(), key.sha512);
  }
}

template <typename H>
bool hash_key_block(typename H::State& state, ByteView key, uint8_t pad) {
  std::array<uint8_t, H::block> block;
  block.fill(pad);
  for (size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
  const bool good = H::init(&state) == 1 && H::update(&state, block.data(), block.size()) == 1;
  wipe(block);
  return good;
}

// `tag` takes the whole hash.
template <typename H>
bool keyed_hash(const HmacKey<typename H::State>& key, ByteView packet, ByteView implicit, uint8_t* tag) {
  typename H::State state = key.inner;
  bool good = H::update(&state, packet.data(), packet.size()) == 1 &&
              H::update(&state, implicit.data(), implicit.size()) == 1 && H::final(tag, &state) == 1;
  state = key.outer;
  good = good && H::update(&state, tag, H::size) == 1 && H::final(tag, &state) == 1;
  wipe({reinterpret_cast<uint8_t*>(&state), sizeof state});
  return good;
}

enum class Way : int { decrypt = 0, encrypt = 1 };

// One context a direction: OpenSSL prepares less where a context keeps its direction.
class Cipher {
 public:
  explicit Cipher(const char* name)
      : algorithm_(require(EVP_CIPHER_fetch(nullptr, name, nullptr), name)),
        contexts_{CipherContextPtr(require(EVP_CIPHER_CTX_new(), name)),
                  CipherContextPtr(require(EVP_CIPHER_CTX_new(), name))} {
    for (const Way way : {Way::decrypt, Way::encrypt}) {
      EVP_CIPHER_CTX* context = contexts_[static_cast<size_t>(way)].get();
      require(EVP_CipherInit_ex2(context, algorithm_.get(), nullptr, nullptr, static_cast<int>(way), nullptr) == 1,
              name);
      EVP_CIPHER_CTX_set_padding(context, 0);
    }
  }

  // nullptr where it fails.
  EVP_CIPHER_CTX* start(Way way, const uint8_t* key, const uint8_t* iv) {
    EVP_CIPHER_CTX* context = contexts_[static_cast<size_t>(way)].get();
    return EVP_CipherInit_ex2(context, nullptr, key, iv, static_cast<int>(way), nullptr) == 1 ? context : nullptr;
  }

 private:
  CipherPtr algorithm_;
  std::array<CipherContextPtr, 2> contexts_;
};

bool update(EVP_CIPHER_CTX* context, uint8_t* out, ByteView in) {
  int length = 0;
  return EVP_CipherUpdate(context, out, &length, in.data(), static_cast<int>(in.size())) == 1;
}

bool finish(EVP_CIPHER_CTX* context) {
  std::array<uint8_t, EVP_MAX_BLOCK_LENGTH> rest;
  int length = 0;
  return EVP_CipherFinal_ex(context, rest.data(), &length) == 1;
}

class Openssl final : public EspCrypto {
 public:
  EspKeyPtr make_key(EspSuite suite, bool esn, ByteView material) const override {
    EspKeyPtr key = new_esp_key<PlainKey>(EspBackend::openssl, suite, esn, material);
    const EspSuiteInfo& suite_info = info(suite);
    auto& plain = static_cast<PlainKey&>(*key);
    std::ranges::copy(material.first(suite_info.cipher_key), plain.cipher.begin());
    if (suite_info.combined_mode()) return key;
    const ByteView integrity_key = material.last(suite_info.auth_key);
    require(with_hash(suite, plain,
                      [&]<typename H>(H, HmacKey<typename H::State>& hash_key) {
                        return hash_key_block<H>(hash_key.inner, integrity_key, 0x36) &&
                               hash_key_block<H>(hash_key.outer, integrity_key, 0x5c);
                      }),
            "HMAC key");
    return key;
  }

  void seal(std::span<EspJob> jobs) override {
    for (EspJob& job : jobs) job.ok = info(job.key->suite).combined_mode() ? seal_aead(job) : seal_cbc(job);
  }

  void open(std::span<EspJob> jobs) override {
    for (EspJob& job : jobs) job.ok = info(job.key->suite).combined_mode() ? open_aead(job) : open_cbc(job);
  }

 private:
  // Where the parts of a packet lie.
  struct Parts {
    explicit Parts(const EspJob& job)
        : text(job.esp + esp_header_size + info(job.key->suite).iv),
          icv_length(info(job.key->suite).icv),
          icv(job.esp + job.length - icv_length),
          ciphertext(text, icv) {}
    uint8_t* text;
    size_t icv_length;
    uint8_t* icv;
    ByteView ciphertext;
  };

  bool seal_aead(const EspJob& job) {
    const Parts parts(job);
    AeadInput input;
    prepare_aead_seal(job, input);
    EVP_CIPHER_CTX* context = start_aead(job, Way::encrypt, input);
    return context && update(context, parts.text, parts.ciphertext) && finish(context) &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(parts.icv_length), parts.icv) == 1;
  }

  bool open_aead(const EspJob& job) {
    const Parts parts(job);
    AeadInput input;
    prepare_aead_open(job, input);
    EVP_CIPHER_CTX* context = start_aead(job, Way::decrypt, input);
    return context &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(parts.icv_length), parts.icv) == 1 &&
           update(context, parts.text, parts.ciphertext) && finish(context);
  }

  EVP_CIPHER_CTX* start_aead(const EspJob& job, Way way, const AeadInput& input) {
    EVP_CIPHER_CTX* context = aead_cipher(job.key->suite).start(way, plain_key(job).cipher.data(), input.nonce.data());
    return context && update(context, nullptr, ByteView(input.aad_of(job), input.aad_length(job))) ? context : nullptr;
  }

  Cipher& aead_cipher(EspSuite suite) {
    if (suite == EspSuite::chacha20poly1305) return chacha20_poly1305_;
    return suite == EspSuite::aes128gcm16 ? gcm128_ : gcm256_;
  }

  bool seal_cbc(const EspJob& job) {
    const Parts parts(job);
    ivs_.next(job.esp + esp_header_size);
    if (!crypt_cbc(job, parts, Way::encrypt)) return false;
    std::array<uint8_t, EVP_MAX_MD_SIZE> tag;
    if (!authenticate(job, parts, tag.data())) return false;
    std::copy_n(tag.begin(), parts.icv_length, parts.icv);
    return true;
  }

  bool open_cbc(const EspJob& job) {
    const Parts parts(job);
    std::array<uint8_t, EVP_MAX_MD_SIZE> tag;
    return authenticate(job, parts, tag.data()) &&
           constant_time_equal({tag.data(), parts.icv_length}, {parts.icv, parts.icv_length}) &&
           crypt_cbc(job, parts, Way::decrypt);
  }

  bool crypt_cbc(const EspJob& job, const Parts& parts, Way way) {
    Cipher& cipher = info(job.key->suite).cipher_key == 16 ? cbc128_ : cbc256_;
    EVP_CIPHER_CTX* context = cipher.start(way, plain_key(job).cipher.data(), job.esp + esp_header_size);
    return context && update(context, parts.text, parts.ciphertext) && finish(context);
  }

  // The whole HMAC over the packet before the ICV and, with ESN, the sequence number's high half.
  static bool authenticate(const EspJob& job, const Parts& parts, uint8_t* tag) {
    std::array<uint8_t, 4> high;
    store_be32(high.data(), job.sequence_high);
    const ByteView packet(job.esp, parts.icv);
    const ByteView implicit = ByteView(high).first(job.key->esn ? 4 : 0);
    return with_hash(job.key->suite, plain_key(job), [&]<typename H>(H, const HmacKey<typename H::State>& key) {
      return keyed_hash<H>(key, packet, implicit, tag);
    });
  }

  Cipher gcm128_{"AES-128-GCM"}, gcm256_{"AES-256-GCM"}, chacha20_poly1305_{"ChaCha20-Poly1305"};
  Cipher cbc128_{"AES-128-CBC"}, cbc256_{"AES-256-CBC"};
  IvGenerator ivs_;
};

}  // namespace

std::unique_ptr<EspCrypto> make_openssl_backend() { return std::make_unique<Openssl>(); }

}  // namespace sekisho::crypto
