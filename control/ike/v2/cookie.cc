#include "control/ike/v2/cookie.h"

#include <algorithm>

#include "crypto/ike/prf.h"

namespace sekisho::ike::v2 {

Bytes CookieJar::mac(const Secret& secret, const Endpoint& remote, uint64_t initiator_spi, ByteView nonce) {
  ByteWriter covered;
  covered.u64(initiator_spi);
  covered.u16(remote.port);
  covered.bytes(remote.address.bytes());
  const SecretBytes tag = crypto::prf(crypto::PrfId::hmac_sha2_256, secret.key.view(), {covered.view(), nonce});
  ByteWriter cookie;
  cookie.u8(secret.version);
  cookie.bytes(tag.view());
  return std::move(cookie).take();
}

Bytes CookieJar::bake(Random& random, Instant now, const Endpoint& remote, uint64_t initiator_spi, ByteView nonce) {
  if (secrets_[0].key.empty() || now >= secrets_[0].made + period) {
    const auto version = static_cast<uint8_t>(secrets_[0].version + 1);
    secrets_[1] = std::move(secrets_[0]);
    secrets_[0] = Secret{version, now, SecretBytes(32)};
    random.fill(secrets_[0].key.writable());
  }
  return mac(secrets_[0], remote, initiator_spi, nonce);
}

bool CookieJar::accepts(ByteView cookie, Instant now, const Endpoint& remote, uint64_t initiator_spi,
                        ByteView nonce) const {
  return std::ranges::any_of(secrets_, [&](const Secret& secret) {
    return !secret.key.empty() && now < secret.made + 2 * period &&
           constant_time_equal(cookie, mac(secret, remote, initiator_spi, nonce));
  });
}

}  // namespace sekisho::ike::v2
