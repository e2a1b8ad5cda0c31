#include "tests/sim/chain.h"

namespace sekisho::sim {

using testing::Credential;

std::shared_ptr<const SecretBytes> secret(std::string_view text) {
  return std::make_shared<const SecretBytes>(SecretBytes::copy_of(as_bytes(text)));
}

Chain::Chain(const std::string& key_type)
    : root(testing::root_authority("C=JP, O=Lab, CN=Root", key_type)),
      middle(root.issue({.subject = "C=JP, O=Lab, CN=Intermediate",
                         .basic_constraints = "critical,CA:TRUE",
                         .key_usage = "keyCertSign,cRLSign",
                         .key_type = key_type})),
      a(gateway("a", key_type)),
      b(gateway("b", key_type)) {}

Credential Chain::gateway(const std::string& name, const std::string& key_type) const {
  return middle.issue(
      {.subject = "C=JP, O=Lab, CN=" + name, .alternative_names = "DNS:" + name + ".lab", .key_type = key_type});
}

const Chain& chain_of(ike::IkeVersion version) {
  static const Chain of_ecdsa("P-256"), of_rsa("RSA");
  return version == ike::IkeVersion::v1 ? of_rsa : of_ecdsa;
}

ike::LocalAuth by_certificate(const Credential& own, const Chain& within) {
  return {{own.certificate(), within.middle.certificate()},
          std::make_shared<const crypto::PrivateKey>(own.private_key())};
}

ike::RemoteAuth trusting(const Credential& anchor, const std::vector<crypto::RevocationList>& lists,
                         crypto::RequireCrl require_crl) {
  return {std::make_shared<const crypto::TrustAnchors>(std::vector{anchor.certificate()}, lists, require_crl)};
}

crypto::RevocationList list(const std::string& pem) { return crypto::RevocationList::read_file(as_bytes(pem)).value(); }

}  // namespace sekisho::sim
