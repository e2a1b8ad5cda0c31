#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v2/child_negotiation.h"
#include "control/ike/v2/ike_auth.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/lifecycle.h"
#include "control/ike/v2/mobike.h"

namespace sekisho::ike::v2 {
namespace {

// After so long with a wrong AUTH the refusal is forgotten; until then a retransmission gets it again.
constexpr Duration refusal_time = std::chrono::seconds(10);

void refuse(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message,
            wire::NotifyType type) {
  send_reply(context, sa, datagram, message.header, {notify(type)});
  close(context, sa);
  sa.close_at = context.now + refusal_time;
}

std::shared_ptr<const Connection> find_connection(Context& context, const IkeSa& sa, const wire::IdInitiator& id_i,
                                                  const wire::IdResponder* id_r) {
  const auto candidates = context.connections.matching(IkeVersion::v2, sa.local.address, sa.remote.address);
  const auto fits = [&](const Connection& connection) {
    return connection.psk && connection.remote_id == id_i.identity &&
           (!id_r || connection.local_id == id_r->identity) &&
           std::ranges::find(connection.ike_proposals, sa.proposal.text(), &IkeProposal::text) !=
               connection.ike_proposals.end();
  };
  for (const auto& connection : candidates)
    if (fits(*connection)) return connection;
  std::string detail = sa.remote.text() + " says it is " + id_i.identity.text();
  if (id_r) detail += " and asks for " + id_r->identity.text();
  for (const auto& connection : candidates)
    detail += "; " + connection->name + " is between " + connection->local_id.text() + " here and " +
              connection->remote_id.text() + " there";
  context.report(messages::ike_unknown_identity, candidates.empty() ? std::string() : candidates.front()->name,
                 std::move(detail), {}, Report::Proof::none);
  return nullptr;
}

bool authentic(const IkeSa& sa, const Connection& connection, const wire::IdInitiator& id,
               const wire::Authentication& auth) {
  const Bytes expected = suite::shared_key_auth(sa.proposal.prf, *connection.psk, sa.handshake->request,
                                                sa.handshake->nonce_r, sa.sk_pi, id.body());
  return auth.method == wire::AuthMethod::shared_key && constant_time_equal(auth.data, expected);
}

// The child's part of the answer. A failure here leaves the IKE SA standing (RFC 7296 section 1.2).
void answer_child(Context& context, IkeSa& sa, const Handshake& handshake, const wire::Payloads& request,
                  wire::Payloads& answer) {
  if (!wire::find<wire::SecurityAssociation>(request)) return;  // RFC 6023: none is wanted
  const auto choice = choose_child(context, sa, request, suite::ChildOrigin::ike_auth);
  if (!choice) {
    answer.push_back(notify(choice.error()));
    return;
  }
  const auto spi = context.environment.allocate_inbound_spi();
  if (!spi) {
    context.report(messages::sa_table_full, sa.name(), "no SPI for the peer's first child SA");
    answer.push_back(notify(wire::NotifyType::no_additional_sas));
    return;
  }
  add_child_answer(*choice, *spi, {}, answer);
  install_child(context, sa,
                {.definition = *choice->definition,
                 .chosen = choice->choice.chosen,
                 .inbound_spi = *spi,
                 .selectors = choice->choice.selectors,
                 .began_here = false,
                 .nonce_i = handshake.nonce_i,
                 .nonce_r = handshake.nonce_r});
}

void accept(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message) {
  const Connection& connection = *sa.connection;
  const std::unique_ptr<Handshake> handshake = std::move(sa.handshake);
  const wire::IdResponder id{.identity = connection.local_id};
  wire::Payloads answer = {
      id, wire::Authentication{wire::AuthMethod::shared_key,
                               suite::shared_key_auth(sa.proposal.prf, *connection.psk, handshake->response,
                                                      handshake->nonce_i, sa.sk_pr, id.body())}};
  establish(context, sa);
  context.report(messages::ike_established, sa.name(), describe(sa) + ", " + sa.proposal.text());
  if (wire::find_notify(message.payloads, wire::NotifyType::initial_contact)) honour_initial_contact(context, sa);
  answer_child(context, sa, *handshake, message.payloads, answer);
  agree_on_mobike(sa, message.payloads);
  if (sa.mobike) add_mobike_offer(sa, answer);
  send_reply(context, sa, datagram, message.header, answer);
  // The peer asks for the others, if it wants them.
  for (const ChildDefinition& definition : connection.children)
    if (!has_live_child(sa, definition.name))
      retry_child(context, sa.name(), definition.name, connection.retry_interval);
  settle_duplicates(context, sa);
}

}  // namespace

void receive_auth_request(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message) {
  const auto* id_i = wire::find<wire::IdInitiator>(message.payloads);
  const auto* id_r = wire::find<wire::IdResponder>(message.payloads);
  const auto* auth = wire::find<wire::Authentication>(message.payloads);
  if (!id_i || !auth) {
    context.report(messages::ike_peer_error, {},
                   sa.remote.text() + " sent no IDi or no AUTH; only pre-shared keys are spoken");
    return refuse(context, sa, datagram, message, wire::NotifyType::authentication_failed);
  }
  sa.local = datagram.local;
  sa.remote = datagram.remote;
  const auto connection = find_connection(context, sa, *id_i, id_r);
  if (!connection) return refuse(context, sa, datagram, message, wire::NotifyType::authentication_failed);
  if (!authentic(sa, *connection, *id_i, *auth)) {
    context.report(messages::ike_peer_not_authentic, connection->name,
                   sa.remote.text() + " as " + id_i->identity.text(), {}, Report::Proof::none);
    return refuse(context, sa, datagram, message, wire::NotifyType::authentication_failed);
  }
  if (breaks_nat_prohibition(message.payloads, datagram))
    return refuse(context, sa, datagram, message, wire::NotifyType::unexpected_nat_detected);
  context.sas.assign(sa, connection);
  accept(context, sa, datagram, message);
}

}  // namespace sekisho::ike::v2
