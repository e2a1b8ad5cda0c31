// One engine that speaks IKEv1 with RSA signatures, and a peer that says in main mode's last message what it should
// not: both roles, each kind of wrong proof. After each of them the right one is still taken, since what was wrong may
// have come from somebody else.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "control/ike/v1/suite/identities.h"
#include "tests/sim/certified.h"
#include "tests/sim/v1_party.h"
#include "tests/unit/crypto/rsa_forgery.h"

namespace sekisho::sim {
namespace {

using namespace ike::v1::wire;
using Payloads = ike::v1::wire::Payloads;
using testing::Credential;

const Chain& chain() { return chain_of(ike::IkeVersion::v1); }
constexpr crypto::SignatureScheme raw = {crypto::SignatureKind::rsa_raw, crypto::SignatureHash::identity};

// The engine has the certificate of a, the puppet that of b or another one.
struct Certified : V1Party {
  explicit Certified(const Credential& own = chain().b) : V1Party(connection_of_engine()) {
    data_path.calendar = testing::new_year;
    mirror.local_auth = by_certificate(own, chain());
  }
  static ike::Connection connection_of_engine() {
    ike::Connection connection = V1Puppet::engine_connection();
    connection.psk.reset();
    connection.local_auth = by_certificate(chain().a, chain());
    connection.remote_auth = trusting(chain().root);
    return connection;
  }
  bool established() const {
    const auto sas = engine->ike_sas();
    return sas.size() == 1 && sas[0].state == "established";
  }
};

enum class Role : uint8_t { initiator, responder };
constexpr Role roles[] = {Role::initiator, Role::responder};

// Up to the message that proves the puppet.
void exchange_keys(Certified& puppet, Role role) {
  if (role == Role::initiator) return puppet.exchange_keys();
  puppet.answer_keys();
  puppet.proof_of_engine();
}

// Proof as it should be but for `change`: it is not believed, said to be wrong in that, and forgotten.
using Spoil = std::function<Payloads(const Certified&, Payloads proof)>;
void expect_disbelief(const sekisho::Message& reason, const Spoil& spoil) {
  for (const Role role : roles) {
    INFO((role == Role::initiator ? "as initiator" : "as responder"));
    Certified puppet;
    exchange_keys(puppet, role);
    const Bytes iv = puppet.sa.handshake->iv;
    puppet.prove(spoil(puppet, puppet.proof()));
    CHECK_FALSE(puppet.established());
    CHECK(puppet.data_path.installed().empty());
    // To an initiator it is a hint, and the reason once its patience has ended.
    CHECK(puppet.reports(role == Role::initiator ? reason : messages::ike_unauthenticated_hint) == 1);
    puppet.outbox.clear();
    puppet.sa.handshake->iv = iv;
    puppet.prove(puppet.proof());
    CHECK(puppet.established());
  }
}

size_t index_of(const Payloads& payloads, PayloadType type) {
  return static_cast<size_t>(std::ranges::find(payloads, type, type_of) - payloads.begin());
}

template <typename T>
T& get(Payloads& payloads) {
  return std::get<T>(payloads.at(index_of(payloads, T::type)));
}

}  // namespace

TEST_CASE("v1: the right certificate and signature are believed, in both roles, and asked for by CERTREQ") {
  for (const Role role : roles) {
    Certified puppet;
    exchange_keys(puppet, role);
    puppet.prove(puppet.proof());
    CHECK(puppet.established());
  }
  Certified puppet;
  puppet.step(ike::Initiate{"tunnel"});
  CHECK(puppet.outbox.size() == 1);
  puppet.step(ike::Terminate{"tunnel"});
  puppet.outbox.clear();
  puppet.answer_keys();
  const Payloads proof = puppet.proof_of_engine();
  CHECK(all<Certificate>(proof).size() == 2);
  CHECK(find<Certificate>(proof)->data == chain().a.der());
  const auto& id = *find<Identification>(proof);
  CHECK(chain().a.private_key().public_key().verify(raw, hash_of(puppet.sa, ike::v1::Side::initiator, id.body()),
                                                    find<Signature>(proof)->data));
}

TEST_CASE("v1: a signature that is wrong, of another hash, of the other side or none is not believed") {
  using namespace messages;
  expect_disbelief(ike_peer_not_authentic, [](const Certified&, Payloads proof) {
    get<Signature>(proof).data.back() ^= 1;
    return proof;
  });
  expect_disbelief(ike_peer_not_authentic, [](const Certified&, Payloads proof) {
    get<Signature>(proof).data.pop_back();
    return proof;
  });
  expect_disbelief(ike_peer_not_authentic, [](const Certified&, Payloads proof) {
    get<Signature>(proof).data = Bytes(8192, 0xff);
    return proof;
  });
  expect_disbelief(ike_peer_not_authentic, [](const Certified&, Payloads proof) {
    proof.erase(proof.begin() + static_cast<ptrdiff_t>(index_of(proof, PayloadType::signature)));
    return proof;
  });
  // With the name of the hash, as every other protocol signs.
  expect_disbelief(ike_peer_not_authentic, [](const Certified& puppet, Payloads proof) {
    const Bytes hash = puppet.own_hash(get<Identification>(proof).body());
    get<Signature>(proof).data =
        chain().b.private_key().sign({crypto::SignatureKind::rsa_pkcs1, crypto::SignatureHash::sha2_256}, hash);
    return proof;
  });
  // What the engine itself would have signed, by the puppet's key; and what a pre-shared key would be proven by.
  expect_disbelief(ike_peer_not_authentic, [](const Certified& puppet, Payloads proof) {
    const auto side = puppet.sa.initiator ? ike::v1::Side::responder : ike::v1::Side::initiator;
    get<Signature>(proof).data =
        chain().b.private_key().sign(raw, hash_of(puppet.sa, side, get<Identification>(proof).body()));
    return proof;
  });
  expect_disbelief(ike_peer_not_authentic, [](const Certified& puppet, Payloads proof) {
    const Bytes body = get<Identification>(proof).body();
    return Payloads{proof.front(), Hash{puppet.own_hash(body)}};
  });
}

TEST_CASE("v1: an identity under the signature of another one is not believed") {
  for (const char* other : {"a.lab", "c.lab", "10.9.2.2", "keyid:b.lab", "C=JP, O=Lab, CN=b"})
    for (const Role role : roles) {
      INFO(other);
      Certified puppet;
      exchange_keys(puppet, role);
      Payloads proof = puppet.proof();
      auto& id = get<Identification>(proof);
      id = ike::v1::suite::encode_identity(*ike::Identity::parse(other));
      get<Signature>(proof).data = chain().b.private_key().sign(raw, puppet.own_hash(id.body()));
      puppet.prove(proof);
      CHECK_FALSE(puppet.established());
    }
  // The port and protocol are under the signature too.
  expect_disbelief(messages::ike_peer_not_authentic, [](const Certified&, Payloads proof) {
    get<Identification>(proof).port = 500;
    return proof;
  });
}

TEST_CASE("v1: certificates that are missing, doubled, many, of another kind or cut are no proof") {
  using namespace messages;
  const auto without = [](Payloads proof) {
    std::erase_if(proof, [](const Payload& each) { return std::holds_alternative<Certificate>(each); });
    return proof;
  };
  expect_disbelief(ike_bad_certificate, [&](const Certified&, Payloads proof) { return without(std::move(proof)); });
  expect_disbelief(ike_bad_certificate, [&](const Certified&, Payloads proof) {
    for (int i = 0; i < 8; ++i) proof.push_back(Certificate{x509_signature, chain().middle.der()});
    return proof;
  });
  expect_disbelief(ike_bad_certificate, [&](const Certified&, Payloads proof) {
    for (Payload& each : proof)
      if (auto* certificate = std::get_if<Certificate>(&each)) certificate->encoding = 1;  // PKCS #7
    return proof;
  });
  // What is empty is passed over, and the next one is the authority's.
  expect_disbelief(ike_identity_not_certified, [&](const Certified&, Payloads proof) {
    get<Certificate>(proof).data.clear();
    return proof;
  });
  for (const size_t length : {1u, 2u, 100u, 500u})
    expect_disbelief(ike_bad_certificate, [&](const Certified&, Payloads proof) {
      get<Certificate>(proof).data.resize(length);
      return proof;
    });
  expect_disbelief(ike_bad_certificate, [&](const Certified&, Payloads proof) {
    get<Certificate>(proof).data.push_back(0);
    return proof;
  });
  // Somebody else's first, with his signature's place taken by ours.
  expect_disbelief(ike_identity_not_certified, [&](const Certified&, Payloads proof) {
    proof.insert(proof.begin() + 1, Certificate{x509_signature, chain().a.der()});
    return proof;
  });
  // The same twice, and ones that lead nowhere, do no harm.
  for (const Role role : roles) {
    Certified puppet;
    exchange_keys(puppet, role);
    Payloads proof = puppet.proof();
    proof.push_back(Certificate{x509_signature, chain().b.der()});
    proof.push_back(Certificate{x509_signature, chain().a.der()});
    proof.push_back(Certificate{7, Bytes(64, 1)});
    puppet.prove(proof);
    CHECK(puppet.established());
  }
}

TEST_CASE("v1: a certified key of another type proves nothing") {
  const Credential ecdsa = chain().gateway("b", "P-256");
  expect_disbelief(messages::ike_no_signature_algorithm, [&](const Certified&, Payloads proof) {
    get<Certificate>(proof).data = ecdsa.der();
    return proof;
  });
}

// CVE-2006-4339 and its many kin: whoever parses the padding and looks at the hash's octets alone takes what anybody
// can compute for a key of the exponent 3.
TEST_CASE("v1: a signature forged for the exponent 3 is not believed, though one by the key is") {
  const Credential small = chain().gateway("b", "RSA-3");
  for (const Role role : roles) {
    Certified puppet(small);
    exchange_keys(puppet, role);
    Payloads proof = puppet.proof();
    const Signature right = get<Signature>(proof);
    const Bytes iv = puppet.sa.handshake->iv;
    get<Signature>(proof).data = testing::forged(256, puppet.own_hash(get<Identification>(proof).body()));
    puppet.prove(proof);
    CHECK_FALSE(puppet.established());
    puppet.sa.handshake->iv = iv;
    get<Signature>(proof) = right;
    puppet.prove(proof);
    CHECK(puppet.established());
  }
}

TEST_CASE("v1: a peer that proves itself wrongly four times has to begin again") {
  Certified puppet;
  puppet.exchange_keys();
  const Bytes iv = puppet.sa.handshake->iv;
  for (int i = 0; i < 4; ++i) {
    CHECK(puppet.engine->ike_sas().size() == 1);
    Payloads wrong = puppet.proof();
    get<Signature>(wrong).data.back() ^= 1;
    puppet.sa.handshake->iv = iv;
    puppet.prove(wrong);
  }
  CHECK(puppet.engine->ike_sas().empty());
}

TEST_CASE("v1: main mode's last message cut at every payload, and at every octet of its end, is no proof") {
  Certified puppet;
  puppet.exchange_keys();
  const Bytes iv = puppet.sa.handshake->iv;
  for (Payloads proof = puppet.proof(); !proof.empty(); proof.pop_back()) {
    if (proof.size() == puppet.proof().size()) continue;
    puppet.sa.handshake->iv = iv;
    puppet.prove(proof);
    CHECK_FALSE(puppet.established());
  }
  puppet.sa.handshake->iv = iv;
  Bytes next = iv;
  const Payloads proof = puppet.proof();
  const Bytes ciphertext = encrypt(puppet.sa, next, proof);
  Header header = header_of(puppet.sa, ExchangeType::main_mode);
  header.first = first_type(proof);
  for (size_t cut = 1; cut < 64; ++cut) {
    puppet.deliver(encode_encrypted(header, ByteView(ciphertext).first(ciphertext.size() - cut)));
    CHECK_FALSE(puppet.established());
  }
  puppet.deliver(encode_encrypted(header, ciphertext));
  CHECK(puppet.established());
}

}  // namespace sekisho::sim
