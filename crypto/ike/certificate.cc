#include "crypto/ike/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "crypto/ike/distinguished_name.h"
#include "crypto/ike/prf.h"
#include "crypto/ike/public_key_context.h"
#include "crypto/openssl.h"

namespace sekisho::crypto {
namespace {

using BioPtr = std::unique_ptr<BIO, OpensslDeleter<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslDeleter<X509_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, OpensslDeleter<X509_CRL_free>>;

constexpr size_t max_certificates = 64;  // in one file

BioPtr reading(ByteView content) {
  return BioPtr(require(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())), "BIO"));
}

bool is_pem(ByteView content) { return as_text(content).find("-----BEGIN ") != std::string_view::npos; }

template <typename T>
Bytes encoded(const T* object, int (*encode)(const T*, uint8_t**)) {
  Bytes der(static_cast<size_t>(encode(object, nullptr)));
  uint8_t* at = der.data();
  encode(object, &at);
  return der;
}

// Into `fresh`, for the sake of its context; null where `der` does not begin with such a thing. `at` moves behind it.
template <typename T>
T* decode(T* (*function)(T**, const uint8_t**, long), T* fresh, ByteView der, const uint8_t*& at) {
  function(&fresh, &at, static_cast<long>(der.size()));
  return fresh;  // which it has freed, and made null, where it failed
}

Bytes encoded(const X509_NAME* name) {
  const uint8_t* der = nullptr;
  size_t length = 0;
  require(X509_NAME_get0_der(name, &der, &length) == 1, "X509 name");
  return {der, der + length};
}

// A time that is malformed is the beginning of all time: nothing is valid until then.
WallTime to_wall_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return WallTime{};
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

}  // namespace

// ----------------------------------------------------------------------------------------------------- Certificate

Certificate::Certificate(X509* certificate) : certificate_(certificate, X509_free) {
  // Fills the extensions' cache, which every question below asks.
  X509_check_purpose(certificate, -1, 0);
}

std::expected<Certificate, std::string> Certificate::from_der(ByteView der) {
  const uint8_t* at = der.data();
  X509Ptr certificate(decode(d2i_X509, require(X509_new_ex(public_key_context(), nullptr), "X509"), der, at));
  if (!certificate) return std::unexpected("no certificate in DER");
  if (at != der.data() + der.size()) return std::unexpected("octets behind the certificate");
  Certificate result(certificate.release());
  if (X509_get_extension_flags(result.native()) & (EXFLAG_INVALID | EXFLAG_INVALID_POLICY))
    return std::unexpected("a certificate with malformed extensions");
  return result;
}

std::expected<std::vector<Certificate>, std::string> Certificate::read_file(ByteView content) {
  std::vector<Certificate> result;
  if (!is_pem(content)) {
    auto single = from_der(content);
    if (!single) return std::unexpected(single.error());
    result.push_back(std::move(*single));
    return result;
  }
  const BioPtr bio = reading(content);
  while (const X509Ptr next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (result.size() == max_certificates)
      return std::unexpected("more than " + std::to_string(max_certificates) + " certificates");
    auto certificate = from_der(encoded<X509>(next.get(), i2d_X509));
    if (!certificate) return std::unexpected(certificate.error());
    result.push_back(std::move(*certificate));
  }
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (result.empty()) return std::unexpected("no certificate in PEM");
  if (!ended) return std::unexpected("certificate " + std::to_string(result.size() + 1) + " is malformed");
  return result;
}

Bytes Certificate::der() const { return encoded<X509>(native(), i2d_X509); }

Bytes Certificate::subject() const { return encoded(X509_get_subject_name(native())); }
std::string Certificate::subject_text() const { return distinguished_name_text(X509_get_subject_name(native())); }

Bytes Certificate::key_hash() const {
  return sha1({encoded<X509_PUBKEY>(X509_get_X509_PUBKEY(native()), i2d_X509_PUBKEY)});
}

WallTime Certificate::not_before() const { return to_wall_time(X509_get0_notBefore(native())); }
WallTime Certificate::not_after() const { return to_wall_time(X509_get0_notAfter(native())); }

std::expected<PublicKey, std::string> Certificate::public_key() const {
  EVP_PKEY* key = X509_get0_pubkey(native());
  if (!key) return std::unexpected("a key that is malformed, or neither RSA, ECDSA nor Ed25519");
  return PublicKey::from(key);
}

bool Certificate::has_signing_key() const { return X509_get0_pubkey(native()) != nullptr; }

bool Certificate::has_dns_name(std::string_view name) const {
  // A leading dot would ask for any name in the domain.
  if (name.empty() || name.front() == '.') return false;
  constexpr unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS;
  return X509_check_host(native(), name.data(), name.size(), flags, nullptr) == 1;
}

bool Certificate::has_mail_address(std::string_view address) const {
  if (address.empty()) return false;
  return X509_check_email(native(), address.data(), address.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT) == 1;
}

bool Certificate::has_address(const IpAddress& address) const {
  const ByteView bytes = address.bytes();
  return X509_check_ip(native(), bytes.data(), bytes.size(), 0) == 1;
}

bool Certificate::may_sign() const {
  // All bits are set where there is no keyUsage.
  return (X509_get_key_usage(native()) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
}

bool Certificate::may_authenticate_ike() const {
  using Usage = std::unique_ptr<EXTENDED_KEY_USAGE, OpensslDeleter<EXTENDED_KEY_USAGE_free>>;
  constexpr int absent = -1, not_critical = 0;
  int critical = absent;
  const Usage usage(
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(native(), NID_ext_key_usage, &critical, nullptr)));
  if (critical == absent || critical == not_critical) return true;
  for (int i = 0; usage && i < sk_ASN1_OBJECT_num(usage.get()); ++i) {
    const int purpose = OBJ_obj2nid(sk_ASN1_OBJECT_value(usage.get(), i));
    if (purpose == NID_ipsec_IKE || purpose == NID_anyExtendedKeyUsage) return true;
  }
  return false;
}

bool Certificate::is_authority() const { return X509_check_ca(native()) == 1; }

bool Certificate::issued_by(const Certificate& authority) const {
  return X509_check_issued(authority.native(), native()) == X509_V_OK;
}

// -------------------------------------------------------------------------------------------------- RevocationList

RevocationList::RevocationList(X509_CRL* list) : list_(list, X509_CRL_free) {}

std::expected<RevocationList, std::string> RevocationList::read_file(ByteView content) {
  Bytes from_pem;
  if (is_pem(content)) {
    const BioPtr bio = reading(content);
    const CrlPtr list(PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
    if (!list) return std::unexpected("no revocation list in PEM");
    from_pem = encoded<X509_CRL>(list.get(), i2d_X509_CRL);
    content = from_pem;
  }
  const uint8_t* at = content.data();
  CrlPtr list(decode(d2i_X509_CRL, require(X509_CRL_new_ex(public_key_context(), nullptr), "CRL"), content, at));
  if (!list || at != content.data() + content.size()) return std::unexpected("no revocation list in DER");
  return RevocationList(list.release());
}

Bytes RevocationList::der() const { return encoded<X509_CRL>(native(), i2d_X509_CRL); }

std::string RevocationList::issuer_text() const { return distinguished_name_text(X509_CRL_get_issuer(native())); }

std::optional<WallTime> RevocationList::next_update() const {
  const ASN1_TIME* time = X509_CRL_get0_nextUpdate(native());
  if (!time) return {};
  return to_wall_time(time);
}

}  // namespace sekisho::crypto
