#include "crypto/ike/signature_scheme.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>

#include "crypto/openssl.h"

namespace sekisho::crypto {
namespace {

using AlgorithmPtr = std::unique_ptr<X509_ALGOR, OpensslDeleter<X509_ALGOR_free>>;
using PssParametersPtr = std::unique_ptr<RSA_PSS_PARAMS, OpensslDeleter<RSA_PSS_PARAMS_free>>;

struct HashInfo {
  SignatureHash hash;
  int nid;
  const char* openssl;
  std::string_view name;
  uint8_t arc;  // the last of 2.16.840.1.101.3.4.2 for the hash
  uint8_t length;
};
constexpr HashInfo hashes[] = {
    {SignatureHash::sha1, NID_sha1, "SHA1", "SHA-1", 0, 20},
    {SignatureHash::sha2_256, NID_sha256, "SHA256", "SHA2-256", 1, 32},
    {SignatureHash::sha2_384, NID_sha384, "SHA384", "SHA2-384", 2, 48},
    {SignatureHash::sha2_512, NID_sha512, "SHA512", "SHA2-512", 3, 64},
};

const HashInfo* find(SignatureHash hash) {
  const auto* found = std::ranges::find(hashes, hash, &HashInfo::hash);
  return found == std::end(hashes) ? nullptr : found;
}

// Every fixed form but PSS. What is received may also leave out the NULL of RSA (RFC 4055 section 5).
struct FixedForm {
  SignatureScheme scheme;
  int nid;
  Bytes der;
};
const FixedForm fixed_forms[] = {
    {{SignatureKind::rsa_pkcs1, SignatureHash::sha1},
     NID_sha1WithRSAEncryption,
     {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00}},
    {{SignatureKind::rsa_pkcs1, SignatureHash::sha2_256},
     NID_sha256WithRSAEncryption,
     {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00}},
    {{SignatureKind::rsa_pkcs1, SignatureHash::sha2_384},
     NID_sha384WithRSAEncryption,
     {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c, 0x05, 0x00}},
    {{SignatureKind::rsa_pkcs1, SignatureHash::sha2_512},
     NID_sha512WithRSAEncryption,
     {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d, 0x05, 0x00}},
    {{SignatureKind::ecdsa, SignatureHash::sha2_256},
     NID_ecdsa_with_SHA256,
     {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}},
    {{SignatureKind::ecdsa, SignatureHash::sha2_384},
     NID_ecdsa_with_SHA384,
     {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03}},
    {{SignatureKind::ecdsa, SignatureHash::sha2_512},
     NID_ecdsa_with_SHA512,
     {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04}},
    {{SignatureKind::eddsa, SignatureHash::identity}, NID_ED25519, {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70}},
};

// RSASSA-PSS-params of RFC 4055 section 3.1: the hash, MGF1 with the same, the salt's length.
Bytes pss_identifier(const HashInfo& hash) {
  const Bytes hash_algorithm = {0x30, 0x0d, 0x06, 0x09, 0x60,     0x86, 0x48, 0x01,
                                0x65, 0x03, 0x04, 0x02, hash.arc, 0x05, 0x00};
  ByteWriter out;
  out.bytes(Bytes{0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34});
  out.bytes(Bytes{0xa0, 0x0f});
  out.bytes(hash_algorithm);
  out.bytes(Bytes{0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08});
  out.bytes(hash_algorithm);
  out.bytes(Bytes{0xa2, 0x03, 0x02, 0x01, hash.length});
  return std::move(out).take();
}

// Reads one DER element that fills the octets.
template <typename Owner, auto read>
Owner read_whole(ByteView der) {
  const uint8_t* at = der.data();
  Owner value(read(nullptr, &at, static_cast<long>(der.size())));
  if (at != der.data() + der.size()) value.reset();
  return value;
}

int nid_of(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  if (algorithm) X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  return object ? OBJ_obj2nid(object) : NID_undef;
}

// The parameters, where they are a SEQUENCE.
ByteView sequence_of(const X509_ALGOR* algorithm) {
  int type = V_ASN1_UNDEF;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, algorithm);
  if (type != V_ASN1_SEQUENCE) return {};
  const auto* sequence = static_cast<const ASN1_STRING*>(value);
  return {ASN1_STRING_get0_data(sequence), static_cast<size_t>(ASN1_STRING_length(sequence))};
}

std::optional<SignatureScheme> parse_pss(const X509_ALGOR* algorithm) {
  const ByteView der = sequence_of(algorithm);
  if (der.empty()) return {};
  const auto parameters = read_whole<PssParametersPtr, d2i_RSA_PSS_PARAMS>(der);
  if (!parameters || nid_of(parameters->maskGenAlgorithm) != NID_mgf1) return {};
  const ByteView mask_der = sequence_of(parameters->maskGenAlgorithm);
  if (mask_der.empty()) return {};
  const auto mask_hash = read_whole<AlgorithmPtr, d2i_X509_ALGOR>(mask_der);
  const auto* hash = std::ranges::find(hashes, nid_of(parameters->hashAlgorithm), &HashInfo::nid);
  if (hash == std::end(hashes) || hash->hash == SignatureHash::sha1 || nid_of(mask_hash.get()) != hash->nid) return {};
  // Absent means 20 octets, which is the length of no hash that is left.
  if (!parameters->saltLength || ASN1_INTEGER_get(parameters->saltLength) != hash->length) return {};
  if (parameters->trailerField && ASN1_INTEGER_get(parameters->trailerField) != 1) return {};
  return SignatureScheme{SignatureKind::rsa_pss, hash->hash};
}

bool without_parameters(const X509_ALGOR* algorithm) {
  int type = V_ASN1_UNDEF;
  X509_ALGOR_get0(nullptr, &type, nullptr, algorithm);
  return type == V_ASN1_UNDEF;
}

}  // namespace

