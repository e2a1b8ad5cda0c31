// The backends behind EspCrypto::create. Both throw std::runtime_error where their library cannot be initialised.
#pragma once

#include "crypto/esp/esp_crypto.h"

namespace sekisho::crypto {

bool have_ipsec_mb();
std::unique_ptr<EspCrypto> make_ipsec_mb_backend(EspBackend backend);
std::unique_ptr<EspCrypto> make_openssl_backend();

}  // namespace sekisho::crypto
