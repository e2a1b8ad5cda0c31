#include "control/ike/v1/authentication.h"

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/suite/peer_certificate.h"
#include "control/ike/v1/suite/identities.h"

namespace sekisho::ike::v1 {
namespace {

using wire::IkeAuthentication;

constexpr crypto::SignatureScheme rsa_of_hash = {crypto::SignatureKind::rsa_raw, crypto::SignatureHash::identity};

bool by_certificates(const Connection& connection) {
  return connection.local_auth.by_certificate() && connection.remote_auth.by_certificate();
}

// The X.509 certificates in CERT payloads, in their order.
std::vector<ByteView> find_certificates(const wire::Payloads& payloads) {
  std::vector<ByteView> found;
  for (const auto* certificate : wire::all<wire::Certificate>(payloads))
    if (certificate->encoding == wire::x509_signature && !certificate->data.empty()) found.push_back(certificate->data);
  return found;
}

Result<void> check_signature(IkeSa& sa, const Connection& connection, const Identity& id,
                             const wire::Payloads& payloads, ByteView expected, WallTime now) {
  const auto* signature = wire::find<wire::Signature>(payloads);
  if (!signature) return fail(messages::ike_peer_not_authentic, id.text() + " sent no signature");
  const auto signed_by = [&](const crypto::PublicKey& key) -> Result<void> {
    if (key.type() != crypto::KeyType::rsa)
      return fail(messages::ike_no_signature_algorithm, "the certificate of " + id.text() + " has an " +
                                                            std::string(crypto::name(key.type())) +
                                                            " key; with IKEv1 it is RSA");
    if (key.verify(rsa_of_hash, expected, signature->data)) return {};
    return fail(messages::ike_peer_not_authentic, "the signature does not fit the certificate of " + id.text());
  };
  const auto until =
      ike::suite::authenticate(*connection.remote_auth.authorities, id, find_certificates(payloads), now, signed_by);
  if (!until) return std::unexpected(until.error());
  sa.certified_until = *until;
  return {};
}

Result<void> check_hash(const Identity& id, const wire::Payloads& payloads, ByteView expected) {
  const auto* hash = wire::find<wire::Hash>(payloads);
  if (hash && constant_time_equal(hash->data, expected)) return {};
  return fail(messages::ike_peer_not_authentic, "as " + id.text());
}

}  // namespace

std::optional<IkeAuthentication> authentication_of(const Connection& connection) {
  if (connection.ppk && connection.ppk->required) return {};
  if (by_certificates(connection)) {
    const bool rsa = connection.local_auth.private_key->type() == crypto::KeyType::rsa;
    if (!rsa || connection.aggressive) return {};
    return IkeAuthentication::rsa_signature;
  }
  const bool by_key = !connection.local_auth.by_certificate() && !connection.remote_auth.by_certificate();
  if (!connection.psk || !by_key) return {};
  return IkeAuthentication::pre_shared_key;
}

Bytes hash_of(const IkeSa& sa, Side side, ByteView id_body) {
  const Handshake& handshake = *sa.handshake;
  const bool initiator = side == Side::initiator;
  return suite::phase1_hash(sa.proposal.prf, sa.keys.skeyid, initiator ? handshake.public_i : handshake.public_r,
                            initiator ? handshake.public_r : handshake.public_i,
                            initiator ? sa.cookies.initiator : sa.cookies.responder,
                            initiator ? sa.cookies.responder : sa.cookies.initiator, handshake.sa_body, id_body);
}

wire::Payloads prove_ourselves(const IkeSa& sa) {
  const wire::Identification id = suite::encode_identity(sa.connection->local_id);
  Bytes hash = hash_of(sa, sa.initiator ? Side::initiator : Side::responder, id.body());
  if (sa.handshake->authentication == IkeAuthentication::pre_shared_key) return {id, wire::Hash{std::move(hash)}};
  const LocalAuth& own = sa.connection->local_auth;
  wire::Payloads payloads = {id};
  for (const crypto::Certificate& certificate : own.certificates)
    payloads.push_back(wire::Certificate{wire::x509_signature, certificate.der()});
  payloads.push_back(wire::Signature{own.private_key->sign(rsa_of_hash, hash)});
  return payloads;
}

Result<void> check_proof(IkeSa& sa, const Connection& connection, const wire::Payloads& payloads, WallTime now) {
  const auto* id = wire::find<wire::Identification>(payloads);
  const Identity claimed = id ? suite::decode_identity(*id) : Identity{};
  if (!id || claimed != connection.remote_id)
    return fail(messages::ike_peer_not_authentic,
                "peer says it is " + identity_text(payloads) + ", expected " + connection.remote_id.text());
  const Bytes expected = hash_of(sa, sa.initiator ? Side::responder : Side::initiator, id->body());
  if (sa.handshake->authentication == IkeAuthentication::pre_shared_key) return check_hash(claimed, payloads, expected);
  return check_signature(sa, connection, claimed, payloads, expected, now);
}

std::string identity_text(const wire::Payloads& payloads) {
  const auto* id = wire::find<wire::Identification>(payloads);
  return id ? suite::decode_identity(*id).text() : "nobody";
}

void add_certificate_requests(const IkeSa& sa, const std::vector<std::shared_ptr<const Connection>>& connections,
                              wire::Payloads& payloads) {
  constexpr size_t most = 32;
  if (sa.handshake->authentication != IkeAuthentication::rsa_signature) return;
  for (Bytes& name : ike::suite::requested_authorities(
           connections, most,
           [](const crypto::TrustAnchors&anchors, size_t index) { return anchors.anchors()[index].subject(); }))
    payloads.push_back(wire::CertificateRequest{wire::x509_signature, std::move(name)});
}

}  // namespace sekisho::ike::v1
