#include "crypto/esp/esp_crypto.h"

#include <stdexcept>

#include "crypto/esp/backends.h"
#include "crypto/esp/esp_key.h"

namespace sekisho::crypto {

void EspKeyDeleter::operator()(EspKey* key) const {
  const std::span<uint8_t> block = key->block();
  give_key_block(block.data(), block.size());
}

void check_key_material(EspSuite suite, ByteView material) {
  if (material.size() != info(suite).key_material()) throw std::invalid_argument("ESP key material does not fit");
}

bool EspCrypto::available(EspBackend backend) { return backend == EspBackend::openssl || have_ipsec_mb(); }

EspBackend EspCrypto::fastest() { return have_ipsec_mb() ? EspBackend::ipsec_mb : EspBackend::openssl; }

std::unique_ptr<EspCrypto> EspCrypto::create(EspBackend backend) {
  switch (backend) {
    case EspBackend::ipsec_mb:
    case EspBackend::ipsec_mb_alone:
      return make_ipsec_mb_backend(backend);
    case EspBackend::openssl:
      break;
  }
  return make_openssl_backend();
}

}  // namespace sekisho::crypto
