// In the place of ipsec_mb.cc where the build has no intel-ipsec-mb.
#include <stdexcept>

#include "crypto/esp/backends.h"
#include "crypto/esp/gcm_kernel.h"

namespace sekisho::crypto {

bool have_ipsec_mb() { return false; }
bool gcm_kernel_supported() { return false; }

std::unique_ptr<EspCrypto> make_ipsec_mb_backend(EspBackend) {
  throw std::runtime_error("built without intel-ipsec-mb");
}

}  // namespace sekisho::crypto
