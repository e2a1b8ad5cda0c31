// IKE_AUTH with a peer that authenticates in ways of its own: signatures of every kind, wrong ones, and none.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "control/ike/v2/auth_payload.h"
#include "tests/sim/puppet.h"
#include "tests/unit/crypto/authority.h"

namespace sekisho::sim {
namespace {

using namespace ike::wire;
using namespace testing;
using crypto::SignatureHash;
using crypto::SignatureKind;

const Credential& root() {
  static const Credential the_root = root_authority();
  return the_root;
}

const Credential& peer(const std::string& type) {
  static std::map<std::string, Credential> all;
  const auto found = all.find(type);
  if (found != all.end()) return found->second;
  return all[type] = root().issue({.subject = "CN=b.lab", .alternative_names = "DNS:b.lab", .key_type = type});
}

// An engine that takes a certificate and shows the key.
ike::Connection demanding_certificate(bool legacy) {
  ike::Connection connection = Puppet::engine_connection();
  connection.remote_auth.authorities = std::make_shared<const crypto::TrustAnchors>(
      std::vector{root().certificate()}, std::vector<crypto::RevocationList>{}, crypto::RequireCrl::no);
  connection.legacy_signatures = legacy;
  return connection;
}

Opaque certificate_payload(ByteView der, uint8_t encoding = 4) {
  Bytes body = {encoding};
  body.insert(body.end(), der.begin(), der.end());
  return {PayloadType::certificate, std::move(body)};
}

struct Attempt {
  bool announce = true;  // SIGNATURE_HASH_ALGORITHMS
  bool legacy = false;
};

// The engine's answer to an IKE_AUTH request with these CERT payloads and this AUTH.
class Handshake {
 public:
  explicit Handshake(const Attempt& attempt) : puppet(demanding_certificate(attempt.legacy)) {
    puppet.data_path.calendar = new_year;
    puppet.exchange_init(Puppet::default_spi, attempt.announce ? Payloads{ike::v2::hash_announcement()} : Payloads{});
  }

  Bytes octets() const { return puppet.octets(false, IdInitiator{puppet.connection.remote_id}.body()); }
  bool accepted(const Payloads& certificates, AuthMethod method, const Bytes& data) {
    Payloads request = puppet.auth_request();
    for (Payload& payload : request)
      if (auto* auth = std::get_if<Authentication>(&payload)) *auth = {method, data};
    request.insert(request.begin() + 1, certificates.begin(), certificates.end());
    const Payloads answer = puppet.ask(ExchangeType::ike_auth, request);
    const bool refused = has(answer, NotifyType::authentication_failed);
    CHECK(refused != (find<Authentication>(answer) != nullptr));
    CHECK(puppet.data_path.installed().size() == (refused ? 0 : 1));
    return !refused;
  }
  bool accepted(const Credential& credential, AuthMethod method, const Bytes& data) {
    return accepted({certificate_payload(credential.der())}, method, data);
  }

