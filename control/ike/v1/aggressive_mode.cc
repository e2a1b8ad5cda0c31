// Aggressive mode, both sides (RFC 2409 section 5.4, RFC 3947 section 4). It is for peers that have no address of their
// own and no certificate, since the responder picks the key by the identity that comes first. That identity is in
// clear, and whoever poses as the responder gets a hash to guess the pre-shared key by.
#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/phase1.h"
#include "control/ike/v1/suite/identities.h"

namespace sekisho::ike::v1 {
namespace {

// How often message 2 is sent.
constexpr unsigned most_sends = 3;

// What goes along with the first message fixes the group, so only the proposals of the first one's are offered.
std::vector<IkeProposal> of_one_group(const Connection& connection) {
  std::vector<IkeProposal> proposals;
  for (const IkeProposal& own : connection.ike_proposals)
    if (own.in_ikev1() && (proposals.empty() || own.key_exchange == proposals.front().key_exchange))
      proposals.push_back(own);
  return proposals;
}

// A responder of several connections goes by the identity; the key is that one's.
std::shared_ptr<const Connection> find_by_identity(Context& context, const IkeSa& sa, const wire::Identification& id) {
  const std::optional<Identity> claimed = claimed_identity(id);
  if (!claimed) return nullptr;
  for (const auto& connection : context.connections.matching(IkeVersion::v1, sa.local.address, sa.remote.address))
    if (connection->aggressive && authentication_of(*connection) == wire::IkeAuthentication::pre_shared_key &&
        connection->remote_id == *claimed &&
        std::ranges::find(connection->ike_proposals, sa.proposal) != connection->ike_proposals.end())
      return connection;
  return nullptr;
}

}  // namespace

void send_aggressive_1(Context& context, IkeSa& sa) {
  Handshake& handshake = *sa.handshake;
  const std::vector<IkeProposal> proposals = of_one_group(*sa.connection);
  handshake.key_exchange = crypto::KeyExchange::generate(proposals.front().key_exchange);
  const wire::KeyExchange own = key_exchange_payload(handshake);
  handshake.public_i = own.data;
  wire::Payloads payloads = {suite::offer_ike(proposals, handshake.authentication, sa.connection->ike_lifetime), own,
                             wire::Nonce{handshake.nonce_i}, suite::encode_identity(sa.connection->local_id)};
  handshake.sa_body = wire::encode_body(std::get<wire::SecurityAssociation>(payloads.front()));
  add_vendor_ids(spoken(*sa.connection), true, payloads);
  context.report(messages::ike_aggressive_mode, sa.name(), "to " + sa.remote.text());
  sa.state = IkeState::aggressive_1;
  send_phase1(context, sa, nullptr, wire::encode(header_of(sa, wire::ExchangeType::aggressive), payloads), true);
}

void receive_aggressive_1(Context& context, const DatagramReceived& datagram, const wire::Message& message) {
  const auto* key_exchange = wire::find<wire::KeyExchange>(message.payloads);
  const auto* nonce = wire::find<wire::Nonce>(message.payloads);
  const auto* id = wire::find<wire::Identification>(message.payloads);
  if (!key_exchange || !nonce || !id) return;
  const auto [sa, answer] = accept_phase1(context, datagram, message);
  if (!sa) return;
  const auto connection = find_by_identity(context, *sa, *id);
  if (!connection) {
    context.report(messages::ike_unknown_identity, sa->name(),
                   datagram.remote.text() + " says it is " + identity_text(message.payloads), {}, Report::Proof::none);
    return drop(context, *sa);
  }
  if (key_exchange->data.size() != crypto::public_value_length(sa->proposal.key_exchange)) return drop(context, *sa);
  sa->connection = connection;
  sa->state = IkeState::aggressive_2;
  context.report(messages::ike_aggressive_mode, sa->name(), "from " + datagram.remote.text(), {}, Report::Proof::none);
  Handshake& handshake = *sa->handshake;
  handshake.key_exchange = crypto::KeyExchange::generate(sa->proposal.key_exchange);
  const wire::KeyExchange own = key_exchange_payload(handshake);
  handshake.public_i = key_exchange->data;
  handshake.public_r = own.data;
  handshake.nonce_i = nonce->data;
  handshake.peers_id = id->body();
  // It stays half open, without keys: it cost us a key pair, so the limits of those are to count it.
  if (!derive_keys(context, *sa)) return;

  wire::Payloads proof = prove_ourselves(*sa);
  wire::Payloads payloads = {answer, own, wire::Nonce{handshake.nonce_r}, proof[0], proof[1]};
  add_nat_detection(context, *sa, payloads);
  add_vendor_ids(sa->peer, false, payloads);
  send_phase1(context, *sa, &datagram, wire::encode(header_of(*sa, wire::ExchangeType::aggressive), payloads), false);
  // The initiator has nothing to wait for after its last message, so this one is repeated; not often, since the address
  // that it goes to may be feigned.
  Retransmission few = connection->retransmission;
  few.tries = std::min(few.tries, most_sends);
  sa->sent.sent({sa->last.answer}, few, context.now);
}

void receive_aggressive_2(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message) {
  const auto* key_exchange = wire::find<wire::KeyExchange>(message.payloads);
  const auto* nonce = wire::find<wire::Nonce>(message.payloads);
  if (!key_exchange || !nonce || !take_choice(context, sa, message)) return;
  Handshake& handshake = *sa.handshake;
  // Nothing of this message is protected: where anything is wrong the true one may follow, under another cookie.
  const auto dismiss = [&] { sa.cookies.responder = 0; };
  if (sa.proposal.key_exchange != handshake.key_exchange->id()) return dismiss();
  handshake.public_r = key_exchange->data;
  handshake.nonce_r = nonce->data;
  if (!derive_keys(context, sa)) return dismiss();
  const auto proven = check_proof(sa, *sa.connection, message.payloads, context.environment.wall_clock());
  if (!proven) {
    dismiss();
    return take_hint(context, sa, *proven.error().message, proven.error().detail + "; peer at " + sa.remote.text());
  }
  detect_nat(sa, datagram, message.payloads);
  choose_ports(sa);
  wire::Payloads payloads = {
      wire::Hash{hash_of(sa, Side::initiator, suite::encode_identity(sa.connection->local_id).body())}};
  add_nat_detection(context, sa, payloads);
  wire::Header header = header_of(sa, wire::ExchangeType::aggressive);
  header.first = wire::first_type(payloads);
  send_phase1(context, sa, &datagram, wire::encode_encrypted(header, encrypt(sa, handshake.iv, payloads)), false);
  establish(context, sa);
}

void receive_aggressive_3(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header) {
  Handshake& handshake = *sa.handshake;
  if (sa.keys.skeyid.empty()) return;  // message 1 had no public value
  wire::Payloads payloads;
  Bytes next_iv = handshake.iv;
  if (header.encrypted) {
    auto message = decrypt(sa, handshake.iv, header, datagram.data);
    if (!message)
      return context.report(messages::ike_unreadable_identity, sa.name(), datagram.remote.text(), {},
                            Report::Proof::none);
    payloads = std::move(message->chain.payloads);
    next_iv = std::move(message->next_iv);
  } else if (auto message = wire::decode(datagram.data)) {
    payloads = std::move(message->payloads);
  }
  const auto* hash = wire::find<wire::Hash>(payloads);
  if (!hash || !constant_time_equal(hash->data, hash_of(sa, Side::initiator, handshake.peers_id)))
    return context.report(messages::ike_peer_not_authentic, sa.name(),
                          datagram.remote.text() + " as " + sa.connection->remote_id.text(), {}, Report::Proof::none);
  handshake.iv = std::move(next_iv);
  // The first message that is sent to a port that a NAT cannot have mapped yet tells of it.
  detect_nat(sa, datagram, payloads);
  sa.last.set(datagram.data, {});
  // In clear, anybody may have added to it what its hash does not cover.
  accept_peer(context, sa, sa.connection, datagram, header.encrypted ? payloads : wire::Payloads{});
}

}  // namespace sekisho::ike::v1
