// Stateless cookies (RFC 7296 section 2.6): before any memory or key exchange is spent on an IKE_SA_INIT request, the
// sender shows that it receives at the address it claims. A cookie is a MAC over nonce, SPI and address under a secret
// that rotates; the one before stays good, so a cookie lives for one to two periods.
#pragma once

#include <array>

#include "base/address.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/secret_bytes.h"

namespace sekisho::ike::v2 {

class CookieJar {
 public:
  Bytes bake(Random& random, Instant now, const Endpoint& remote, uint64_t initiator_spi, ByteView nonce);
  bool accepts(ByteView cookie, Instant now, const Endpoint& remote, uint64_t initiator_spi, ByteView nonce) const;

 private:
  static constexpr Duration period = std::chrono::seconds(60);
  struct Secret {
    uint8_t version = 0;
    Instant made{};
    SecretBytes key;
  };
  static Bytes mac(const Secret& secret, const Endpoint& remote, uint64_t initiator_spi, ByteView nonce);
  std::array<Secret, 2> secrets_;  // the current one, and the one before
};

}  // namespace sekisho::ike::v2
