// What both modes share on the responder's side.
#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/answer_limit.h"
#include "control/ike/half_open.h"
#include "control/ike/v1/informational.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/phase1.h"
#include "control/ike/v1/suite/identities.h"

namespace sekisho::ike::v1 {
namespace {

// Half-open SAs that one address may hold, of those begun and of those that went further.
constexpr size_t max_half_open_per_address = 8;

// IKEv1 has no cookie exchange that would cost the sender more than us. So what has only been begun locks nobody out:
// the oldest of these makes room, whose peer had the longest time to go on; and where all have gone further, the oldest
// of those; for a stranger, one of the strangers. False where an address has all that it may have.
bool make_room(Context& context, const DatagramReceived& datagram, bool for_stranger) {
  using Of = SaTable::HalfOpen;
  const Of all = context.sas.half_open([](const IkeSa&) { return true; });
  const Of strangers = context.sas.half_open([](const IkeSa& sa) { return sa.of_stranger; });
  const Of here = context.sas.half_open([&](const IkeSa& sa) { return sa.remote.address == datagram.remote.address; });
  const bool many_here = here.begun >= max_half_open_per_address || here.advanced >= max_half_open_per_address;
  const bool many_strangers =
      for_stranger && strangers.count() >= max_half_open_of_strangers(context.options, context.connections);
  if (!many_here && !many_strangers && all.count() < context.options.max_half_open) return true;
  context.report(messages::ike_half_open_limit, {}, "the last one from " + datagram.remote.text(), {},
                 Report::Proof::none);
  if (here.advanced >= max_half_open_per_address) return false;
  const Of& crowd = many_here ? here : many_strangers ? strangers : all;
  if (IkeSa* oldest = crowd.oldest ? crowd.oldest : crowd.oldest_advanced) drop(context, *oldest);
  return true;
}

// In all proposals of a first message, which anybody may have sent: as for IKEv2.
constexpr size_t max_offered = 512;

size_t count_transforms(const wire::SecurityAssociation& offered) {
  size_t count = 0;
  for (const wire::Proposal& proposal : offered.proposals) count += proposal.transforms.size();
  return count;
}

// Main mode knows who comes only when the keys are there, and with a pre-shared key they come from that of the
// connection which was picked by address; whoever shares it may be meant.
bool could_be_meant(const IkeSa& sa, const Connection& connection) {
  if (authentication_of(connection) != sa.handshake->authentication) return false;
  if (sa.handshake->authentication == wire::IkeAuthentication::pre_shared_key &&
      !same_secret(connection.psk, sa.connection->psk))
    return false;
  return std::ranges::find(connection.ike_proposals, sa.proposal) != connection.ike_proposals.end();
}

}  // namespace

void answer_clear(Context& context, const DatagramReceived& datagram, const wire::Header& asked,
                  wire::NotifyType error) {
  if (!context.answers.allows(context.random(), datagram.remote.address, context.now)) return;
  wire::Header header = asked;
  header.exchange = wire::ExchangeType::informational;
  header.message_id = context.random().next_u32() | 1;
  context.send(datagram.local, datagram.remote,
               wire::encode(header, {wire::Notification{
                                        .protocol = wire::Protocol::isakmp, .notify = error, .spi = {}, .data = {}}}));
}

Accepted accept_phase1(Context& context, const DatagramReceived& datagram, const wire::Message& message) {
  const auto* offered = wire::find<wire::SecurityAssociation>(message.payloads);
  if (!offered) return {};
  const bool aggressive = message.header.exchange == wire::ExchangeType::aggressive;
  auto candidates = context.connections.matching(IkeVersion::v1, datagram.local.address, datagram.remote.address);
  if (candidates.empty()) {
    context.report(messages::ike_unknown_peer, {}, datagram.remote.text() + " to " + datagram.local.text(), {},
                   Report::Proof::none);
    return {};
  }
  // Aggressive mode shows the identity to everybody and lets the key be guessed offline: only where it is asked for.
  if (aggressive) {
    const std::string first = candidates.front()->name;
    std::erase_if(candidates, [](const auto& connection) { return !connection->aggressive; });
    if (candidates.empty()) {
      context.report(messages::ike_aggressive_refused, first, datagram.remote.text(), {}, Report::Proof::none);
      return {};
    }
  }
  if (count_transforms(*offered) > max_offered) {
    context.report(messages::ike_no_proposal, {},
                   datagram.remote.text() + " offers more than " + std::to_string(max_offered) + " transforms", {},
                   Report::Proof::none);
    answer_clear(context, datagram, message.header, wire::NotifyType::no_proposal_chosen);
    return {};
  }
  // Most connections have the same proposals, which are tried once.
  std::vector<const Connection*> tried;
  for (const auto& connection : candidates) {
    const auto authentication = authentication_of(*connection);
    const auto same = [&](const Connection* other) {
      return authentication_of(*other) == authentication && other->ike_proposals == connection->ike_proposals;
    };
    if (!authentication || std::ranges::any_of(tried, same)) continue;
    tried.push_back(connection.get());
    auto chosen = suite::select_ike(*offered, connection->ike_proposals, *authentication);
    if (!chosen) continue;
    const bool for_stranger = !context.connections.knows_peer_at(datagram.remote.address);
    if (!make_room(context, datagram, for_stranger)) return {};
    auto sa = std::make_unique<IkeSa>();
    sa->connection = connection;
    sa->cookies = {message.header.initiator_cookie, context.sas.fresh_cookie(context.random())};
    sa->local = datagram.local;
    sa->remote = datagram.remote;
    sa->of_stranger = for_stranger;
    sa->created = context.now;
    sa->close_at = context.now + context.options.half_open_timeout;
    sa->peer = in_common(*connection, message.payloads);
    sa->proposal = chosen->proposal;
    sa->lifetime = chosen->lifetime;
    sa->handshake = std::make_unique<Handshake>();
    sa->handshake->authentication = *authentication;
    sa->handshake->sa_body = offered->body;
    sa->handshake->nonce_r = context.random_bytes(32);
    return {&context.sas.add(std::move(sa)), std::move(chosen->answer)};
  }
  const Connection& first = *candidates.front();
  const auto demanded = authentication_of(first).value_or(wire::IkeAuthentication::pre_shared_key);
  const Mismatch mismatch = suite::mismatch(*offered, first.ike_proposals, demanded);
  context.report(messages::ike_no_proposal, first.name, datagram.remote.text() + ": " + suite::text(mismatch), mismatch,
                 Report::Proof::none);
  answer_clear(context, datagram, message.header, wire::NotifyType::no_proposal_chosen);
  return {};
}

std::optional<Identity> claimed_identity(const wire::Identification& id) {
  constexpr size_t longest_identity = 1024;
  if (id.data.size() > longest_identity) return {};
  Identity identity = suite::decode_identity(id);
  identity.set_name_hash();
  return identity;
}

std::shared_ptr<const Connection> find_connection(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  const auto* id = wire::find<wire::Identification>(payloads);
  const std::optional<Identity> claimed = id ? claimed_identity(*id) : std::nullopt;
  std::optional<Error> fault;
  for (const auto& connection : context.connections.matching(IkeVersion::v1, sa.local.address, sa.remote.address)) {
    if (!claimed || connection->remote_id != *claimed || !could_be_meant(sa, *connection)) continue;
    const auto proven = check_proof(sa, *connection, payloads, context.environment.wall_clock());
    if (proven) return connection;
    if (!fault) fault = proven.error();
  }
  if (!fault)
    fault = Error{&messages::ike_unknown_identity,
                  "peer says it is " + identity_text(payloads) + ", expected " + sa.connection->remote_id.text()};
  context.report(*fault->message, sa.name(), fault->detail + "; peer at " + sa.remote.text(), {}, Report::Proof::none);
  return nullptr;
}

void accept_peer(Context& context, IkeSa& sa, std::shared_ptr<const Connection> connection,
                 const DatagramReceived& datagram, const wire::Payloads& payloads) {
  sa.connection = std::move(connection);
  sa.local = datagram.local;
  sa.remote = datagram.remote;
  if (wire::find_notify(payloads, wire::NotifyType::initial_contact)) honour_initial_contact(context, sa);
  establish(context, sa);
  move_children(context, sa);
}

}  // namespace sekisho::ike::v1
