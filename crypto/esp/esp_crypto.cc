#include "crypto/esp/esp_crypto.h"

#include <algorithm>
#include <stdexcept>

#include "crypto/esp/backends.h"
#include "crypto/esp/esp_key.h"

namespace sekisho::crypto {

void EspKeyDeleter::operator()(EspKey* key) const {
  static_assert(std::is_trivially_destructible_v<EspKey>);
  give_key_block(key);
}

EspKeyPtr new_esp_key(EspBackend backend, EspSuite suite, bool esn, ByteView material) {
  const EspSuiteInfo& suite_info = info(suite);
  if (material.size() != suite_info.key_material()) throw std::invalid_argument("ESP key material does not fit");
  EspKeyPtr key(new (take_key_block()) EspKey(backend, suite, esn));
  std::ranges::copy(material.subspan(suite_info.cipher_key, suite_info.salt), key->salt.begin());
  return key;
}

std::unique_ptr<EspCrypto> EspCrypto::create(EspBackend backend) {
  return backend == EspBackend::ipsec_mb ? make_ipsec_mb_backend() : make_openssl_backend();
}

}  // namespace sekisho::crypto
