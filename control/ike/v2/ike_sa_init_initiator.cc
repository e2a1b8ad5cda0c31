#include <fmt/format.h>

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/suite/proposals.h"
#include "control/ike/v2/auth_payload.h"
#include "control/ike/v2/ike_auth.h"
#include "control/ike/v2/ike_sa_init.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/lifecycle.h"

namespace sekisho::ike::v2 {
namespace {

// Cookies and other groups that a peer, or somebody who pretends to be it, may ask for in one attempt.
constexpr unsigned max_restarts = 6;
constexpr size_t max_cookie_length = 64;  // RFC 7296 section 2.6
// After an error that anybody could have sent, a better answer may still come for so long (section 2.21.1).
constexpr Duration hint_patience = std::chrono::seconds(2);

void send_request(Context& context, IkeSa& sa) {
  Handshake& handshake = *sa.handshake;
  const Connection& connection = *sa.connection;
  wire::Payloads payloads;
  if (!handshake.cookie.empty()) payloads.push_back(notify(wire::NotifyType::cookie, handshake.cookie));
  payloads.push_back(suite::offer_ike(connection.ike_proposals, {}));
  const ByteView value = handshake.key_exchange->public_value();
  payloads.push_back(wire::KeyExchange{handshake.key_exchange->id(), Bytes(value.begin(), value.end())});
  payloads.push_back(wire::Nonce{handshake.nonce_i});
  add_nat_detection(context, sa, connection.encapsulation, sa.local, sa.remote, payloads);
  if (connection.fragmentation) payloads.push_back(notify(wire::NotifyType::fragmentation_supported));
  if (uses_signatures(connection)) payloads.push_back(hash_announcement());
  if (connection.ppk) payloads.push_back(notify(wire::NotifyType::use_ppk));

  handshake.request = wire::encode(
      {.initiator_spi = sa.spi_i, .exchange = wire::ExchangeType::ike_sa_init, .from_initiator = true, .message_id = 0},
      payloads);
  context.send(sa.local, sa.remote, handshake.request);
  sa.requests.sent({handshake.request}, connection.retransmission, context.now);
}

void take_hint(Context& context, IkeSa& sa, const Message& message, std::string detail,
               std::optional<Mismatch> mismatch = {}) {
  if (!sa.handshake->hint)
    context.report(messages::ike_unauthenticated_hint, sa.name(), detail, {}, Report::Proof::none);
  sa.handshake->hint = &message;
  sa.handshake->hint_detail = std::move(detail);
  sa.handshake->hint_mismatch = std::move(mismatch);
  sa.requests.hurry(context.now + hint_patience);
}

bool may_restart(IkeSa& sa) { return ++sa.handshake->restarts <= max_restarts; }

void take_cookie(Context& context, IkeSa& sa, const wire::Notify& cookie) {
  if (cookie.data.empty() || cookie.data.size() > max_cookie_length || cookie.data == sa.handshake->cookie) return;
  if (!may_restart(sa)) return;
  sa.handshake->cookie = cookie.data;
  send_request(context, sa);
}

void take_other_group(Context& context, IkeSa& sa, const wire::Notify& invalid_ke) {
  ByteReader reader(invalid_ke.data);
  const auto group = static_cast<crypto::KeyExchangeId>(reader.u16());
  if (!reader.finished() || group == sa.handshake->key_exchange->id()) return;
  if (!offers_group(*sa.connection, group)) {
    take_hint(context, sa, messages::ike_no_proposal,
              fmt::format("peer {} asks for key exchange method {}; offered here: {}", sa.remote.text(),
                          static_cast<unsigned>(group), suite::text(sa.connection->ike_proposals)),
              suite::mismatch({}, sa.connection->ike_proposals));
    return;
  }
  if (!may_restart(sa)) return;
  sa.handshake->key_exchange = crypto::KeyExchange::generate(group);
  send_request(context, sa);
}

void take_notifies(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  if (const auto* cookie = wire::find_notify(payloads, wire::NotifyType::cookie))
    return take_cookie(context, sa, *cookie);
  if (const auto* invalid_ke = wire::find_notify(payloads, wire::NotifyType::invalid_ke_payload))
    return take_other_group(context, sa, *invalid_ke);
  if (wire::find_notify(payloads, wire::NotifyType::no_proposal_chosen))
    return take_hint(context, sa, messages::ike_no_proposal,
                     "peer " + sa.remote.text() +
                         " answered NO_PROPOSAL_CHOSEN; offered here: " + suite::text(sa.connection->ike_proposals),
                     suite::mismatch({}, sa.connection->ike_proposals));
  for (const wire::Payload& payload : payloads)
    if (const auto* error = std::get_if<wire::Notify>(&payload); error && wire::is_error(error->notify))
      return take_hint(context, sa, messages::ike_peer_error,
                       "peer " + sa.remote.text() + " answered IKE_SA_INIT with " + wire::name(error->notify));
}

// RFC 7296 section 2.23: IKE_AUTH goes to port 4500 where a NAT is in between (or feigned); with MOBIKE it always does,
// since there may be one on a later path (RFC 4555 section 3.3).
void choose_ports(IkeSa& sa) {
  const bool forced = sa.connection->encapsulation == Encapsulation::force;
  if (!sa.nat_detection || sa.connection->encapsulation == Encapsulation::off) return;
  if (!sa.local_behind_nat && !sa.remote_behind_nat && !forced && !sa.connection->mobike) return;
  sa.local.port = sa.remote.port = nat_port;
}

}  // namespace

void begin_handshake(Context& context, std::shared_ptr<const Connection> connection) {
  if (connection->ike_proposals.empty() || !can_authenticate(*connection)) return;
  auto sa = std::make_unique<IkeSa>();
  sa->connection = std::move(connection);
  sa->state = IkeState::init_sent;
  sa->initiator = sa->may_move = true;
  sa->spi_i = context.sas.fresh_spi(context.random());
  sa->local = {context.local_addresses.best(*sa->connection).value_or(sa->connection->local), ike_port};
  sa->remote = {sa->connection->remote, ike_port};
  sa->created = context.now;
  sa->handshake = std::make_unique<Handshake>();
  sa->handshake->nonce_i = context.random_bytes(32);
  sa->handshake->key_exchange = crypto::KeyExchange::generate(sa->connection->ike_proposals.front().key_exchange);
  if (ConnectionEntry* entry = context.connections.find(sa->name())) ++entry->attempts;
  send_request(context, context.sas.add(std::move(sa)));
}

void receive_init_response(Context& context, IkeSa& sa, const DatagramReceived& datagram,
                           const wire::Message& message) {
  const auto* answer = wire::find<wire::SecurityAssociation>(message.payloads);
  const auto* key_exchange = wire::find<wire::KeyExchange>(message.payloads);
  const auto* nonce = wire::find<wire::Nonce>(message.payloads);
  if (!answer) return take_notifies(context, sa, message.payloads);
  // Whatever is wrong from here on may be somebody's forgery; the true answer may still come.
  if (!key_exchange || !nonce || message.header.responder_spi == 0 || wire::find_unsupported(message.payloads)) return;
  const auto chosen = suite::accept_ike(*answer, sa.connection->ike_proposals);
  if (!chosen)
    return take_hint(context, sa, messages::ike_no_proposal,
                     "the answer of " + sa.remote.text() +
                         " is not one of ours: " + suite::compare(*answer, sa.connection->ike_proposals),
                     suite::mismatch(*answer, sa.connection->ike_proposals));
  Handshake& handshake = *sa.handshake;
  if (key_exchange->group != handshake.key_exchange->id() || chosen->proposal.key_exchange != key_exchange->group)
    return;
  const auto& ppk = sa.connection->ppk;
  handshake.ppk = ppk && wire::find_notify(message.payloads, wire::NotifyType::use_ppk);
  if (ppk && ppk->required && !handshake.ppk)
    return take_hint(context, sa, messages::ike_no_ppk, "the answer of " + sa.remote.text() + " offers none");
  const auto shared_secret = handshake.key_exchange->derive(key_exchange->value);
  if (!shared_secret) return;

  sa.spi_r = message.header.responder_spi;
  sa.proposal = chosen->proposal;
  handshake.nonce_r = nonce->value;
  handshake.response = datagram.data;
  handshake.peer_hashes = announced_hashes(message.payloads);
  derive_keys(context, sa, *shared_secret);
  detect_nat(sa, sa.spi_r, datagram, message.payloads);
  choose_ports(sa);
  sa.fragmentation = both_fragment(*sa.connection, message.payloads);
  handshake.hint = nullptr;
  sa.requests.answered();
  sa.state = IkeState::auth_sent;
  enqueue(sa, authenticate_task());
  pump(context, sa);
}

}  // namespace sekisho::ike::v2
