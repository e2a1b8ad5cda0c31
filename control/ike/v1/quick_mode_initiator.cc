#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v1/informational.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/quick_mode_exchange.h"
#include "control/ike/v1/suite/identities.h"

namespace sekisho::ike::v1 {
namespace {

// IKEv1 has one pair of identities for a child, so a definition with several selectors is as many children.
std::vector<ike::suite::Selectors> pairs_of(const ChildDefinition& definition) {
  std::vector<ike::suite::Selectors> pairs;
  for (const TrafficSelector& local : definition.local_selectors)
    for (const TrafficSelector& remote : definition.remote_selectors)
      if (local.first.family() == remote.first.family()) pairs.push_back({{local}, {remote}});
  return pairs;
}

bool carried(Context& context, const Connection& connection, const ChildDefinition& definition,
             const ike::suite::Selectors& pair) {
  return std::ranges::any_of(context.sas.children(),
                             [&](const ChildSa& child) {
                               return child.connection == connection.name && child.name == definition.name &&
                                      child.live() &&
                                      ike::suite::contains(child.selectors.local.front(), pair.local.front()) &&
                                      ike::suite::contains(child.selectors.remote.front(), pair.remote.front());
                             }) ||
         making(context, connection.name, definition.name, pair);
}

void install(Context& context, IkeSa& sa, QuickMode& quick_mode, const ChildDefinition& definition,
             const suite::ChosenEsp& chosen, const SecretBytes* shared_secret) {
  install_child(context, sa,
                {.definition = &definition,
                 .chosen = chosen,
                 .inbound_spi = std::exchange(quick_mode.inbound_spi, 0),
                 .selectors = quick_mode.selectors,
                 .began_here = true,
                 .nonce_i = quick_mode.nonce_i,
                 .nonce_r = quick_mode.nonce_r,
                 .shared_secret = shared_secret,
                 .lifetime = suite::shorter(lifetime_of(definition), chosen.lifetime)});
}

// What the responder's answer was wrong in. Nothing of it is installed there before our third message.
void refuse_answer(Context& context, IkeSa& sa, QuickMode& quick_mode, const Message& message, std::string detail,
                   std::optional<Mismatch> mismatch = {}) {
  context.report(message, sa.name(), std::move(detail), std::move(mismatch));
  abandon(context, quick_mode);
  context.retry(sa.name(), sa.connection->retry_interval);
}

// The identities come back as they went, or not at all where the peer takes them for granted.
bool same_identities(const QuickMode& quick_mode, const wire::Payloads& payloads) {
  const auto ids = wire::all<wire::Identification>(payloads);
  if (ids.empty()) return true;
  return ids.size() == 2 && suite::decode_selector(*ids[0]) == quick_mode.selectors.local.front() &&
         suite::decode_selector(*ids[1]) == quick_mode.selectors.remote.front();
}

}  // namespace

bool misses_children(Context& context, const Connection& connection) {
  for (const ChildDefinition& definition : connection.children)
    for (const auto& pair : pairs_of(definition))
      if (!carried(context, connection, definition, pair)) return true;
  return false;
}

void begin_missing(Context& context, IkeSa& sa) {
  for (const ChildDefinition& definition : sa.connection->children)
    for (const auto& pair : pairs_of(definition))
      if (!carried(context, *sa.connection, definition, pair)) begin_quick_mode(context, sa, definition.name, pair);
}

void begin_quick_mode(Context& context, IkeSa& sa, const std::string& child, const ike::suite::Selectors& selectors) {
  const ChildDefinition* definition = find_definition(*sa.connection, child);
  if (!definition || definition->esp_proposals.empty()) return;
  const auto spi = context.environment.allocate_inbound_spi();
  if (!spi) {
    context.report(messages::sa_table_full, sa.name(), "no SPI for " + text(selectors));
    return context.retry(sa.name(), sa.connection->retry_interval);
  }
  uint32_t message_id = 0;
  while (message_id == 0 || sa.quick_mode_ids.contains(message_id)) message_id = context.random().next_u32();
  sa.quick_mode_ids.add(message_id);
  QuickMode& quick_mode = sa.quick_modes[message_id];
  quick_mode.initiator = true;
  quick_mode.child = child;
  quick_mode.selectors = selectors;
  quick_mode.inbound_spi = *spi;
  quick_mode.iv = suite::phase2_iv(sa.proposal, sa.last_block, message_id);
  quick_mode.nonce_i = context.random_bytes(32);

  wire::Payloads payloads = {suite::offer_esp(definition->esp_proposals, *spi, mode_of(sa), lifetime_of(*definition)),
                             wire::Nonce{quick_mode.nonce_i}};
  const auto group = definition->esp_proposals.front().pfs;
  if (group != crypto::KeyExchangeId::none) {
    quick_mode.key_exchange = crypto::KeyExchange::generate(group);
    const ByteView value = quick_mode.key_exchange->public_value();
    payloads.push_back(wire::KeyExchange{{value.begin(), value.end()}});
  }
  payloads.push_back(suite::encode_selector(selectors.local.front()));
  payloads.push_back(suite::encode_selector(selectors.remote.front()));
  send_quick_mode(context, sa, message_id, quick_mode, nullptr, std::move(payloads),
                  [&](ByteView rest) { return suite::hash_1(sa.proposal.prf, sa.keys.a, message_id, rest); });
}

void receive_quick_2(Context& context, IkeSa& sa, QuickMode& quick_mode, const DatagramReceived& datagram,
                     const wire::Header& header) {
  const auto payloads = open_quick_mode(sa, quick_mode, header, datagram.data, [&](ByteView rest) {
    return suite::hash_2(sa.proposal.prf, sa.keys.a, header.message_id, quick_mode.nonce_i, rest);
  });
  if (!payloads) return;
  sa.last_heard = context.now;
  follow_peer(context, sa, datagram);
  const auto* answer = wire::find<wire::SecurityAssociation>(*payloads);
  const auto* nonce = wire::find<wire::Nonce>(*payloads);
  const auto* key_exchange = wire::find<wire::KeyExchange>(*payloads);
  const ChildDefinition* definition = find_definition(*sa.connection, quick_mode.child);
  if (!answer || !nonce || !definition)
    return refuse_answer(context, sa, quick_mode, messages::child_refused, "peer's answer has no SA or no nonce");
  const suite::Surroundings surroundings{.key_exchange = quick_mode.key_exchange != nullptr,
                                         .udp_encapsulation = encapsulates(sa)};
  auto chosen = suite::accept_esp(*answer, definition->esp_proposals, surroundings);
  if (!chosen || surroundings.key_exchange != (key_exchange != nullptr)) {
    const Mismatch mismatch = suite::mismatch(*answer, definition->esp_proposals, surroundings);
    return refuse_answer(context, sa, quick_mode, messages::child_no_proposal,
                         "the peer's answer is not one of ours: " + suite::text(mismatch), mismatch);
  }
  if (!same_identities(quick_mode, *payloads))
    return refuse_answer(context, sa, quick_mode, messages::ike_ts_unacceptable,
                         "the peer's answer is not for " + text(quick_mode.selectors),
                         ike::suite::mismatch({}, quick_mode.selectors));
  if (chosen->peer_spi == quick_mode.inbound_spi)
    return refuse_answer(context, sa, quick_mode, messages::child_refused, "the peer's SPI is the one chosen here");
  std::optional<SecretBytes> shared_secret;
  if (key_exchange) {
    shared_secret = quick_mode.key_exchange->derive(key_exchange->data);
    if (!shared_secret)
      return refuse_answer(context, sa, quick_mode, messages::child_refused, "the peer's KE payload is none");
  }
  if (const auto* notify = wire::find_notify(*payloads, wire::NotifyType::responder_lifetime))
    chosen->lifetime = suite::shorter(chosen->lifetime, suite::decode_lifetime(notify->data));
  quick_mode.nonce_r = nonce->data;
  install(context, sa, quick_mode, *definition, *chosen, shared_secret ? &*shared_secret : nullptr);
  done(context, quick_mode);
  send_quick_mode(context, sa, header.message_id, quick_mode, &datagram, {}, [&](ByteView) {
    return suite::hash_3(sa.proposal.prf, sa.keys.a, header.message_id, quick_mode.nonce_i, quick_mode.nonce_r);
  });
}

}  // namespace sekisho::ike::v1
