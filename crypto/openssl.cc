#include "crypto/openssl.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/secret_bytes.h"

namespace sekisho::crypto {
namespace {

// libcrypto's objects hold key schedules, private numbers and states of hashes over secrets. All its memory therefore
// is that of SecretBytes: out of core dumps, and wiped. A block's first bytes are the SecretBytes that owns it.
constexpr size_t owner_size = 16;
static_assert(sizeof(SecretBytes) <= owner_size);

SecretBytes* owner_of(void* memory) {
  return std::launder(reinterpret_cast<SecretBytes*>(static_cast<uint8_t*>(memory) - owner_size));
}

void* allocate_hidden(size_t size, const char*, int) {
  if (size == 0) return nullptr;
  try {
    SecretBytes block(owner_size + size);
    uint8_t* start = block.writable().data();
    new (start) SecretBytes(std::move(block));
    return start + owner_size;
  } catch (const std::bad_alloc&) {
    return nullptr;  // as malloc would say it
  }
}

void free_hidden(void* memory, const char*, int) {
  // The owner moves out of the block before the block goes.
  if (memory != nullptr) SecretBytes(std::move(*owner_of(memory)));
}

void* reallocate_hidden(void* memory, size_t size, const char* file, int line) {
  if (memory == nullptr) return allocate_hidden(size, file, line);
  void* grown = allocate_hidden(size, file, line);
  if (grown != nullptr) std::memcpy(grown, memory, std::min(size, owner_of(memory)->size() - owner_size));
  if (grown != nullptr || size == 0) free_hidden(memory, file, line);
  return grown;
}

// libcrypto takes other memory functions only before its first allocation, hence before main() and any static object.
[[gnu::constructor(101)]] void hide_memory() {
  CRYPTO_set_mem_functions(allocate_hidden, reallocate_hidden, free_hidden);
}

constexpr const char* digest_names[] = {"SHA1", "SHA256", "SHA384", "SHA512"};
constexpr const char* cipher_names[] = {"DES-EDE3-CBC", "AES-128-CBC", "AES-192-CBC",      "AES-256-CBC",
                                        "AES-128-GCM",  "AES-256-GCM", "ChaCha20-Poly1305"};

// What `make` makes of each name, nullptr where libcrypto has no such thing. Never destroyed.
template <typename T>
class ByName {
 public:
  template <size_t Size>
  ByName(const char* const (&names)[Size], T* (*make)(const char*)) {
    for (const char* name : names) made_.emplace(name, make(name));
  }
  T* find(const char* name) const {
    const auto found = made_.find(name);
    return require(found == made_.end() ? nullptr : found->second, name);
  }

 private:
  std::map<std::string_view, T*> made_;
};

using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, OpensslDeleter<EVP_MD_CTX_free>>;

// The hash of a block, which is the key after `mask`, and the parts.
void keyed_hash(EVP_MD_CTX* context, const EVP_MD* algorithm, SecretBytes block, uint8_t mask,
                std::initializer_list<ByteView> parts, std::span<uint8_t> out) {
  for (uint8_t& octet : block.writable()) octet ^= mask;
  require(EVP_DigestInit_ex2(context, algorithm, nullptr) == 1, "HMAC");
  require(EVP_DigestUpdate(context, block.view().data(), block.size()) == 1, "HMAC");
  for (const ByteView part : parts) require(EVP_DigestUpdate(context, part.data(), part.size()) == 1, "HMAC");
  require(EVP_DigestFinal_ex(context, out.data(), nullptr) == 1, "HMAC");
}

// The key in a block of the hash: as it is, or where it is longer its hash.
SecretBytes key_block(const EVP_MD* algorithm, ByteView key) {
  SecretBytes block(static_cast<size_t>(EVP_MD_get_block_size(algorithm)));
  if (key.size() <= block.size())
    std::ranges::copy(key, block.writable().begin());
  else
    require(EVP_Digest(key.data(), key.size(), block.writable().data(), nullptr, algorithm, nullptr) == 1, "HMAC");
  return block;
}

}  // namespace

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("libcrypto: ") + what);
}

const EVP_MD* digest(const char* name) {
  static const auto* const digests =
      new ByName<EVP_MD>(digest_names, [](const char* each) { return EVP_MD_fetch(nullptr, each, nullptr); });
  return digests->find(name);
}

const EVP_CIPHER* cipher(const char* name) {
  static const auto* const ciphers =
      new ByName<EVP_CIPHER>(cipher_names, [](const char* each) { return EVP_CIPHER_fetch(nullptr, each, nullptr); });
  return ciphers->find(name);
}

// H(K ^ opad | H(K ^ ipad | data)), RFC 2104 section 2. EVP_MAC computes the same, but spends more on its objects than
// on what IKE hashes.
void hmac(const char* hash, ByteView key, std::initializer_list<ByteView> data, std::span<uint8_t> out) {
  constexpr uint8_t ipad = 0x36, opad = 0x5c;
  const EVP_MD* algorithm = digest(hash);
  const auto length = static_cast<size_t>(EVP_MD_get_size(algorithm));
  require(out.size() <= length, "HMAC");
  const SecretBytes block = key_block(algorithm, key);
  SecretBytes inner(length), whole(length);
  const DigestContextPtr context(require(EVP_MD_CTX_new(), "HMAC"));
  keyed_hash(context.get(), algorithm, block.clone(), ipad, data, inner.writable());
  keyed_hash(context.get(), algorithm, block.clone(), opad, {inner.view()}, whole.writable());
  std::ranges::copy(whole.view().first(out.size()), out.begin());
}

}  // namespace sekisho::crypto
