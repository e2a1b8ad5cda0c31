#include "crypto/ike/certificate.h"

#include <openssl/x509.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "crypto/ike/distinguished_name.h"
#include "crypto/ike/prf.h"
#include "crypto/ike/trust_anchors.h"
#include "tests/unit/crypto/authority.h"
#include "tests/unit/crypto/fixed_random.h"

namespace sekisho::crypto {
namespace {

using namespace testing;

const CertificateRequest gateway = {.subject = "C=JP, O=Lab, CN=a.lab", .alternative_names = "DNS:a.lab"};
const CertificateRequest intermediate = {.subject = "C=JP, O=Lab, CN=Intermediate",
                                         .basic_constraints = "critical,CA:TRUE",
                                         .key_usage = "keyCertSign,cRLSign"};

RevocationList list(const std::string& pem) { return RevocationList::read_file(as_bytes(pem)).value(); }

TrustAnchors trusting(const Credential& anchor, const std::vector<RevocationList>& lists = {},
                      RequireCrl require_crl = RequireCrl::no) {
  return TrustAnchors({anchor.certificate()}, lists, require_crl);
}

// Empty where the certificate is valid.
std::string fault(const TrustAnchors& anchors, const Credential& credential, std::vector<Certificate> untrusted = {},
                  WallTime now = new_year) {
  auto valid = anchors.validate_chain(credential.certificate(), untrusted, now);
  if (valid) valid = anchors.check_revocation(credential.certificate(), untrusted, now);
  return valid ? std::string() : valid.error();
}

bool says(const std::string& fault, std::string_view part) {
  INFO(fault);
  CHECK(fault.find(part) != std::string::npos);
  return true;
}

}  // namespace

TEST_CASE("a certificate shows what it certifies") {
  const Credential root = root_authority();
  const Credential credential =
      root.issue({.subject = "C=JP, O=Lab, CN=a.lab",
                  .alternative_names = "DNS:a.lab,DNS:*.wild.lab,email:ops@a.lab,IP:10.9.1.1"});
  const Certificate certificate = credential.certificate();
  CHECK(certificate.der() == credential.der());
  CHECK(certificate.subject_text() == "C=JP, O=Lab, CN=a.lab");
  CHECK(certificate.has_dns_name("a.lab"));
  CHECK(certificate.has_dns_name("A.LAB"));
  for (const std::string name : {"", "b.lab", ".lab", "lab", "x.wild.lab", "a.lab."})
    CHECK_FALSE(certificate.has_dns_name(name));
  CHECK_FALSE(certificate.has_dns_name(std::string_view("a.lab\0x", 7)));
  CHECK(certificate.has_mail_address("ops@a.lab"));
  CHECK_FALSE(certificate.has_mail_address("root@a.lab"));
  CHECK(certificate.has_address(*IpAddress::parse("10.9.1.1")));
  CHECK_FALSE(certificate.has_address(*IpAddress::parse("10.9.1.2")));
  CHECK(certificate.not_after() == new_year + 365 * day);
  CHECK(certificate.not_before() == new_year - day);
  CHECK(certificate.public_key()->type() == KeyType::ecdsa_p256);
  CHECK(*certificate.public_key() == credential.private_key().public_key());
  CHECK(certificate.issued_by(root.certificate()));
  CHECK_FALSE(root.certificate().issued_by(certificate));
  CHECK(root.certificate().is_authority());
  CHECK_FALSE(certificate.is_authority());
  // The CN is no name of the peer.
  CHECK_FALSE(self_signed({.subject = "CN=a.lab"}).certificate().has_dns_name("a.lab"));
  CHECK_FALSE(self_signed({.subject = "emailAddress=a@b"}).certificate().has_mail_address("a@b"));
}

TEST_CASE("authorities sign certificates and lists by RSA, ECDSA and EdDSA") {
  for (const std::string type : {"RSA", "P-384", "P-521", "ED25519", "ED448"}) {
    INFO(type);
    const Credential root = root_authority("C=JP, O=Lab, CN=Root", type);
    const Credential revoked = root.issue(gateway), credential = root.issue(gateway);
    const TrustAnchors anchors = trusting(root, {list(root.list_pem({revoked}))}, RequireCrl::yes);
    CHECK(fault(anchors, credential).empty());
    CHECK(says(fault(anchors, revoked), "revoked"));
    CHECK_FALSE(fault(trusting(root_authority("C=JP, O=Lab, CN=Root", type)), credential).empty());
  }
}

TEST_CASE("a key that cannot sign for a peer is refused, and the certificate is read") {
  for (const std::string type : {"X25519", "ED448", "RSA-1024"}) {
    CertificateRequest request = gateway;
    request.key_type = type;
    const auto key = root_authority().issue(request).certificate().public_key();
    REQUIRE_FALSE(key);
    CHECK(says(key.error(), type == "RSA-1024" ? "1024 bits" : "neither RSA"));
  }
}

TEST_CASE("keyUsage says whether a certificate may sign") {
  CHECK(self_signed({.subject = "CN=a"}).certificate().may_sign());
  CHECK(self_signed({.subject = "CN=a", .key_usage = "digitalSignature"}).certificate().may_sign());
  CHECK(self_signed({.subject = "CN=a", .key_usage = "nonRepudiation"}).certificate().may_sign());
  CHECK_FALSE(self_signed({.subject = "CN=a", .key_usage = "keyEncipherment"}).certificate().may_sign());
}

TEST_CASE("files hold certificates in PEM or DER") {
  const Credential root = root_authority(), leaf = root.issue(gateway);
  const auto both = Certificate::read_file(as_bytes("a comment\n" + leaf.certificate_pem() + root.certificate_pem()));
  REQUIRE(both);
  REQUIRE(both->size() == 2);
  CHECK((*both)[0].subject_text() == "C=JP, O=Lab, CN=a.lab");
  CHECK(Certificate::read_file(leaf.der())->size() == 1);
  for (const std::string& bad :
       {std::string(), std::string("swordfish"), leaf.key_pem(), leaf.certificate_pem().substr(0, 200),
        leaf.certificate_pem() + leaf.certificate_pem().substr(0, 200)})
    CHECK_FALSE(Certificate::read_file(as_bytes(bad)));
  std::string many;
  for (int i = 0; i < 65; ++i) many += leaf.certificate_pem();
  CHECK_FALSE(Certificate::read_file(as_bytes(many)));
  CHECK_FALSE(RevocationList::read_file(as_bytes(leaf.certificate_pem())));
  CHECK_FALSE(RevocationList::read_file({}));
  CHECK(list(root.list_pem({})).issuer_text() == "C=JP, O=Lab, CN=Root");
  CHECK(list(root.list_pem({})).next_update() == new_year + 30 * day);
}

TEST_CASE("a certificate with any octet changed is refused or not trusted") {
  const Credential root = root_authority(), leaf = root.issue(gateway);
  const TrustAnchors anchors = trusting(root);
  REQUIRE(fault(anchors, leaf).empty());
  const Bytes good = leaf.der();
  for (size_t at = 0; at < good.size(); ++at)
    for (const uint8_t flip : {0x01, 0x80, 0xff}) {
      Bytes bad = good;
      bad[at] ^= flip;
      const auto certificate = Certificate::from_der(bad);
      if (certificate) CHECK_FALSE(anchors.validate_chain(*certificate, {}, new_year));
    }
  for (size_t size = 0; size < good.size(); ++size) CHECK_FALSE(Certificate::from_der(ByteView(good).first(size)));
  Bytes longer = good;
  longer.push_back(0);
  CHECK_FALSE(Certificate::from_der(longer));
}

TEST_CASE("chains end at an anchor") {
  for (const std::string type : {"RSA", "P-256", "P-384", "P-521", "ED25519"}) {
    const Credential root = root_authority("CN=Root", type);
    CertificateRequest between = intermediate, below = gateway;
    between.key_type = below.key_type = type;
    const Credential middle = root.issue(between);
    const Credential leaf = middle.issue(below);
    CHECK(fault(trusting(root), leaf, {middle.certificate()}).empty());
    says(fault(trusting(root), leaf), "unable to get local issuer certificate: C=JP, O=Lab, CN=a.lab");
    // An intermediate one, or the peer's own, may be the anchor.
    CHECK(fault(trusting(middle), leaf).empty());
    CHECK(fault(trusting(leaf), leaf).empty());
    // Another authority of the same name.
    CHECK_FALSE(fault(trusting(root_authority("CN=Root", type)), leaf, {middle.certificate()}).empty());
    says(fault(trusting(root_authority("CN=Elsewhere")), leaf, {middle.certificate(), root.certificate()}), "self");
  }
}

TEST_CASE("validity is a matter of the time that is given") {
  const Credential root = root_authority(), leaf = root.issue(gateway);
  const TrustAnchors anchors = trusting(root);
  CHECK(fault(anchors, leaf, {}, new_year + 364 * day).empty());
  says(fault(anchors, leaf, {}, new_year + 366 * day), "expired: C=JP, O=Lab, CN=a.lab");
  says(fault(anchors, leaf, {}, new_year - 2 * day), "not yet valid");
}

TEST_CASE("only authorities certify, and no deeper than they may") {
  const Credential root = root_authority();
  const Credential plain = root.issue(gateway);
  CHECK_FALSE(fault(trusting(root), plain.issue({.subject = "CN=b"}), {plain.certificate()}).empty());
  const Credential usage_only = root.issue({.subject = "CN=c", .key_usage = "keyCertSign"});
  says(fault(trusting(root), usage_only.issue({.subject = "CN=b"}), {usage_only.certificate()}),
       "invalid CA certificate: CN=c");
  const Credential no_usage =
      root.issue({.subject = "CN=d", .basic_constraints = "CA:TRUE", .key_usage = "digitalSignature"});
  CHECK_FALSE(fault(trusting(root), no_usage.issue({.subject = "CN=b"}), {no_usage.certificate()}).empty());
  CertificateRequest shallow = intermediate;
  shallow.basic_constraints = "critical,CA:TRUE,pathlen:0";
  const Credential first = root.issue(shallow);
  CHECK(fault(trusting(root), first.issue(gateway), {first.certificate()}).empty());
  CertificateRequest deeper = intermediate;
  deeper.subject = "CN=Deeper";
  const Credential second = first.issue(deeper);
  says(fault(trusting(root), second.issue(gateway), {first.certificate(), second.certificate()}), "path length");
}

TEST_CASE("SHA-1 and short keys certify nothing") {
  const Credential root = root_authority("CN=Root", "RSA");
  CertificateRequest weak = gateway;
  weak.hash = "SHA1";
  says(fault(trusting(root), root.issue(weak)), "digest algorithm too weak");
  CertificateRequest short_key = gateway;
  short_key.key_type = "RSA-1024";
  says(fault(trusting(root), root.issue(short_key)), "EE certificate key too weak: C=JP, O=Lab, CN=a.lab");
  CertificateRequest short_authority = intermediate;
  short_authority.key_type = "RSA-1024";
  const Credential middle = root.issue(short_authority);
  says(fault(trusting(root), middle.issue(gateway), {middle.certificate()}), "CA certificate key too weak");
}

TEST_CASE("an authority certifies only names that its name constraints permit") {
  const Credential root = root_authority();
  CertificateRequest constrained = intermediate;
  constrained.extensions = {{"nameConstraints", "critical,permitted;DNS:lab,excluded;DNS:secret.lab"}};
  const Credential middle = root.issue(constrained);
  const auto fault_of = [&](const char* name) {
    const Credential leaf = middle.issue({.subject = "C=JP, CN=gateway", .alternative_names = name});
    return fault(trusting(root), leaf, {middle.certificate()});
  };
  CHECK(fault_of("DNS:a.lab").empty());
  says(fault_of("DNS:a.elsewhere"), "permitted subtree violation");
  says(fault_of("DNS:a.lab,DNS:a.elsewhere"), "permitted subtree violation");
  says(fault_of("DNS:a.secret.lab"), "excluded subtree violation");
}

TEST_CASE("a critical extension that is not understood is refused, in every certificate of the chain") {
  const Credential root = root_authority();
  CertificateRequest odd = gateway, odd_authority = intermediate;
  odd.extensions = odd_authority.extensions = {{"1.2.3.4", "critical,DER:0500"}};
  says(fault(trusting(root), root.issue(odd)), "unhandled critical extension");
  const Credential middle = root.issue(odd_authority);
  says(fault(trusting(root), middle.issue(gateway), {middle.certificate()}), "unhandled critical extension");
  odd.extensions = {{"1.2.3.4", "DER:0500"}};
  CHECK(fault(trusting(root), root.issue(odd)).empty());
}

// RFC 4945 section 5.1.3.12.
TEST_CASE("a critical extendedKeyUsage has to permit IKE; one that is not critical does not count") {
  const Credential root = root_authority();
  const auto usable = [&](const std::string& usage) {
    CertificateRequest request = gateway;
    if (!usage.empty()) request.extensions = {{"extendedKeyUsage", usage}};
    const Credential credential = root.issue(request);
    CHECK(fault(trusting(root), credential).empty());
    return credential.certificate().may_authenticate_ike();
  };
  CHECK(usable(""));
  CHECK(usable("serverAuth"));
  CHECK_FALSE(usable("critical,serverAuth"));
  CHECK(usable("critical,serverAuth,1.3.6.1.5.5.7.3.17"));
  CHECK(usable("critical,anyExtendedKeyUsage"));
}

TEST_CASE("revocation is looked at only for a chain that is good") {
  const Credential root = root_authority(), impostor = root_authority();
  const Credential forged = impostor.issue(gateway);
  const std::vector<RevocationList> lists = {list(root.list_pem({forged}))};
  for (const RequireCrl require_crl : {RequireCrl::no, RequireCrl::yes})
    says(fault(trusting(root, lists, require_crl), forged), "certificate signature failure");
}

TEST_CASE("revocation lists are heeded") {
  const Credential root = root_authority(), middle = root.issue(intermediate);
  const Credential good = middle.issue(gateway), bad = middle.issue(gateway);
  const std::vector<Certificate> untrusted = {middle.certificate()};
  const RevocationList of_root = list(root.list_pem({})), of_middle = list(middle.list_pem({bad}));
  for (const RequireCrl require_crl : {RequireCrl::no, RequireCrl::yes}) {
    const TrustAnchors anchors = trusting(root, {of_root, of_middle}, require_crl);
    CHECK(fault(anchors, good, untrusted).empty());
    says(fault(anchors, bad, untrusted), "revoked: C=JP, O=Lab, CN=a.lab");
    says(fault(trusting(root, {list(root.list_pem({middle})), of_middle}, require_crl), good, untrusted), "revoked");
  }
  // One is missing.
  CHECK(fault(trusting(root, {of_middle}), good, untrusted).empty());
  says(fault(trusting(root, {of_middle}), bad, untrusted), "revoked");
  says(fault(trusting(root, {of_middle}, RequireCrl::yes), good, untrusted), "unable to get certificate CRL");
  says(fault(trusting(root, {}, RequireCrl::yes), good, untrusted), "unable to get certificate CRL");
  // One is out of date: what it revokes stays revoked.
  const WallTime later = new_year + 60 * day;
  CHECK(fault(trusting(root, {of_root, of_middle}), good, untrusted, later).empty());
  says(fault(trusting(root, {of_root, of_middle}), bad, untrusted, later), "revoked");
  says(fault(trusting(root, {of_root, of_middle}, RequireCrl::yes), good, untrusted, later), "CRL has expired");
  // A list that somebody else made in the authority's name counts for nothing.
  const RevocationList forged = list(root_authority("C=JP, O=Lab, CN=Intermediate").list_pem({good}));
  says(fault(trusting(root, {of_root, forged}), good, untrusted), "CRL signature failure");
  // Where an intermediate authority is the anchor, the lists above it do not matter.
  CHECK(fault(trusting(middle, {of_middle}, RequireCrl::yes), good).empty());
}

TEST_CASE("an authority is named by the hash of its key") {
  const Credential root = root_authority(), other = root_authority();
  // openssl x509 -pubkey | openssl pkey -pubin -outform der | sha1sum
  uint8_t* der = nullptr;
  const int length = i2d_PUBKEY(root.key.get(), &der);
  CHECK(root.certificate().key_hash() == sha1({{der, static_cast<size_t>(length)}}));
  OPENSSL_free(der);
  CHECK(root.certificate().key_hash() != other.certificate().key_hash());
}

TEST_CASE("two sets of anchors that judge alike have the same digest") {
  const Credential root = root_authority();
  const RevocationList empty = list(root.list_pem({}));
  CHECK(trusting(root).digest() == trusting(root).digest());
  CHECK(trusting(root).digest() != trusting(root_authority()).digest());
  CHECK(trusting(root).digest() != trusting(root, {empty}).digest());
  CHECK(trusting(root).digest() != trusting(root, {}, RequireCrl::yes).digest());
}

TEST_CASE("distinguished names have a text both ways") {
  struct Sample {
    std::string text, der;
  };
  for (const auto& [text, der] : std::vector<Sample>{
           {"CN=a", "300c310a300806035504030c0161"},
           {"C=JP, CN=a", "3019310b3009060355040613024a50310a300806035504030c0161"},
       }) {
    CHECK(encode_distinguished_name(text) == from_hex(der));
    CHECK(distinguished_name_text(from_hex(der)) == text);
  }
  for (const std::string text :
       {"C=JP, O=Example\\, Inc., CN=gw", "CN=a\\\"b\\+c", "O=\\E6\\97\\A5", "CN=a\\\\b", "CN=\\ a\\ "}) {
    INFO(text);
    const auto der = encode_distinguished_name(text);
    REQUIRE(der);
    CHECK(distinguished_name_text(*der) == text);
  }
  CHECK(encode_distinguished_name("C=JP,O=\"Example, Inc.\",  CN = gw ") ==
        encode_distinguished_name("C=JP, O=Example\\, Inc., CN=gw"));
  for (const std::string bad : {"", "CN", "CN=", "=a", "XX=a", "CN=a,", "CN=a,,O=b", "CN=a+O=b", "CN=\"a", "CN=a\\",
                                "C=JPN", "CN=\"a\"b", "CN=\xff"}) {
    INFO(bad);
    CHECK_FALSE(encode_distinguished_name(bad));
  }
  CHECK_FALSE(distinguished_name_text(ByteView{}));
  CHECK_FALSE(distinguished_name_text(from_hex("300c310a300806035504030c016100")));
  CHECK_FALSE(distinguished_name_text(from_hex("3080")));
}

TEST_CASE("a name of a stranger's making has a short printable text, or none") {
  const Bytes common_name = {0x06, 0x03, 0x55, 0x04, 0x03};
  // Every tag that a value may carry, with contents that are not of its kind.
  for (uint8_t tag = 0; tag < 0x40; ++tag)
    for (const Bytes& content : {Bytes{}, Bytes{0xff}, Bytes{0x08, 0x00}, Bytes{0xd8, 0x00, 0xdc}, Bytes(90, 0x07)}) {
      Bytes der = {0x30, 0, 0x31, 0, 0x30, 0};
      der.insert(der.end(), common_name.begin(), common_name.end());
      der.insert(der.end(), {tag, static_cast<uint8_t>(content.size())});
      der.insert(der.end(), content.begin(), content.end());
      for (const size_t at : {1u, 3u, 5u}) der[at] = static_cast<uint8_t>(der.size() - at - 1);
      const auto text = distinguished_name_text(der);
      if (text) CHECK(std::ranges::all_of(*text, [](char c) { return c >= ' ' && c < 0x7f; }));
      CHECK((!text || same_distinguished_name(der, der)));
    }
  const auto longest = encode_distinguished_name("CN=" + std::string(60, 'a') + ", O=" + std::string(60, 'b') +
                                                 ", OU=" + std::string(60, 'c') + ", L=" + std::string(60, 'd') +
                                                 ", ST=" + std::string(60, 'e'));
  REQUIRE(longest);
  CHECK(distinguished_name_text(*longest)->size() < 300);
}

TEST_CASE("distinguished names are compared by what they say") {
  const Bytes utf8 = from_hex("300c310a300806035504030c0161"), printable = from_hex("300c310a30080603550403130161");
  const Bytes upper = from_hex("300c310a300806035504030c0141"), other = from_hex("300c310a300806035504030c0162");
  CHECK(same_distinguished_name(utf8, printable));
  CHECK(same_distinguished_name(utf8, upper));
  CHECK_FALSE(same_distinguished_name(utf8, other));
  CHECK_FALSE(same_distinguished_name({}, {}));
  CHECK_FALSE(same_distinguished_name(utf8, Bytes{0x30}));
}

}  // namespace sekisho::crypto
