// Certificates for the two ends of a test.
#pragma once

#include "control/ike/connection.h"
#include "tests/unit/crypto/authority.h"

namespace sekisho::sim {

std::shared_ptr<const SecretBytes> secret(std::string_view text);

// One authority, an intermediate one, and a gateway for each end.
struct Chain {
  testing::Credential root, middle, a, b;

  explicit Chain(const std::string& key_type = "P-256");
  testing::Credential gateway(const std::string& name, const std::string& key_type) const;
};
// One for all tests of a process: of P-256 with IKEv2, of RSA with IKEv1.
const Chain& chain_of(ike::IkeVersion version);

ike::LocalAuth by_certificate(const testing::Credential& own, const Chain& within);
ike::RemoteAuth trusting(const testing::Credential& anchor, const std::vector<crypto::RevocationList>& lists = {},
                         crypto::RequireCrl require_crl = crypto::RequireCrl::no);
crypto::RevocationList list(const std::string& pem);

}  // namespace sekisho::sim
