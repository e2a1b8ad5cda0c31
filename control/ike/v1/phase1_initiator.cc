// What both modes share on the initiator's side.
#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/suite/proposals.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/phase1.h"

namespace sekisho::ike::v1 {
namespace {

// After an error that anybody could have sent, a better answer may still come for so long.
constexpr Duration hint_patience = std::chrono::seconds(2);

void send_main_1(Context& context, IkeSa& sa) {
  wire::Payloads payloads = {
      suite::offer_ike(sa.connection->ike_proposals, sa.handshake->authentication, sa.connection->ike_lifetime)};
  sa.handshake->sa_body = wire::encode_body(std::get<wire::SecurityAssociation>(payloads.front()));
  add_vendor_ids(spoken(*sa.connection), true, payloads);
  send_phase1(context, sa, nullptr, wire::encode(header_of(sa, wire::ExchangeType::main_mode), payloads), true);
}

}  // namespace

void begin_phase1(Context& context, std::shared_ptr<const Connection> connection) {
  const auto authentication = authentication_of(*connection);
  if (!authentication || connection->remote.is_any()) return;
  if (std::ranges::none_of(connection->ike_proposals, &IkeProposal::in_ikev1)) return;
  if (ConnectionEntry* entry = context.connections.find(connection->name)) ++entry->attempts;
  auto owned = std::make_unique<IkeSa>();
  owned->initiator = true;
  owned->cookies.initiator = context.sas.fresh_cookie(context.random());
  owned->local = {connection->local, ike_port};
  owned->remote = {connection->remote, ike_port};
  owned->created = context.now;
  owned->handshake = std::make_unique<Handshake>();
  owned->handshake->authentication = *authentication;
  owned->handshake->nonce_i = context.random_bytes(32);
  owned->connection = std::move(connection);
  IkeSa& sa = context.sas.add(std::move(owned));
  if (sa.connection->aggressive) return send_aggressive_1(context, sa);
  sa.state = IkeState::main_1;
  send_main_1(context, sa);
}

bool take_choice(Context& context, IkeSa& sa, const wire::Message& message) {
  const auto* answer = wire::find<wire::SecurityAssociation>(message.payloads);
  if (!answer || message.header.responder_cookie == 0) return false;
  const auto& ours = sa.connection->ike_proposals;
  const auto chosen = suite::accept_ike(*answer, ours, sa.handshake->authentication);
  if (!chosen) {
    const Mismatch mismatch = suite::mismatch(*answer, ours, sa.handshake->authentication);
    take_hint(context, sa, messages::ike_no_proposal,
              "the answer of " + sa.remote.text() + " is not one of ours: " + suite::text(mismatch), mismatch);
    return false;
  }
  sa.cookies.responder = message.header.responder_cookie;
  sa.proposal = chosen->proposal;
  sa.lifetime = chosen->lifetime;
  sa.peer = in_common(*sa.connection, message.payloads);
  sa.handshake->hint = nullptr;
  return true;
}

void take_hint(Context& context, IkeSa& sa, const Message& message, std::string detail,
               std::optional<Mismatch> mismatch) {
  if (!sa.handshake->hint)
    context.report(messages::ike_unauthenticated_hint, sa.name(), detail, {}, Report::Proof::none);
  sa.handshake->hint = &message;
  sa.handshake->hint_detail = std::move(detail);
  sa.handshake->hint_mismatch = std::move(mismatch);
  sa.sent.hurry(context.now + hint_patience);
}

void take_clear_notification(Context& context, IkeSa& sa, const wire::Message& message) {
  if (!sa.initiator || !sa.handshake) return;
  for (const auto* error : wire::all<wire::Notification>(message.payloads)) {
    if (!wire::is_error(error->notify)) continue;
    const std::string said = "peer " + sa.remote.text() + " answered " + wire::name(error->notify);
    if (error->notify == wire::NotifyType::no_proposal_chosen)
      return take_hint(context, sa, messages::ike_no_proposal,
                       said + "; offered here: " + ike::suite::text(sa.connection->ike_proposals),
                       suite::mismatch({}, sa.connection->ike_proposals, sa.handshake->authentication));
    if (error->notify == wire::NotifyType::authentication_failed)
      return take_hint(context, sa, messages::ike_authentication_failed, said);
    return take_hint(context, sa, messages::ike_peer_error, said);
  }
}

}  // namespace sekisho::ike::v1
