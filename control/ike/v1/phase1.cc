#include "control/ike/v1/phase1.h"

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/suite/identities.h"

namespace sekisho::ike::v1 {
namespace {

wire::PayloadType nat_detection_type(const IkeSa& sa) {
  return sa.peer.nat_traversal == NatTraversal::draft ? wire::PayloadType::draft_nat_detection
                                                      : wire::PayloadType::nat_detection;
}

}  // namespace

wire::KeyExchange key_exchange_payload(const Handshake& handshake) {
  const ByteView value = handshake.key_exchange->public_value();
  return {{value.begin(), value.end()}};
}

Capabilities spoken(const Connection& connection) {
  return {.nat_traversal = connection.encapsulation == Encapsulation::off ? NatTraversal::none : NatTraversal::rfc3947,
          .dead_peer_detection = true};
}

Capabilities in_common(const Connection& connection, const wire::Payloads& payloads) {
  Capabilities theirs = read_vendor_ids(payloads);
  if (connection.encapsulation == Encapsulation::off) theirs.nat_traversal = NatTraversal::none;
  return theirs;
}

void add_nat_detection(Context& context, const IkeSa& sa, wire::Payloads& payloads) {
  if (sa.peer.nat_traversal == NatTraversal::none) return;
  Bytes own = suite::nat_detection_hash(sa.proposal.prf, sa.cookies, sa.local);
  if (sa.connection->encapsulation == Encapsulation::force) context.random().fill(own);
  payloads.push_back(
      wire::NatDetection{nat_detection_type(sa), suite::nat_detection_hash(sa.proposal.prf, sa.cookies, sa.remote)});
  payloads.push_back(wire::NatDetection{nat_detection_type(sa), std::move(own)});
}

void detect_nat(IkeSa& sa, const DatagramReceived& datagram, const wire::Payloads& payloads) {
  if (sa.peer.nat_traversal == NatTraversal::none) return;
  const auto given = wire::all<wire::NatDetection>(payloads);
  // A peer that says it speaks NAT traversal and then does not.
  if (given.size() < 2) {
    sa.peer.nat_traversal = NatTraversal::none;
    return;
  }
  // The first is of our address as the peer sees it, the others are of the peer's own addresses.
  const Bytes ours = suite::nat_detection_hash(sa.proposal.prf, sa.cookies, datagram.local);
  const Bytes theirs = suite::nat_detection_hash(sa.proposal.prf, sa.cookies, datagram.remote);
  sa.local_behind_nat = given.front()->hash != ours;
  sa.remote_behind_nat =
      std::none_of(given.begin() + 1, given.end(), [&](const auto* payload) { return payload->hash == theirs; });
}

bool derive_keys(IkeSa& sa) {
  Handshake& handshake = *sa.handshake;
  const auto shared_secret = handshake.key_exchange->derive(sa.initiator ? handshake.public_r : handshake.public_i);
  if (!shared_secret) return false;
  SecretBytes skeyid = suite::skeyid_of_key(sa.proposal.prf, *sa.connection->psk, handshake.nonce_i, handshake.nonce_r);
  sa.keys = suite::derive_phase1_keys(sa.proposal, std::move(skeyid), *shared_secret, sa.cookies);
  handshake.iv = suite::phase1_iv(sa.proposal, handshake.public_i, handshake.public_r);
  return true;
}

void choose_ports(IkeSa& sa) {
  if (encapsulates(sa)) sa.local.port = sa.remote.port = nat_port;
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
  return {id, wire::Hash{hash_of(sa, sa.initiator ? Side::initiator : Side::responder, id.body())}};
}

bool authentic(const IkeSa& sa, const Connection& connection, const wire::Payloads& payloads) {
  const auto* id = wire::find<wire::Identification>(payloads);
  const auto* hash = wire::find<wire::Hash>(payloads);
  if (!id || !hash || suite::decode_identity(*id) != connection.remote_id) return false;
  return constant_time_equal(hash->data, hash_of(sa, sa.initiator ? Side::responder : Side::initiator, id->body()));
}

std::string identity_text(const wire::Payloads& payloads) {
  const auto* id = wire::find<wire::Identification>(payloads);
  return id ? suite::decode_identity(*id).text() : "nobody";
}

void establish(Context& context, IkeSa& sa) {
  sa.state = IkeState::established;
  sa.established_at = sa.last_heard = context.now;
  const Duration lifetime = suite::shorter({sa.connection->ike_lifetime, 0}, sa.lifetime).time;
  sa.rekey_at = context.renewal_of(lifetime, sa.connection->ike_renewal);
  sa.expires_at = context.now + lifetime;
  sa.close_at.reset();
  sa.last_block = std::move(sa.handshake->iv);
  sa.handshake.reset();
  sa.sent.forget();
  if (ConnectionEntry* entry = context.connections.find(sa.name())) {
    entry->attempts = 0;
    entry->held_down = false;
    entry->wanted = sa.connection->start == StartMode::start;
  }
  context.report(messages::ike_established, sa.name(), describe(sa) + ", " + sa.proposal.text());
  settle(context, sa);
}

}  // namespace sekisho::ike::v1
