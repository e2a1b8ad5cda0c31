#include "tests/fuzz/certified.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/targets.h"

namespace sekisho::fuzz {
namespace {

using crypto::Certificate;

// Whatever may be asked of a certificate before it was validated.
void examine(const Certificate& certificate) {
  require(printable(certificate.subject_text()), "a subject is printable");
  require(certificate.key_hash().size() == 20, "a key hash is SHA-1");
  (void)certificate.not_before();
  (void)certificate.not_after();
  (void)certificate.may_sign();
  (void)certificate.is_authority();
  (void)certificate.issued_by(Certified::get().authority);
  require(!certificate.has_dns_name("") && !certificate.has_mail_address(""), "nobody has no name");
  (void)certificate.has_dns_name("peer.lab");
  (void)certificate.has_mail_address("peer@lab");
  (void)certificate.has_address(*IpAddress::parse("10.9.2.2"));
  if (const auto key = certificate.public_key(); !key) require(printable(key.error()), "a refusal is printable");
  const auto again = Certificate::from_der(certificate.der());
  require(again && again->der() == certificate.der(), "encoding is stable");
}

void examine(const crypto::RevocationList& list) {
  require(printable(list.issuer_text()), "an issuer is printable");
  (void)list.next_update();
  const Certified& lab = Certified::get();
  for (const auto require_crl : {crypto::RequireCrl::no, crypto::RequireCrl::yes}) {
    const crypto::TrustAnchors anchors({lab.authority}, {list}, require_crl);
    for (const Certificate& each : lab.valid) {
      auto valid = anchors.validate_chain(each, {}, now);
      if (valid) valid = anchors.check_revocation(each, {}, now);
      if (!valid) require(printable(valid.error()), "a refusal is printable");
    }
  }
}

}  // namespace

void certificate_files(ByteView content) {
  if (const auto certificates = Certificate::read_file(content)) {
    require(!certificates->empty(), "a file has at least one certificate");
    for (const Certificate& each : *certificates) examine(each);
  } else {
    require(printable(certificates.error()), "a refusal is printable");
  }
  if (const auto list = crypto::RevocationList::read_file(content)) examine(*list);
  const auto key = crypto::PrivateKey::from_pem(content);
  require(key || printable(key.error()), "a refusal is printable");
}

}  // namespace sekisho::fuzz