  Puppet puppet;
};

// AUTH data of RFC 7427: `named` stands in the AlgorithmIdentifier, `used` is how it is signed.
Bytes digital(const Credential& credential, const crypto::SignatureScheme& named, const crypto::SignatureScheme& used,
              const Bytes& octets) {
  const Bytes identifier = crypto::algorithm_identifier(named), signature = credential.private_key().sign(used, octets);
  Bytes data = {static_cast<uint8_t>(identifier.size())};
  data.insert(data.end(), identifier.begin(), identifier.end());
  data.insert(data.end(), signature.begin(), signature.end());
  return data;
}

bool sends_on(const Puppet& puppet, uint32_t inbound_spi) {
  const auto* child = puppet.data_path.sends_on("tunnel");
  return child && child->inbound_spi == inbound_spi;
}

}  // namespace

TEST_CASE("2.15: signatures of every scheme are taken") {
  struct Sample {
    std::string type;
    crypto::SignatureScheme scheme;
  };
  for (const auto& [type, scheme] : std::vector<Sample>{{"RSA", {SignatureKind::rsa_pkcs1, SignatureHash::sha2_256}},
                                                        {"RSA", {SignatureKind::rsa_pkcs1, SignatureHash::sha2_512}},
                                                        {"RSA", {SignatureKind::rsa_pss, SignatureHash::sha2_384}},
                                                        {"P-256", {SignatureKind::ecdsa, SignatureHash::sha2_384}},
                                                        {"P-521", {SignatureKind::ecdsa, SignatureHash::sha2_512}},
                                                        {"ED25519", {SignatureKind::eddsa, SignatureHash::identity}}}) {
    INFO(type << " " << name(scheme.kind) << " " << name(scheme.hash));
    Handshake handshake({});
    CHECK(handshake.accepted(peer(type), AuthMethod::digital_signature,
                             digital(peer(type), scheme, scheme, handshake.octets())));
  }
}

TEST_CASE("RFC 4754: ECDSA without an AlgorithmIdentifier") {
  for (const auto& [type, method] :
       std::vector<std::pair<std::string, AuthMethod>>{{"P-256", AuthMethod::ecdsa_sha256_p256},
                                                       {"P-384", AuthMethod::ecdsa_sha384_p384},
                                                       {"P-521", AuthMethod::ecdsa_sha512_p521}}) {
    Handshake handshake({.announce = false});
    const crypto::PrivateKey key = peer(type).private_key();
    const auto scheme = *crypto::fixed_ecdsa_scheme(key.type());
    CHECK(handshake.accepted(peer(type), method, key.sign(scheme, handshake.octets())));
    // The method of another curve.
    Handshake other({.announce = false});
    const auto wrong =
        method == AuthMethod::ecdsa_sha256_p256 ? AuthMethod::ecdsa_sha384_p384 : AuthMethod::ecdsa_sha256_p256;
    CHECK_FALSE(other.accepted(peer(type), wrong, key.sign(scheme, other.octets())));
  }
}

TEST_CASE("RSA with SHA-1 stands only in the legacy profile, for a peer that knows nothing better") {
  for (const bool legacy : {false, true})
    for (const bool announce : {false, true}) {
      INFO("legacy " << legacy << ", RFC 7427 " << announce);
      Handshake handshake({.announce = announce, .legacy = legacy});
      const Bytes signature =
          peer("RSA").private_key().sign({SignatureKind::rsa_pkcs1, SignatureHash::sha1}, handshake.octets());
      CHECK(handshake.accepted(peer("RSA"), AuthMethod::rsa_signature, signature) == (legacy && !announce));
      if (!legacy) CHECK(handshake.puppet.reports(messages::ike_no_signature_algorithm) == 1);
    }
  Handshake handshake({.legacy = true});
  const crypto::SignatureScheme weak = {SignatureKind::rsa_pkcs1, SignatureHash::sha1};
  CHECK_FALSE(handshake.accepted(peer("RSA"), AuthMethod::digital_signature,
                                 digital(peer("RSA"), weak, weak, handshake.octets())));
}

TEST_CASE("an AlgorithmIdentifier that is not the signature's is refused") {
  const crypto::SignatureScheme pkcs1 = {SignatureKind::rsa_pkcs1, SignatureHash::sha2_256};
  const crypto::SignatureScheme pss = {SignatureKind::rsa_pss, SignatureHash::sha2_256};
  const crypto::SignatureScheme ecdsa = {SignatureKind::ecdsa, SignatureHash::sha2_256};
  const crypto::SignatureScheme eddsa = {SignatureKind::eddsa, SignatureHash::identity};
  struct Sample {
    std::string type;
    crypto::SignatureScheme named, used;
  };
  for (const auto& [type, named, used] :
       std::vector<Sample>{{"RSA", pss, pkcs1},
                           {"RSA", ecdsa, pkcs1},
                           {"RSA", {SignatureKind::rsa_pkcs1, SignatureHash::sha2_384}, pkcs1},
                           {"P-256", pkcs1, ecdsa},
                           {"P-256", eddsa, ecdsa},
                           {"ED25519", ecdsa, eddsa}}) {
    Handshake handshake({});
    CHECK_FALSE(handshake.accepted(peer(type), AuthMethod::digital_signature,
                                   digital(peer(type), named, used, handshake.octets())));
  }
  for (const Bytes& data : {Bytes{0}, Bytes{255}, Bytes{1, 0x30}, Bytes(300, 0x30)}) {
    Handshake handshake({});
    CHECK_FALSE(handshake.accepted(peer("RSA"), AuthMethod::digital_signature, data));
  }
}

TEST_CASE("a signature over anything else is refused") {
  const crypto::SignatureScheme ecdsa = {SignatureKind::ecdsa, SignatureHash::sha2_256};
  Handshake earlier({}), later({});
  const Bytes data = digital(peer("P-256"), ecdsa, ecdsa, earlier.octets());
  CHECK_FALSE(later.accepted(peer("P-256"), AuthMethod::digital_signature, data));
  CHECK(later.puppet.reports(messages::ike_peer_not_authentic) == 1);
  CHECK(earlier.accepted(peer("P-256"), AuthMethod::digital_signature, data));
}

TEST_CASE("3.6: certificates that are missing, garbage, or to be fetched") {
  const crypto::SignatureScheme ecdsa = {SignatureKind::ecdsa, SignatureHash::sha2_256};
  const Credential& own = peer("P-256");
  const auto attempt = [&](const Payloads& certificates) {
    Handshake handshake({});
    const bool good =
        handshake.accepted(certificates, AuthMethod::digital_signature, digital(own, ecdsa, ecdsa, handshake.octets()));
    if (!good) CHECK(handshake.puppet.reports(messages::ike_bad_certificate) == 1);
    return good;
  };
  const Opaque good = certificate_payload(own.der());
  CHECK_FALSE(attempt({}));
  CHECK_FALSE(attempt({certificate_payload({})}));
  CHECK_FALSE(attempt({certificate_payload(filled(100, 0x30))}));
  CHECK_FALSE(attempt({good, certificate_payload(filled(100, 0x30))}));
  CHECK_FALSE(attempt(Payloads(9, good)));
  CHECK(attempt(Payloads(8, good)));
  // "Hash and URL" and encodings that are unknown are passed over.
  CHECK_FALSE(attempt({certificate_payload(filled(30, 'h'), 12)}));
  CHECK(attempt({certificate_payload(filled(30, 'h'), 12), Opaque{PayloadType::certificate, {}}, good,
                 certificate_payload({}, 200)}));
}

TEST_CASE("RFC 7619: NULL authentication is refused, whatever is demanded") {
  Handshake handshake({});
  CHECK_FALSE(handshake.accepted(peer("P-256"), AuthMethod::null, Bytes(32, 1)));
  CHECK(handshake.puppet.reports(messages::ike_null_authentication) == 1);
  Puppet puppet;
  puppet.exchange_init();
  Payloads request = puppet.auth_request();
  for (Payload& payload : request)
    if (auto* auth = std::get_if<Authentication>(&payload)) auth->method = AuthMethod::null;
  CHECK(has(puppet.ask(ExchangeType::ike_auth, request), NotifyType::authentication_failed));
  CHECK(puppet.reports(messages::ike_null_authentication) == 1);
}

TEST_CASE("2.16: a peer that leaves AUTH out, as for EAP, is refused in words") {
  Puppet puppet;
  puppet.exchange_init();
  Payloads request = puppet.auth_request();
  std::erase_if(request, [](const Payload& payload) { return std::holds_alternative<Authentication>(payload); });
  CHECK(has(puppet.ask(ExchangeType::ike_auth, request), NotifyType::authentication_failed));
  CHECK(puppet.reports(messages::ike_eap_wanted) == 1);
  CHECK(puppet.ike_sas() == 0);
}

TEST_CASE("2.5: SIGNATURE_HASH_ALGORITHMS is answered where signatures are in use, and CERTREQ sent") {
  for (const bool certificates : {true, false})
    for (const bool announce : {true, false}) {
      Puppet puppet(certificates ? demanding_certificate(false) : Puppet::engine_connection());
      puppet.deliver(puppet.init_request(crypto::KeyExchangeId::x25519,
                                         announce ? Payloads{ike::v2::hash_announcement()} : Payloads{}));
      const Payloads answer = puppet.receive().payloads;
      CHECK(has(answer, NotifyType::signature_hash_algorithms) == (certificates && announce));
      Bytes expected = {4};
      const Bytes hash = root().certificate().key_hash();
      expected.insert(expected.end(), hash.begin(), hash.end());
      const auto* request = find<Opaque>(answer);
      REQUIRE((request != nullptr) == certificates);
      if (request) {
        CHECK(request->type == PayloadType::certificate_request);
        CHECK(request->body == expected);
      }
    }
}

TEST_CASE("2.4: a peer that started anew takes its tunnel over without a gap") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const uint32_t before = puppet.engine_spi;
  puppet.exchange_init(Puppet::default_spi + 1);
  Payloads request = puppet.auth_request();
  request.push_back(notify(NotifyType::initial_contact));
  puppet.ask_auth(request);
  const uint32_t after = puppet.engine_spi;
  // The answer with which the peer can take what comes on the new SA is only on its way to it.
  CHECK(sends_on(puppet, before));
  SECTION("its first packet says that it has the new SA") {
    puppet.step(ike::ChildSaEvent{after, ike::ChildSaEvent::Kind::first_inbound_packet});
    CHECK(sends_on(puppet, after));
    CHECK(puppet.data_path.find(before));  // for what is under way
  }
  SECTION("its next request does") {
    puppet.ask(ExchangeType::informational, {});
    CHECK(sends_on(puppet, after));
    CHECK(puppet.data_path.find(before));
  }
  SECTION("it says nothing") {
    puppet.pass(4900ms);
    CHECK(sends_on(puppet, before));
    puppet.pass(200ms);
    CHECK(sends_on(puppet, after));
  }
  puppet.pass(10s);
  CHECK(sends_on(puppet, after));
  CHECK_FALSE(puppet.data_path.find(before));
  CHECK(puppet.data_path.gaps == 0);
  CHECK(puppet.ike_sas() == 1);
}

