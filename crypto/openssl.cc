#include "crypto/openssl.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

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
