#include <algorithm>
#include <ranges>

#include "base/messages/ike.h"
#include "control/ike/suite/proposals.h"
#include "control/ike/v2/auth_payload.h"
#include "control/ike/v2/certificate_payloads.h"
#include "control/ike/v2/child_negotiation.h"
#include "control/ike/v2/ike_auth.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/lifecycle.h"
#include "control/ike/v2/mobike.h"
#include "control/ike/v2/path_probe.h"
#include "control/ike/v2/ppk.h"

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

// Nobody has a longer identity, and whoever sends one has proven nothing yet.
constexpr size_t longest_identity = 1024;
// Of the connections that an identity is none of, so many are told of in the report.
constexpr size_t most_named = 4;

bool has_suite(const Connection& connection, const IkeProposal& suite) {
  return std::ranges::find(connection.ike_proposals, suite) != connection.ike_proposals.end();
}

using Candidates = std::vector<std::shared_ptr<const Connection>>;

void report_unknown_identity(Context& context, const IkeSa& sa, const wire::IdInitiator& id_i,
                             const wire::IdResponder* id_r, const Candidates& candidates) {
  std::string detail = sa.remote.text() + " says it is " + id_i.identity.text();
  if (id_r) detail += " and asks for " + id_r->identity.text();
  for (const auto& connection : candidates | std::views::take(most_named))
    detail += "; " + connection->name + " is between " + connection->local_id.text() + " here and " +
              connection->remote_id.text() + " there";
  if (candidates.size() > most_named) detail += "; and " + std::to_string(candidates.size() - most_named) + " more";
  context.report(messages::ike_unknown_identity, candidates.empty() ? std::string() : candidates.front()->name,
                 std::move(detail), {}, Report::Proof::none);
}

// The suite was chosen before the peer said who it is, and by another connection that its address fits.
void report_other_suite(Context& context, const IkeSa& sa, const Connection& connection) {
  context.report(messages::ike_no_proposal, connection.name,
                 sa.remote.text() + ": " + sa.proposal.text() +
                     " was chosen by another connection that the address fits; accepted here: " +
                     suite::text(connection.ike_proposals),
                 {}, Report::Proof::none);
}

// By the identities; among several, one that demands what the peer does.
std::shared_ptr<const Connection> find_connection(Context& context, const IkeSa& sa, const wire::IdInitiator& id_i,
                                                  const wire::IdResponder* id_r, wire::AuthMethod method) {
  const Candidates candidates = context.connections.matching(IkeVersion::v2, sa.local.address, sa.remote.address);
  const bool too_long =
      id_i.identity.value.size() > longest_identity || (id_r && id_r->identity.value.size() > longest_identity);
  Identity claimed = id_i.identity;
  if (!too_long) claimed.set_name_hash();
  const auto is_meant = [&](const Connection& connection) {
    return !too_long && can_authenticate(connection) && connection.remote_id == claimed &&
           (!id_r || connection.local_id == id_r->identity);
  };
  std::shared_ptr<const Connection> found, with_other_suites;
  for (const auto& connection : candidates) {
    if (!is_meant(*connection)) continue;
    if (!has_suite(*connection, sa.proposal))
      with_other_suites = connection;
    else if (!found || (demanded(*connection, method) && !demanded(*found, method)))
      found = connection;
  }
  if (!found && with_other_suites)
    report_other_suite(context, sa, *with_other_suites);
  else if (!found)
    report_unknown_identity(context, sa, id_i, id_r, candidates);
  return found;
}

struct Proof {
  wire::Authentication own;  // our AUTH for the answer
  bool with_ppk = false;
};

// The peer's AUTH, then ours.
Result<Proof> authenticate(Context& context, IkeSa& sa, const Connection& connection, const wire::Payloads& request) {
  const auto& id = *wire::find<wire::IdInitiator>(request);
  auto choice = choose_ppk(sa, connection, request, *wire::find<wire::Authentication>(request));
  if (!choice) return std::unexpected(choice.error());
  const bool with_ppk = choice->mixed.has_value();
  if (with_ppk) adopt(sa, std::move(*choice->mixed));
  const PeerClaim claim{id.identity, id.body(), choice->auth, find_certificates(request)};
  if (const auto good = check_auth(sa, connection, sa.sk_pi, claim, context.environment.wall_clock()); !good)
    return std::unexpected(good.error());
  const wire::IdResponder own_id{.identity = connection.local_id};
  auto own = make_auth(sa, connection, sa.sk_pr, own_id.body());
  if (!own) return std::unexpected(own.error());
  return Proof{std::move(*own), with_ppk};
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

void accept(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message,
            const Proof& proof) {
  const Connection& connection = *sa.connection;
  const std::unique_ptr<Handshake> handshake = std::move(sa.handshake);
  wire::Payloads answer = {wire::IdResponder{.identity = connection.local_id}};
  add_certificates(connection.local_auth, answer);
  answer.push_back(proof.own);
  if (proof.with_ppk) answer.push_back(notify(wire::NotifyType::ppk_identity));
  establish(context, sa);
  context.report(messages::ike_established, sa.name(), describe(sa) + ", " + sa.proposal.text());
  answer_child(context, sa, *handshake, message.payloads, answer);
  // After the new child is there, so that the tunnel goes on to it and is not down in between.
  if (wire::find_notify(message.payloads, wire::NotifyType::initial_contact)) honour_initial_contact(context, sa);
  agree_on_mobike(sa, message.payloads);
  if (sa.mobike) add_mobike_offer(sa, answer);
  if (connection.reauthenticate) answer.push_back(auth_lifetime(connection));
  send_reply(context, sa, datagram, message.header, answer);
  // The peer asks for the others, if it wants them.
  for (const ChildDefinition& definition : connection.children)
    if (!has_live_child(sa, definition.name))
      retry_child(context, sa.name(), definition.name, connection.retry_interval);
  settle_duplicates(context, sa);
  watch_path(context, sa);
}

}  // namespace

void receive_auth_request(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message) {
  const auto* id_i = wire::find<wire::IdInitiator>(message.payloads);
  const auto* id_r = wire::find<wire::IdResponder>(message.payloads);
  const auto* auth = wire::find<wire::Authentication>(message.payloads);
  if (!id_i || !auth) {
    context.report(auth ? messages::ike_peer_error : messages::ike_eap_wanted, {},
                   sa.remote.text() + (id_i ? " says it is " + id_i->identity.text() : " sent no IDi"), {},
                   Report::Proof::none);
    return refuse(context, sa, datagram, message, wire::NotifyType::authentication_failed);
  }
  sa.local = datagram.local;
  sa.remote = datagram.remote;
  const auto connection = find_connection(context, sa, *id_i, id_r, auth->method);
  if (!connection) return refuse(context, sa, datagram, message, wire::NotifyType::authentication_failed);
  auto proven = authenticate(context, sa, *connection, message.payloads);
  if (!proven) {
    context.report(*proven.error().message, connection->name, proven.error().detail + "; peer at " + sa.remote.text(),
                   {}, Report::Proof::none);
    return refuse(context, sa, datagram, message, wire::NotifyType::authentication_failed);
  }
  if (breaks_nat_prohibition(message.payloads, datagram))
    return refuse(context, sa, datagram, message, wire::NotifyType::unexpected_nat_detected);
  context.sas.assign(sa, connection);
  accept(context, sa, datagram, message, *proven);
}

}  // namespace sekisho::ike::v2