TEST_CASE("2.4: what lingers of a peer that started anew goes with the tunnel") {
  Puppet puppet;
  puppet.establish_as_initiator();
  puppet.exchange_init(Puppet::default_spi + 1);
  Payloads request = puppet.auth_request();
  request.push_back(notify(NotifyType::initial_contact));
  puppet.ask_auth(request);
  REQUIRE(puppet.data_path.installed().size() == 2);
  SECTION("that the operator takes down") { puppet.step(ike::Terminate{"tunnel"}); }
  SECTION("that is another one now") {
    puppet.connection.psk = std::make_shared<const SecretBytes>(SecretBytes::copy_of(Bytes(16, 9)));
    puppet.step(ike::SetConnection{puppet.connection});
  }
  CHECK(puppet.data_path.installed().empty());
}

TEST_CASE("2.4: a peer that starts anew again and again holds two generations of children") {
  Puppet puppet;
  puppet.establish_as_initiator();
  const uint32_t before = puppet.engine_spi;
  for (unsigned i = 1; i <= 5; ++i) {
    puppet.exchange_init(Puppet::default_spi + i);
    Payloads request = puppet.auth_request();
    request.push_back(notify(NotifyType::initial_contact));
    puppet.ask_auth(request);
    CHECK(sends_on(puppet, before));
    CHECK(puppet.data_path.installed().size() <= 3);  // with what is sent on
  }
  puppet.pass(5s);
  CHECK(sends_on(puppet, puppet.engine_spi));
  CHECK(puppet.data_path.installed().size() == 1);
}

