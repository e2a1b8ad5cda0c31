#include "crypto/ike/cbc.h"

#include <stdexcept>

#include "crypto/openssl.h"

namespace sekisho::crypto {
namespace {

const char* cipher_name(EncryptionId id, size_t key_length) {
  if (id == EncryptionId::des3 && key_length == 24) return "DES-EDE3-CBC";
  if (id == EncryptionId::aes_cbc && key_length == 16) return "AES-128-CBC";
  if (id == EncryptionId::aes_cbc && key_length == 24) return "AES-192-CBC";
  if (id == EncryptionId::aes_cbc && key_length == 32) return "AES-256-CBC";
  throw std::invalid_argument("no CBC cipher with such a key");
}

enum class Way : int { decrypt = 0, encrypt = 1 };

Bytes apply(Way way, EncryptionId id, const SecretBytes& key, ByteView iv, ByteView text) {
  const size_t block = cbc_block_length(id);
  if (iv.size() != block || text.size() % block != 0) throw std::invalid_argument("not a whole number of blocks");
  const CipherContextPtr context(require(EVP_CIPHER_CTX_new(), "CBC"));
  require(EVP_CipherInit_ex2(context.get(), cipher(cipher_name(id, key.size())), key.view().data(), iv.data(),
                             static_cast<int>(way), nullptr) == 1,
          "CBC");
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  Bytes out(text.size());
  int length = 0;
  require(EVP_CipherUpdate(context.get(), out.data(), &length, text.data(), static_cast<int>(text.size())) == 1 &&
              static_cast<size_t>(length) == out.size(),
          "CBC");
  return out;
}

}  // namespace

size_t cbc_block_length(EncryptionId id) {
  if (id == EncryptionId::des3) return 8;
  if (id == EncryptionId::aes_cbc) return 16;
  throw std::invalid_argument("no CBC cipher");
}

Bytes cbc_encrypt(EncryptionId id, const SecretBytes& key, ByteView iv, ByteView text) {
  return apply(Way::encrypt, id, key, iv, text);
}

Bytes cbc_decrypt(EncryptionId id, const SecretBytes& key, ByteView iv, ByteView text) {
  return apply(Way::decrypt, id, key, iv, text);
}

}  // namespace sekisho::crypto
