#include "crypto/esp/iv_generator.h"

#include <array>
#include <cstdlib>

#include "base/random.h"
#include "base/secret_bytes.h"

namespace sekisho::crypto {

IvGenerator::IvGenerator() : cipher_(require(EVP_CIPHER_CTX_new(), "cipher context")) {
  SystemRandom random;
  SecretBytes key(32);
  random.fill(key.writable());
  const std::array<uint8_t, 16> first_counter{};
  require(EVP_EncryptInit_ex2(cipher_.get(), EVP_aes_256_ctr(), key.view().data(), first_counter.data(), nullptr) == 1,
          "AES-CTR");
}

void IvGenerator::refill() {
  std::memset(bytes_, 0, buffered_);
  int length = 0;
  // Counter mode cannot fail once it has a key; going on without IVs would be worse than stopping.
  if (EVP_EncryptUpdate(cipher_.get(), bytes_, &length, bytes_, buffered_) != 1) std::abort();
  at_ = 0;
}

}  // namespace sekisho::crypto