TEST_CASE("an engine that started anew does not turn back to a child that the peer has started anew since") {
  Puppet puppet;
  puppet.data_path.has_leftovers = true;
  puppet.exchange_init();
  puppet.ask_auth(puppet.auth_request());
  puppet.pass(2s);
  puppet.exchange_init(Puppet::default_spi + 1);
  Payloads request = puppet.auth_request();
  request.push_back(notify(NotifyType::initial_contact));
  SECTION("and that it has turned to") {
    puppet.authenticate(request);
    puppet.pass(3100ms);
    CHECK(sends_on(puppet, puppet.engine_spi));
  }
  SECTION("and that it has yet to turn to") {
    puppet.ask_auth(request);
    puppet.pass(3100ms);
    CHECK_FALSE(puppet.data_path.sends_on("tunnel"));
    puppet.pass(2s);
    CHECK(sends_on(puppet, puppet.engine_spi));
  }
}

TEST_CASE("an engine that started anew sends by what is there until the peer has the first child") {
  Puppet puppet;
  puppet.data_path.has_leftovers = true;
  puppet.exchange_init();
  puppet.ask_auth(puppet.auth_request());
  CHECK(puppet.data_path.find(puppet.engine_spi));
  CHECK_FALSE(puppet.data_path.sends_on("tunnel"));
  SECTION("its first packet") {
    puppet.step(ike::ChildSaEvent{puppet.engine_spi, ike::ChildSaEvent::Kind::first_inbound_packet});
  }
  SECTION("its next request") { puppet.ask(ExchangeType::informational, {}); }
  SECTION("neither") {
    puppet.pass(4900ms);
    CHECK_FALSE(puppet.data_path.sends_on("tunnel"));
    puppet.pass(200ms);
  }
  CHECK(sends_on(puppet, puppet.engine_spi));
}

}  // namespace sekisho::sim
