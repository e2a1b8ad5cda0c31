#include "control/ike/v2/auth_payload.h"

#include <algorithm>
#include <array>

#include "base/messages/ike.h"
#include "control/ike/suite/peer_certificate.h"

namespace sekisho::ike::v2 {
namespace {

using crypto::SignatureHash;
using crypto::SignatureScheme;
using wire::AuthMethod;

constexpr std::array accepted_hashes = {SignatureHash::sha2_256, SignatureHash::sha2_384, SignatureHash::sha2_512,
                                        SignatureHash::identity};
constexpr size_t max_announced = 32;
constexpr SignatureScheme obsolete_rsa = {crypto::SignatureKind::rsa_pkcs1, SignatureHash::sha1};

enum class Side : uint8_t { initiator, responder };

// Each side signs its own first message and the other's nonce.
Bytes octets_of(const IkeSa& sa, Side side, const SecretBytes& sk_p, ByteView id_body) {
  const Handshake& handshake = *sa.handshake;
  const bool initiator = side == Side::initiator;
  return suite::signed_octets(sa.proposal.prf, initiator ? handshake.request : handshake.response,
                              initiator ? handshake.nonce_r : handshake.nonce_i, sk_p, id_body);
}

// The methods that have one scheme each.
struct FixedMethod {
  AuthMethod method;
  crypto::KeyType key;
};
constexpr FixedMethod ecdsa_methods[] = {{AuthMethod::ecdsa_sha256_p256, crypto::KeyType::ecdsa_p256},
                                         {AuthMethod::ecdsa_sha384_p384, crypto::KeyType::ecdsa_p384},
                                         {AuthMethod::ecdsa_sha512_p521, crypto::KeyType::ecdsa_p521}};

struct Choice {
  AuthMethod method{};
  SignatureScheme scheme;
};

std::optional<Choice> choose(crypto::KeyType key, const std::vector<SignatureHash>& peer_hashes, bool legacy) {
  if (!peer_hashes.empty()) {
    const auto padding = legacy ? crypto::RsaPadding::pkcs1 : crypto::RsaPadding::pss;
    const auto scheme = crypto::choose_scheme(key, peer_hashes, padding);
    if (scheme) return Choice{AuthMethod::digital_signature, *scheme};
    return {};
  }
  const auto* ecdsa = std::ranges::find(ecdsa_methods, key, &FixedMethod::key);
  if (ecdsa != std::end(ecdsa_methods)) return Choice{ecdsa->method, *crypto::fixed_ecdsa_scheme(key)};
  if (key == crypto::KeyType::rsa && legacy) return Choice{AuthMethod::rsa_signature, obsolete_rsa};
  return {};
}

Result<wire::Authentication> sign(const Connection& connection, const std::vector<SignatureHash>& peer_hashes,
                                  ByteView octets) {
  const crypto::PrivateKey& key = *connection.local_auth.private_key;
  const auto choice = choose(key.type(), peer_hashes, connection.legacy_signatures);
  if (!choice)
    return fail(messages::ike_no_signature_algorithm,
                "for the " + std::string(crypto::name(key.type())) + " key of this end; the peer " +
                    (peer_hashes.empty() ? "does not speak RFC 7427" : "announced no hash that goes with it"));
  const Bytes signature = key.sign(choice->scheme, octets);
  ByteWriter data;
  if (choice->method == AuthMethod::digital_signature) {
    // RFC 7427 section 3: the length of the AlgorithmIdentifier, it, and the signature.
    const Bytes identifier = crypto::algorithm_identifier(choice->scheme);
    data.u8(static_cast<uint8_t>(identifier.size()));
    data.bytes(identifier);
  }
  data.bytes(signature);
  return wire::Authentication{choice->method, std::move(data).take()};
}

// How the peer's signature is to be verified.
struct Claimed {
  SignatureScheme scheme;
  ByteView signature;
};

std::unexpected<Error> no_algorithm(const std::string& why) { return fail(messages::ike_no_signature_algorithm, why); }

Result<Claimed> read_digital_signature(ByteView data) {
  ByteReader reader(data);
  const ByteView identifier = reader.bytes(reader.u8());
  const ByteView signature = reader.rest();
  const auto scheme = reader.ok() ? crypto::parse_algorithm_identifier(identifier) : std::nullopt;
  if (!scheme) return no_algorithm("the peer signed by an algorithm that is not known here");
  if (std::ranges::find(accepted_hashes, scheme->hash) == accepted_hashes.end())
    return no_algorithm("the peer signed by " + std::string(crypto::name(scheme->kind)) + " with " +
                        std::string(crypto::name(scheme->hash)));
  return Claimed{*scheme, signature};
}

Result<Claimed> read_signature(const IkeSa& sa, const Connection& connection, const wire::Authentication& auth) {
  if (auth.method == AuthMethod::digital_signature) return read_digital_signature(auth.data);
  const auto* ecdsa = std::ranges::find(ecdsa_methods, auth.method, &FixedMethod::method);
  if (ecdsa != std::end(ecdsa_methods)) return Claimed{*crypto::fixed_ecdsa_scheme(ecdsa->key), auth.data};
  if (auth.method != AuthMethod::rsa_signature)
    return no_algorithm("the peer authenticates by " + wire::name(auth.method));
  // A peer that could do better must, or somebody made it believe that we cannot.
  if (!connection.legacy_signatures || !sa.handshake->peer_hashes.empty())
    return no_algorithm("the peer signed by RSA with SHA-1");
  return Claimed{obsolete_rsa, auth.data};
}

Result<void> check_signature(IkeSa& sa, const Connection& connection, const PeerClaim& claim, ByteView octets,
                             WallTime now) {
  const auto claimed = read_signature(sa, connection, claim.auth);
  if (!claimed) return std::unexpected(claimed.error());
  const auto signed_by = [&](const crypto::PublicKey& key) -> Result<void> {
    if (key.verify(claimed->scheme, octets, claimed->signature)) return {};
    return fail(messages::ike_peer_not_authentic, "the signature does not fit the certificate of " + claim.id.text());
  };
  const auto until =
      suite::authenticate(*connection.remote_auth.authorities, claim.id, claim.certificates, now, signed_by);
  if (!until) return std::unexpected(until.error());
  sa.certified_until = *until;
  return {};
}

std::string demand(const Connection& connection) {
  return connection.remote_auth.by_certificate() ? "a certificate" : "the pre-shared key";
}

}  // namespace

std::vector<SignatureHash> announced_hashes(const wire::Payloads& payloads) {
  std::vector<SignatureHash> hashes;
  const auto* announcement = wire::find_notify(payloads, wire::NotifyType::signature_hash_algorithms);
  if (!announcement || announcement->data.size() % 2 != 0) return hashes;
  ByteReader reader(announcement->data);
  while (reader.remaining() > 0 && hashes.size() < max_announced)
    hashes.push_back(static_cast<SignatureHash>(reader.u16()));
  return hashes;
}

bool uses_signatures(const Connection& connection) {
  return connection.local_auth.by_certificate() || connection.remote_auth.by_certificate();
}

wire::Notify hash_announcement() {
  ByteWriter data;
  for (const SignatureHash hash : accepted_hashes) data.u16(static_cast<uint16_t>(hash));
  return notify(wire::NotifyType::signature_hash_algorithms, std::move(data).take());
}

Result<wire::Authentication> make_auth(const IkeSa& sa, const Connection& connection, const SecretBytes& sk_p,
                                       ByteView id_body) {
  const Bytes octets = octets_of(sa, sa.initiator ? Side::initiator : Side::responder, sk_p, id_body);
  if (connection.local_auth.by_certificate()) return sign(connection, sa.handshake->peer_hashes, octets);
  return wire::Authentication{AuthMethod::shared_key, suite::shared_key_auth(sa.proposal.prf, *connection.psk, octets)};
}

bool demanded(const Connection& connection, wire::AuthMethod method) {
  return method != AuthMethod::null && connection.remote_auth.by_certificate() == (method != AuthMethod::shared_key);
}

Result<void> check_auth(IkeSa& sa, const Connection& connection, const SecretBytes& sk_p, const PeerClaim& claim,
                        WallTime now) {
  if (claim.auth.method == AuthMethod::null)
    return fail(messages::ike_null_authentication, claim.id.text() + "; demanded is " + demand(connection));
  if (!demanded(connection, claim.auth.method))
    return fail(
        messages::ike_wrong_auth_method,
        claim.id.text() + " authenticates by " + wire::name(claim.auth.method) + "; demanded is " + demand(connection));
  const Bytes octets = octets_of(sa, sa.initiator ? Side::responder : Side::initiator, sk_p, claim.id_body);
  if (connection.remote_auth.by_certificate()) return check_signature(sa, connection, claim, octets, now);
  if (!constant_time_equal(claim.auth.data, suite::shared_key_auth(sa.proposal.prf, *connection.psk, octets)))
    return fail(messages::ike_peer_not_authentic, claim.id.text());
  return {};
}

}  // namespace sekisho::ike::v2
