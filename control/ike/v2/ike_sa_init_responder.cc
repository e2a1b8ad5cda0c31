#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/answer_limit.h"
#include "control/ike/half_open.h"
#include "control/ike/suite/proposals.h"
#include "control/ike/v2/auth_payload.h"
#include "control/ike/v2/certificate_payloads.h"
#include "control/ike/v2/cookie.h"
#include "control/ike/v2/ike_sa_init.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/lifecycle.h"

namespace sekisho::ike::v2 {
namespace {

// Half-open SAs that one address may hold; a peer has no need for more.
constexpr size_t max_half_open_per_address = 16;
// Of these, so many are had without a cookie. Anybody can claim a peer's address, but only the peer can show a cookie
// that went there, so it finds room where a forger has taken all that is free.
constexpr size_t max_without_cookie_per_address = 4;

// Before there is an SA: nothing is remembered.
void answer_stateless(Context& context, const DatagramReceived& datagram, const wire::Header& header,
                      wire::Notify notify) {
  const wire::Header answer{.initiator_spi = header.initiator_spi,
                            .exchange = wire::ExchangeType::ike_sa_init,
                            .response = true,
                            .message_id = 0};
  context.send(datagram.local, datagram.remote, wire::encode(answer, {std::move(notify)}));
}

void refuse(Context& context, const DatagramReceived& datagram, const wire::Header& header, wire::Notify error) {
  if (context.answers.allows(context.random(), datagram.remote.address, context.now))
    answer_stateless(context, datagram, header, std::move(error));
}

bool answered_before(Context& context, const DatagramReceived& datagram, const wire::Header& header) {
  IkeSa* sa = context.sas.made_by(datagram, header.initiator_spi);
  if (sa && sa->replies.may_repeat(context.now)) context.send(datagram.local, datagram.remote, sa->handshake->response);
  return sa != nullptr;
}

void report_limit(Context& context, const DatagramReceived& datagram) {
  context.report(messages::ike_half_open_limit, {}, "the last one from " + datagram.remote.text());
}

bool too_many(Context& context, const DatagramReceived& datagram) {
  if (context.sas.half_open_from(datagram.remote.address) < max_half_open_per_address) return false;
  report_limit(context, datagram);
  return true;
}

// Where there is no room, somebody goes, rather than everybody being refused who comes after a flood; by then all have
// shown cookies, so one goes of the address that holds most, and for a stranger one of the strangers.
void make_room(Context& context, const DatagramReceived& datagram, bool for_stranger) {
  const bool strangers_full = for_stranger && context.sas.half_open_of_strangers() >=
                                                  max_half_open_of_strangers(context.options, context.connections);
  if (!strangers_full && context.sas.half_open() < context.options.max_half_open) return;
  report_limit(context, datagram);
  if (IkeSa* one = context.sas.most_dispensable(strangers_full)) drop(context, *one, Farewell::silent);
}

// Strangers get nothing, not even a cookie.
bool is_configured(Context& context, const DatagramReceived& datagram) {
  if (context.connections.match(IkeVersion::v2, datagram.local.address, datagram.remote.address)) return true;
  context.report(messages::ike_unknown_peer, {}, datagram.remote.text() + " to " + datagram.local.text());
  return false;
}

// True where the request may go on.
bool cookie_shown(Context& context, const DatagramReceived& datagram, const wire::Message& message,
                  const wire::Nonce& nonce) {
  if (context.sas.half_open() < context.options.cookie_threshold &&
      context.sas.half_open_from(datagram.remote.address) < max_without_cookie_per_address)
    return true;
  const uint64_t spi = message.header.initiator_spi;
  const auto* shown = wire::find_notify(message.payloads, wire::NotifyType::cookie);
  if (shown && context.cookies.accepts(shown->data, context.now, datagram.remote, spi, nonce.value)) return true;
  answer_stateless(context, datagram, message.header,
                   notify(wire::NotifyType::cookie,
                          context.cookies.bake(context.random(), context.now, datagram.remote, spi, nonce.value)));
  return false;
}

// In all proposals of an offer; what real peers send is a tenth of that. Each is compared with every proposal of every
// connection that it may be for, before the sender has shown anything.
constexpr size_t max_offered = 512;

size_t count_transforms(const wire::SecurityAssociation& offered) {
  size_t count = 0;
  for (const wire::Proposal& proposal : offered.proposals) count += proposal.transforms.size();
  return count;
}

struct Choice {
  std::shared_ptr<const Connection> connection;
  suite::ChosenIke chosen;
};

std::optional<Choice> choose(Context& context, const DatagramReceived& datagram, const wire::Header& header,
                             const wire::SecurityAssociation& offered) {
  const auto candidates = context.connections.matching(IkeVersion::v2, datagram.local.address, datagram.remote.address);
  if (count_transforms(offered) > max_offered) {
    context.report(messages::ike_no_proposal, {},
                   datagram.remote.text() + " offers more than " + std::to_string(max_offered) + " transforms", {},
                   Report::Proof::none);
    refuse(context, datagram, header, notify(wire::NotifyType::no_proposal_chosen));
    return {};
  }
  // Most connections have the same proposals, which are tried once.
  std::vector<const std::vector<IkeProposal>*> tried;
  for (const auto& connection : candidates) {
    const auto same = [&](const auto* other) { return *other == connection->ike_proposals; };
    if (std::ranges::any_of(tried, same)) continue;
    tried.push_back(&connection->ike_proposals);
    if (const auto chosen = suite::select_ike(offered, connection->ike_proposals)) return Choice{connection, *chosen};
  }
  context.report(messages::ike_no_proposal, candidates.front()->name,
                 datagram.remote.text() + ": " + suite::compare(offered, candidates.front()->ike_proposals),
                 suite::mismatch(offered, candidates.front()->ike_proposals), Report::Proof::none);
  refuse(context, datagram, header, notify(wire::NotifyType::no_proposal_chosen));
  return {};
}

wire::Notify invalid_ke(crypto::KeyExchangeId group) {
  ByteWriter data;
  data.u16(static_cast<uint16_t>(group));
  return notify(wire::NotifyType::invalid_ke_payload, std::move(data).take());
}

// Who the peer is, and with it the connection, shows in IKE_AUTH; so this is for all that it may turn out to be.
void offer_authentication(Context& context, IkeSa& sa, const wire::Payloads& request, wire::Payloads& answer) {
  Handshake& handshake = *sa.handshake;
  const auto candidates = context.connections.matching(IkeVersion::v2, sa.local.address, sa.remote.address);
  const auto any = [&](auto wants) {
    return std::ranges::any_of(candidates, [&](const auto& each) { return wants(*each); });
  };
  handshake.peer_hashes = announced_hashes(request);
  if (!handshake.peer_hashes.empty() && any(uses_signatures)) answer.push_back(hash_announcement());
  handshake.ppk = wire::find_notify(request, wire::NotifyType::use_ppk) &&
                  any([](const Connection& connection) { return connection.ppk.has_value(); });
  if (handshake.ppk) answer.push_back(notify(wire::NotifyType::use_ppk));
  add_certificate_request(candidates, answer);
}

void answer(Context& context, const DatagramReceived& datagram, const wire::Message& message, const Choice& choice) {
  const auto& key_exchange = *wire::find<wire::KeyExchange>(message.payloads);
  auto ours = crypto::KeyExchange::generate(key_exchange.group);
  const auto shared_secret = ours->derive(key_exchange.value);
  if (!shared_secret) return;
  const bool for_stranger = !context.connections.knows_peer_at(datagram.remote.address);
  make_room(context, datagram, for_stranger);

  auto owned = std::make_unique<IkeSa>();
  owned->state = IkeState::init_answered;
  owned->spi_i = message.header.initiator_spi;
  owned->spi_r = context.sas.fresh_spi(context.random());
  owned->local = datagram.local;
  owned->remote = datagram.remote;
  owned->of_stranger = for_stranger;
  owned->created = context.now;
  owned->close_at = context.now + context.options.half_open_timeout;
  owned->proposal = choice.chosen.proposal;
  owned->handshake = std::make_unique<Handshake>();
  IkeSa& sa = context.sas.add(std::move(owned));
  Handshake& handshake = *sa.handshake;
  handshake.nonce_i = wire::find<wire::Nonce>(message.payloads)->value;
  handshake.nonce_r = context.random_bytes(32);
  derive_keys(context, sa, *shared_secret);
  detect_nat(sa, 0, datagram, message.payloads);

  const ByteView value = ours->public_value();
  wire::Payloads payloads = {suite::answer_ike(choice.chosen, {}),
                             wire::KeyExchange{ours->id(), Bytes(value.begin(), value.end())},
                             wire::Nonce{handshake.nonce_r}};
  if (sa.nat_detection)
    add_nat_detection(context, sa, choice.connection->encapsulation, datagram.local, datagram.remote, payloads);
  sa.fragmentation = both_fragment(*choice.connection, message.payloads);
  if (sa.fragmentation) payloads.push_back(notify(wire::NotifyType::fragmentation_supported));
  offer_authentication(context, sa, message.payloads, payloads);
  payloads.push_back(notify(wire::NotifyType::childless_ikev2_supported));  // RFC 6023
  handshake.request = datagram.data;
  handshake.response = wire::encode({.initiator_spi = sa.spi_i,
                                     .responder_spi = sa.spi_r,
                                     .exchange = wire::ExchangeType::ike_sa_init,
                                     .response = true,
                                     .message_id = 0},
                                    payloads);
  context.send(datagram.local, datagram.remote, handshake.response);
  sa.replies.replied(datagram.data, {handshake.response});
}

}  // namespace

void receive_init_request(Context& context, const DatagramReceived& datagram, const wire::Header& header) {
  if (header.responder_spi != 0 || header.message_id != 0 || !header.from_initiator) return;
  if (answered_before(context, datagram, header) || too_many(context, datagram)) return;
  const auto message = wire::decode(datagram.data);
  if (!message) return;
  const auto* offered = wire::find<wire::SecurityAssociation>(message->payloads);
  const auto* key_exchange = wire::find<wire::KeyExchange>(message->payloads);
  const auto* nonce = wire::find<wire::Nonce>(message->payloads);
  if (!offered || !key_exchange || !nonce) return;
  if (!is_configured(context, datagram) || !cookie_shown(context, datagram, *message, *nonce)) return;
  if (const auto* unsupported = wire::find_unsupported(message->payloads))
    return refuse(context, datagram, header,
                  notify(wire::NotifyType::unsupported_critical_payload, {static_cast<uint8_t>(unsupported->type)}));
  const auto choice = choose(context, datagram, header, *offered);
  if (!choice) return;
  if (choice->chosen.proposal.key_exchange != key_exchange->group)
    return answer_stateless(context, datagram, header, invalid_ke(choice->chosen.proposal.key_exchange));
  answer(context, datagram, *message, *choice);
}

}  // namespace sekisho::ike::v2
