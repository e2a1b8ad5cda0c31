#include "control/ike/v1/phase1.h"

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v1/lifecycle.h"

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
  const crypto::PrfId prf = sa.proposal.prf;
  SecretBytes skeyid = handshake.authentication == wire::IkeAuthentication::rsa_signature
                           ? suite::skeyid_of_signatures(prf, handshake.nonce_i, handshake.nonce_r, *shared_secret)
                           : suite::skeyid_of_key(prf, *sa.connection->psk, handshake.nonce_i, handshake.nonce_r);
  sa.keys = suite::derive_phase1_keys(sa.proposal, std::move(skeyid), *shared_secret, sa.cookies);
  handshake.iv = suite::phase1_iv(sa.proposal, handshake.public_i, handshake.public_r);
  return true;
}

bool derive_keys(Context& context, IkeSa& sa) {
  if (!derive_keys(sa)) return false;
  if (KeyObserver* observer = context.environment.key_observer())
    observer->isakmp_sa({sa.cookies.initiator, sa.keys.encryption});
  return true;
}

void choose_ports(IkeSa& sa) {
  if (encapsulates(sa)) sa.local.port = sa.remote.port = nat_port;
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
  if (ConnectionEntry* entry = context.connections.find(sa.name())) entry->ike_sa_up();
  context.report(messages::ike_established, sa.name(), describe(sa) + ", " + sa.proposal.text());
  settle(context, sa);
}

}  // namespace sekisho::ike::v1
