#include "tests/unit/crypto/authority.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <stdexcept>

#include "crypto/ike/distinguished_name.h"

namespace sekisho::testing {
namespace {

using crypto::OpensslDeleter;
using crypto::require;
using BioPtr = std::unique_ptr<BIO, OpensslDeleter<BIO_free>>;
using NamePtr = std::unique_ptr<X509_NAME, OpensslDeleter<X509_NAME_free>>;
using TimePtr = std::unique_ptr<ASN1_TIME, OpensslDeleter<ASN1_TIME_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslDeleter<X509_EXTENSION_free>>;

NamePtr name_of(const std::string& text) {
  const auto der = crypto::encode_distinguished_name(text);
  if (!der) throw std::invalid_argument(text);
  const uint8_t* at = der->data();
  return NamePtr(require(d2i_X509_NAME(nullptr, &at, static_cast<long>(der->size())), "name"));
}

TimePtr time_of(WallTime time) {
  return TimePtr(require(ASN1_TIME_set(nullptr, std::chrono::system_clock::to_time_t(time)), "time"));
}

std::string taken(BIO* bio) {
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio, &text);
  return {text, static_cast<size_t>(length)};
}

void add_extension(X509* certificate, X509* issuer, const std::string& name, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(require(X509V3_EXT_conf(nullptr, &context, name.c_str(), value.c_str()), "extension"));
  require(X509_add_ext(certificate, extension.get(), -1) == 1, "extension");
}

// Ed25519 and Ed448 sign without a hash.
const EVP_MD* hash_for(EVP_PKEY* key, const char* name) {
  return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? nullptr : EVP_get_digestbyname(name);
}

Credential make(const CertificateRequest& request, const Credential* issuer) {
  static std::atomic<long> serial = 0;
  Credential made;
  made.key = make_key(request.key_type);
  made.x509.reset(require(X509_new(), "X509"), X509_free);
  X509* certificate = made.x509.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  const NamePtr subject = name_of(request.subject);
  X509_set_subject_name(certificate, subject.get());
  X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer->x509.get()) : subject.get());
  X509_set1_notBefore(certificate, time_of(request.not_before).get());
  X509_set1_notAfter(certificate, time_of(request.not_after).get());
  X509_set_pubkey(certificate, made.key.get());
  X509* issuer_x509 = issuer ? issuer->x509.get() : certificate;
  add_extension(certificate, issuer_x509, "basicConstraints", request.basic_constraints);
  add_extension(certificate, issuer_x509, "keyUsage", request.key_usage);
  add_extension(certificate, issuer_x509, "subjectAltName", request.alternative_names);
  for (const auto& [name, value] : request.extensions) add_extension(certificate, issuer_x509, name, value);
  EVP_PKEY* signer = issuer ? issuer->key.get() : made.key.get();
  require(X509_sign(certificate, signer, hash_for(signer, request.hash)) > 0, "X509 signature");
  return made;
}

}  // namespace

crypto::PkeyPtr make_rsa_key(unsigned bits, unsigned exponent) {
  const crypto::PkeyContextPtr context(require(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr), "RSA"));
  require(EVP_PKEY_keygen_init(context.get()) == 1, "RSA");
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint("bits", &bits), OSSL_PARAM_construct_uint("e", &exponent),
                                   OSSL_PARAM_construct_end()};
  require(EVP_PKEY_CTX_set_params(context.get(), parameters) == 1, "RSA");
  EVP_PKEY* key = nullptr;
  require(EVP_PKEY_generate(context.get(), &key) == 1, "RSA");
  return crypto::PkeyPtr(key);
}

crypto::PkeyPtr make_key(const std::string& type) {
  if (type == "RSA-1024") return make_rsa_key(1024, 65537);
  if (type == "RSA") return make_rsa_key(2048, 65537);
  if (type == "RSA-3") return make_rsa_key(2048, 3);
  EVP_PKEY* key = type.starts_with("P-") ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", type.c_str())
                                         : EVP_PKEY_Q_keygen(nullptr, nullptr, type.c_str());
  return crypto::PkeyPtr(require(key, "key"));
}

std::string to_pem(EVP_PKEY* private_key) {
  const BioPtr bio(require(BIO_new(BIO_s_mem()), "BIO"));
  require(PEM_write_bio_PrivateKey(bio.get(), private_key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "PEM");
  return taken(bio.get());
}

crypto::Certificate Credential::certificate() const { return crypto::Certificate::from_der(der()).value(); }

Bytes Credential::der() const {
  Bytes out(static_cast<size_t>(i2d_X509(x509.get(), nullptr)));
  uint8_t* at = out.data();
  i2d_X509(x509.get(), &at);
  return out;
}

std::string Credential::certificate_pem() const {
  const BioPtr bio(require(BIO_new(BIO_s_mem()), "BIO"));
  require(PEM_write_bio_X509(bio.get(), x509.get()) == 1, "PEM");
  return taken(bio.get());
}

crypto::PrivateKey Credential::private_key() const { return crypto::PrivateKey::from_pem(as_bytes(key_pem())).value(); }

Credential Credential::issue(const CertificateRequest& request) const { return make(request, this); }

std::string Credential::list_pem(const std::vector<Credential>& revoked, WallTime last, WallTime next) const {
  const std::unique_ptr<X509_CRL, OpensslDeleter<X509_CRL_free>> list(require(X509_CRL_new(), "CRL"));
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(x509.get()));
  X509_CRL_set1_lastUpdate(list.get(), time_of(last).get());
  X509_CRL_set1_nextUpdate(list.get(), time_of(next).get());
  for (const Credential& each : revoked) {
    X509_REVOKED* entry = require(X509_REVOKED_new(), "CRL");
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(each.x509.get()));
    X509_REVOKED_set_revocationDate(entry, time_of(last).get());
    X509_CRL_add0_revoked(list.get(), entry);
  }
  X509_CRL_sort(list.get());
  require(X509_CRL_sign(list.get(), key.get(), hash_for(key.get(), "SHA256")) > 0, "CRL signature");
  const BioPtr bio(require(BIO_new(BIO_s_mem()), "BIO"));
  require(PEM_write_bio_X509_CRL(bio.get(), list.get()) == 1, "PEM");
  return taken(bio.get());
}

Credential self_signed(const CertificateRequest& request) { return make(request, nullptr); }

Credential root_authority(const std::string& subject, const std::string& key_type) {
  return self_signed({.subject = subject,
                      .basic_constraints = "critical,CA:TRUE",
                      .key_usage = "keyCertSign,cRLSign",
                      .key_type = key_type,
                      .not_after = new_year + 3650 * day});
}

}  // namespace sekisho::testing
