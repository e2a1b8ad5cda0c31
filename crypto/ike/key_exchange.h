// Key exchange methods: finite-field groups (RFC 3526, RFC 2409), ECP groups (RFC 5903), x25519 (RFC 8031).
#pragma once

#include <memory>
#include <optional>

#include "base/random.h"
#include "base/secret_bytes.h"
#include "crypto/ike/algorithms.h"

namespace sekisho::crypto {

// Length of a public value on the wire, in bytes.
size_t public_value_length(KeyExchangeId id);

// One ephemeral key pair; used for one exchange and then dropped.
class KeyExchange {
 public:
  // The private key is drawn from the kernel's generator, or from `random`. Throws std::runtime_error where the crypto
  // library fails (out of memory), std::invalid_argument for KeyExchangeId::none.
  static std::unique_ptr<KeyExchange> generate(KeyExchangeId id);
  static std::unique_ptr<KeyExchange> generate(KeyExchangeId id, Random& random);
  virtual ~KeyExchange() = default;

  virtual KeyExchangeId id() const = 0;
  // As the KE payload carries it: modp left-padded to the group's size, ECP as x | y.
  virtual ByteView public_value() const = 0;
  // The shared secret, in the form that goes into SKEYSEED (modp padded to the group's size; ECP the x coordinate;
  // x25519 32 bytes). Nothing where the peer's value is malformed: wrong length, 0, 1 or p-1, not on the curve, or an
  // all-zero x25519 result (RFC 6989, RFC 7748 section 6.1).
  virtual std::optional<SecretBytes> derive(ByteView peer_public_value) const = 0;
};

}  // namespace sekisho::crypto