const char* openssl_name(SignatureHash hash) {
  const HashInfo* found = find(hash);
  return found ? found->openssl : nullptr;
}

std::string_view name(SignatureHash hash) {
  if (hash == SignatureHash::identity) return "no hash";
  const HashInfo* found = find(hash);
  return found ? found->name : "an unknown hash";
}

std::string_view name(SignatureKind kind) {
  switch (kind) {
    case SignatureKind::rsa_pkcs1:
      return "RSASSA-PKCS1-v1_5";
    case SignatureKind::rsa_pss:
      return "RSASSA-PSS";
    case SignatureKind::rsa_raw:
      return "RSA";
    case SignatureKind::ecdsa:
    case SignatureKind::ecdsa_fixed:
      return "ECDSA";
    case SignatureKind::eddsa:
      return "Ed25519";
  }
  return "";
}

Bytes algorithm_identifier(const SignatureScheme& scheme) {
  const auto* fixed = std::ranges::find(fixed_forms, scheme, &FixedForm::scheme);
  if (fixed != std::end(fixed_forms)) return fixed->der;
  const HashInfo* hash = find(scheme.hash);
  if (scheme.kind != SignatureKind::rsa_pss || !hash || hash->hash == SignatureHash::sha1) return {};
  return pss_identifier(*hash);
}

std::optional<SignatureScheme> parse_algorithm_identifier(ByteView der) {
  const auto* fixed =
      std::ranges::find_if(fixed_forms, [&](const auto& form) { return std::ranges::equal(form.der, der); });
  if (fixed != std::end(fixed_forms)) return fixed->scheme;
  const auto algorithm = read_whole<AlgorithmPtr, d2i_X509_ALGOR>(der);
  const int nid = nid_of(algorithm.get());
  if (nid == NID_rsassaPss) return parse_pss(algorithm.get());
  const auto* loose = std::ranges::find(fixed_forms, nid, &FixedForm::nid);
  const bool rsa = loose != std::end(fixed_forms) && loose->scheme.kind == SignatureKind::rsa_pkcs1;
  if (rsa && without_parameters(algorithm.get())) return loose->scheme;
  return {};
}

}  // namespace sekisho::crypto
