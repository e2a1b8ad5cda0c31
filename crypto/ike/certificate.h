// X.509 certificates and revocation lists (RFC 5280, and RFC 4945 for their use in IKE).
//
// Attack surface: a certificate that a peer sends is DER of its choice. It is parsed by OpenSSL, must be one whole
// certificate, and is taken for nothing until TrustAnchors found a chain from it to an anchor, and nothing revoked.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/ike/signature.h"

namespace sekisho::crypto {

class Certificate {
 public:
  // The errors are words for an operator.
  static std::expected<Certificate, std::string> from_der(ByteView der);
  // Every certificate of a file, in PEM (at least one, in its order) or DER (one).
  static std::expected<std::vector<Certificate>, std::string> read_file(ByteView content);

  Bytes der() const;
  Bytes subject() const;             // the name in DER; see distinguished_name.h
  std::string subject_text() const;  // printable
  // SHA-1 of the SubjectPublicKeyInfo: how CERTREQ names an authority (RFC 7296 section 3.7).
  Bytes key_hash() const;
  WallTime not_before() const;
  WallTime not_after() const;
  std::expected<PublicKey, std::string> public_key() const;
  // Whether it can certify others at all: its key is RSA, ECDSA or EdDSA and well-formed.
  bool has_signing_key() const;

  // Whether subjectAltName has this name; no wildcards, and the subject's CN counts for nothing.
  bool has_dns_name(std::string_view name) const;
  bool has_mail_address(std::string_view address) const;
  bool has_address(const IpAddress& address) const;
  // keyUsage is absent, or has digitalSignature or nonRepudiation (RFC 4945 section 5.1.3.2).
  bool may_sign() const;
  // extendedKeyUsage is absent or not critical, or has ipsecIKE or anyExtendedKeyUsage (RFC 4945 section 5.1.3.12).
  bool may_authenticate_ike() const;
  // basicConstraints says that it is an authority's.
  bool is_authority() const;
  // Issuer and key show that `authority` issued it.
  bool issued_by(const Certificate& authority) const;

  X509* native() const { return certificate_.get(); }

 private:
  explicit Certificate(X509* certificate);
  std::shared_ptr<X509> certificate_;  // only read
};

// A certificate revocation list.
class RevocationList {
 public:
  static std::expected<RevocationList, std::string> read_file(ByteView content);  // one, PEM or DER

  Bytes der() const;
  std::string issuer_text() const;
  std::optional<WallTime> next_update() const;
  X509_CRL* native() const { return list_.get(); }

 private:
  explicit RevocationList(X509_CRL* list);
  std::shared_ptr<X509_CRL> list_;
};

}  // namespace sekisho::crypto
