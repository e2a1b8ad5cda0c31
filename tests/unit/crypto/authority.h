// Keys, certificates and revocation lists made on the spot, for tests of whoever reads them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/ike/certificate.h"
#include "crypto/openssl.h"

namespace sekisho::testing {

// 2026-01-01; certificates are valid from a day before it for a year unless a test says otherwise.
inline const WallTime new_year = WallTime{} + std::chrono::seconds(1767225600);
inline constexpr std::chrono::days day{1};

// "RSA" (2048 bits), "RSA-1024", "RSA-3" (with the exponent 3), "P-256", "P-384", "P-521", "ED25519", "ED448",
// "X25519".
crypto::PkeyPtr make_key(const std::string& type);
crypto::PkeyPtr make_rsa_key(unsigned bits, unsigned exponent);
std::string to_pem(EVP_PKEY* private_key);

struct CertificateRequest {
  std::string subject;                 // "C=JP, O=Lab, CN=a.lab"
  std::string alternative_names = {};  // OpenSSL's form: "DNS:a.lab,IP:10.9.1.1"; empty: no extension
  std::string basic_constraints = {};  // "critical,CA:TRUE,pathlen:0"; empty: no extension
  std::string key_usage = {};          // "digitalSignature"; empty: no extension
  // Further extensions by name or number: {"extendedKeyUsage", "critical,serverAuth"}, {"1.2.3.4", "DER:0500"}.
  std::vector<std::pair<std::string, std::string>> extensions = {};
  std::string key_type = "P-256";
  WallTime not_before = new_year - day;
  WallTime not_after = new_year + 365 * day;
  const char* hash = "SHA256";  // of the issuer's signature, where its key takes one
};

// A key and its certificate.
struct Credential {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> x509;

  crypto::Certificate certificate() const;
  Bytes der() const;
  std::string certificate_pem() const;
  std::string key_pem() const { return to_pem(key.get()); }
  crypto::PrivateKey private_key() const;

  // One signed by this.
  Credential issue(const CertificateRequest& request) const;
  // A revocation list by this; the serial numbers are those of `revoked`.
  std::string list_pem(const std::vector<Credential>& revoked, WallTime last = new_year - day,
                       WallTime next = new_year + 30 * day) const;
};

Credential self_signed(const CertificateRequest& request);
// An authority's: CA:TRUE, keyCertSign and cRLSign.
Credential root_authority(const std::string& subject = "C=JP, O=Lab, CN=Root", const std::string& key_type = "P-256");

}  // namespace sekisho::testing
