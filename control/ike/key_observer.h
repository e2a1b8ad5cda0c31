// Who is told the keys of each new SA, where the operator logs them to read captures with. It is the one way by which
// keys leave the engine beside the SAs themselves; while nobody observes, nothing is copied or kept for it. What is
// passed is good for the call alone.
#pragma once

#include <cstdint>

#include "base/secret_bytes.h"
#include "crypto/ike/sk_cipher.h"

namespace sekisho::ike {

struct InstallChildSa;

// SK_e and SK_a of an IKE SA (RFC 7296 section 2.14). Without an integrity algorithm SK_a is empty, and SK_e ends with
// the salt.
struct IkeSaKeys {
  uint64_t spi_i = 0, spi_r = 0;
  const crypto::SkAlgorithm& algorithm;
  const SecretBytes &ei, &er, &ai, &ar;
};

// The cipher key of an ISAKMP SA (RFC 2409 appendix B).
struct IsakmpSaKeys {
  uint64_t initiator_cookie = 0;
  const SecretBytes& encryption;
};

class KeyObserver {
 public:
  virtual ~KeyObserver() = default;
  // As soon as the keys are derived: the peer has not authenticated yet, and may be anybody.
  virtual void ike_sa(const IkeSaKeys& keys) = 0;
  virtual void isakmp_sa(const IsakmpSaKeys& keys) = 0;
  virtual void child_sa(const InstallChildSa& child) = 0;
};

}  // namespace sekisho::ike
