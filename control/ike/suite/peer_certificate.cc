#include "control/ike/suite/peer_certificate.h"

#include <algorithm>

#include "base/messages/ike.h"
#include "crypto/ike/distinguished_name.h"

namespace sekisho::ike::suite {
namespace {

std::unexpected<Error> unusable(const std::string& why) { return fail(messages::ike_bad_certificate, why); }

Result<std::vector<crypto::Certificate>> parse(std::span<const ByteView> certificates) {
  if (certificates.empty()) return unusable("the peer sent no certificate");
  if (certificates.size() > max_peer_certificates)
    return unusable("the peer sent " + std::to_string(certificates.size()) + " certificates, at most " +
                    std::to_string(max_peer_certificates) + " are taken");
  std::vector<crypto::Certificate> parsed;
  for (const ByteView der : certificates) {
    auto certificate = crypto::Certificate::from_der(der);
    if (!certificate) return unusable("one that the peer sent is " + certificate.error());
    parsed.push_back(std::move(*certificate));
  }
  return parsed;
}

}  // namespace

bool certifies(const crypto::Certificate& certificate, const Identity& id) {
  switch (id.type) {
    case Identity::Type::fqdn:
      return certificate.has_dns_name(id.value);
    case Identity::Type::rfc822_address:
      return certificate.has_mail_address(id.value);
    case Identity::Type::ipv4_address:
    case Identity::Type::ipv6_address: {
      const auto address = IpAddress::from_bytes(as_bytes(id.value));
      return address && certificate.has_address(*address);
    }
    case Identity::Type::der_asn1_dn:
      return crypto::same_distinguished_name(certificate.subject(), as_bytes(id.value));
    case Identity::Type::key_id:
      break;
  }
  return false;
}

Result<WallTime> authenticate(const crypto::TrustAnchors& authorities, const Identity& id,
                              std::span<const ByteView> certificates, WallTime now, const SignedBy& signed_by) {
  const auto parsed = parse(certificates);
  if (!parsed) return std::unexpected(parsed.error());
  const crypto::Certificate& own = parsed->front();
  if (!certifies(own, id))
    return fail(messages::ike_identity_not_certified,
                id.text() + " is not in the certificate of " + own.subject_text());
  if (!own.may_sign()) return unusable("keyUsage does not permit signatures: " + own.subject_text());
  if (!own.may_authenticate_ike())
    return unusable("a critical extendedKeyUsage does not permit IKE: " + own.subject_text());
  const auto key = own.public_key();
  if (!key) return unusable("it has " + key.error() + ": " + own.subject_text());
  const auto others = std::span(*parsed).subspan(1);
  if (const auto valid = authorities.validate_chain(own, others, now); !valid) return unusable(valid.error());
  if (const auto good = signed_by(*key); !good) return std::unexpected(good.error());
  if (const auto valid = authorities.check_revocation(own, others, now); !valid) return unusable(valid.error());
  return own.not_after();
}

std::vector<Bytes> requested_authorities(std::span<const std::shared_ptr<const Connection>> connections, size_t most,
                                         const NameOfAnchor& name_of) {
  std::vector<Bytes> names;
  for (const auto& connection : connections) {
    if (!connection->remote_auth.by_certificate()) continue;
    const crypto::TrustAnchors& authorities = *connection->remote_auth.authorities;
    for (size_t i = 0; i < authorities.anchors().size() && names.size() < most; ++i) {
      Bytes name = name_of(authorities, i);
      if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
  }
  return names;
}

}  // namespace sekisho::ike::suite
