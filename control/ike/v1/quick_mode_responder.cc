#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v1/informational.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/quick_mode_exchange.h"
#include "control/ike/v1/suite/identities.h"

namespace sekisho::ike::v1 {
namespace {

// Under one ISAKMP SA: quick modes of the peer that are not finished, and such that are kept for repetitions.
constexpr size_t max_open = 8, max_kept = 64;
// Children of one connection for one traffic: old ones that nobody deletes.
constexpr size_t max_children_alike = 6;

// Children of one connection, in whatever state: each pair of selectors has one and its successor.
size_t max_children(const Connection& connection) {
  size_t pairs = 0;
  for (const ChildDefinition& definition : connection.children)
    pairs += definition.local_selectors.size() * definition.remote_selectors.size();
  return 6 + 2 * pairs;
}

struct Choice {
  const ChildDefinition* definition = nullptr;
  suite::ChosenEsp chosen;
  ike::suite::Selectors selectors;
};

// What the peer asks for, seen from here: IDci is its side. Without identities it is the two ends' own addresses (RFC
// 2409 section 5.5).
std::optional<ike::suite::Selectors> asked_for(const IkeSa& sa, const wire::Payloads& payloads) {
  const auto ids = wire::all<wire::Identification>(payloads);
  const auto host = [](const IpAddress& address) { return TrafficSelector{address, address}; };
  if (ids.empty()) return ike::suite::Selectors{{host(sa.local.address)}, {host(sa.remote.address)}};
  if (ids.size() != 2) return {};
  const auto theirs = suite::decode_selector(*ids[0]), ours = suite::decode_selector(*ids[1]);
  if (!theirs || !ours) return {};
  return ike::suite::Selectors{{*ours}, {*theirs}};
}

void refuse(Context& context, IkeSa& sa, wire::NotifyType error) {
  send_informational(context, sa,
                     {wire::Notification{.protocol = wire::Protocol::esp, .notify = error, .spi = {}, .data = {}}});
}

std::string configured_text(const Connection& connection) {
  std::string text;
  for (const ChildDefinition& definition : connection.children)
    for (const auto& local : definition.local_selectors)
      for (const auto& remote : definition.remote_selectors) {
        if (text.size() > 400) return text + " ...";
        text += (text.empty() ? "" : "; ") + local.text() + " here to " + remote.text() + " there";
      }
  return text;
}

// Of all children together.
ike::suite::Selectors configured(const Connection& connection) {
  ike::suite::Selectors all;
  for (const ChildDefinition& definition : connection.children) {
    std::ranges::copy(definition.local_selectors, std::back_inserter(all.local));
    std::ranges::copy(definition.remote_selectors, std::back_inserter(all.remote));
  }
  return all;
}

// IKEv1 cannot narrow: what is asked for lies within a definition, or is refused.
std::optional<Choice> choose(Context& context, IkeSa& sa, const wire::SecurityAssociation& offered,
                             const suite::Surroundings& surroundings, const wire::Payloads& payloads) {
  const auto selectors = asked_for(sa, payloads);
  const ChildDefinition* fitting = nullptr;
  for (const ChildDefinition& definition : sa.connection->children) {
    if (!selectors || !ike::suite::acceptable(*selectors, {definition.local_selectors, definition.remote_selectors}))
      continue;
    fitting = &definition;
    if (const auto chosen = suite::select_esp(offered, definition.esp_proposals, surroundings))
      return Choice{&definition, *chosen, *selectors};
  }
  if (fitting) {
    const Mismatch mismatch = suite::mismatch(offered, fitting->esp_proposals, surroundings);
    context.report(messages::child_no_proposal, sa.name(), suite::text(mismatch), mismatch);
    refuse(context, sa, wire::NotifyType::no_proposal_chosen);
  } else {
    context.report(messages::ike_ts_unacceptable, sa.name(),
                   "peer asks for " + (selectors ? text(*selectors) : std::string("what is no address")) +
                       "; configured: " + configured_text(*sa.connection),
                   ike::suite::mismatch(selectors.value_or(ike::suite::Selectors{}), configured(*sa.connection)));
    refuse(context, sa, wire::NotifyType::invalid_id_information);
  }
  return {};
}

bool too_many(Context& context, IkeSa& sa) {
  const auto open = std::ranges::count_if(sa.quick_modes,
                                          [](const auto& item) { return !item.second.done && !item.second.initiator; });
  if (static_cast<size_t>(open) < max_open && sa.quick_modes.size() < max_kept) return false;
  context.report(messages::ike_quick_mode_limit, sa.name(), describe(sa));
  return true;
}

// Old ones that the peer never deletes make room, the oldest first; what carries traffic is the newest.
void make_room(Context& context, const std::string& connection, const Choice& choice) {
  std::vector<uint32_t> alike;
  for (const ChildSa& child : context.sas.children())
    if (child.connection == connection && child.name == choice.definition->name &&
        child.selectors == choice.selectors && !child.outbound_active)
      alike.push_back(child.inbound_spi);
  for (size_t i = 0; i + max_children_alike <= alike.size(); ++i) remove_child(context, alike[i]);
}

// An SPI for the child beside the peer's. Keys of the two directions differ by their SPIs alone (RFC 2409 section 5.5):
// under equal ones both would be encrypted with the same nonces.
std::optional<uint32_t> allocate_spi(Context& context, const IkeSa& sa, uint32_t peer_spi) {
  const auto children = std::ranges::count(context.sas.children(), sa.name(), &ChildSa::connection);
  if (static_cast<size_t>(children) >= max_children(*sa.connection)) return {};
  const auto spi = context.environment.allocate_inbound_spi();
  if (spi != peer_spi) return spi;
  const auto other = context.environment.allocate_inbound_spi();
  context.environment.release_inbound_spi(*spi);
  return other;
}

void answer(Context& context, IkeSa& sa, QuickMode& quick_mode, const DatagramReceived& datagram, uint32_t message_id,
            const wire::Payloads& request, const Choice& choice) {
  const auto* key_exchange = wire::find<wire::KeyExchange>(request);
  std::optional<SecretBytes> shared_secret;
  std::unique_ptr<crypto::KeyExchange> own;
  if (key_exchange) {
    own = crypto::KeyExchange::generate(choice.chosen.pfs);
    shared_secret = own->derive(key_exchange->data);
    if (!shared_secret) return refuse(context, sa, wire::NotifyType::invalid_key_information);
  }
  const auto spi = allocate_spi(context, sa, choice.chosen.peer_spi);
  if (!spi) {
    context.report(messages::sa_table_full, sa.name(), "no SPI for another child SA of the peer's");
    return refuse(context, sa, wire::NotifyType::no_proposal_chosen);
  }
  quick_mode.inbound_spi = *spi;
  wire::Payloads payloads = {suite::answer_esp(choice.chosen, *spi), wire::Nonce{quick_mode.nonce_r}};
  if (own) {
    const ByteView value = own->public_value();
    payloads.push_back(wire::KeyExchange{{value.begin(), value.end()}});
  }
  // As they came; the hash covers them as they are sent.
  for (const auto* id : wire::all<wire::Identification>(request)) payloads.push_back(*id);
  const suite::Lifetime ours = lifetime_of(*choice.definition), both = suite::shorter(ours, choice.chosen.lifetime);
  if (both.time < choice.chosen.lifetime.time || both.kilobytes < choice.chosen.lifetime.kilobytes) {
    ByteWriter named;
    named.u32(*spi);
    payloads.push_back(wire::Notification{.protocol = wire::Protocol::esp,
                                          .notify = wire::NotifyType::responder_lifetime,
                                          .spi = std::move(named).take(),
                                          .data = suite::encode_lifetime(both)});
  }
  install_child(context, sa,
                {.definition = choice.definition,
                 .chosen = choice.chosen,
                 .inbound_spi = *spi,
                 .selectors = choice.selectors,
                 .began_here = false,
                 .nonce_i = quick_mode.nonce_i,
                 .nonce_r = quick_mode.nonce_r,
                 .shared_secret = shared_secret ? &*shared_secret : nullptr,
                 .lifetime = both});
  send_quick_mode(context, sa, message_id, quick_mode, &datagram, std::move(payloads), [&](ByteView rest) {
    return suite::hash_2(sa.proposal.prf, sa.keys.a, message_id, quick_mode.nonce_i, rest);
  });
}

}  // namespace

void receive_quick_1(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header) {
  if (sa.quick_mode_ids.contains(header.message_id)) return;
  QuickMode quick_mode{.iv = suite::phase2_iv(sa.proposal, sa.last_block, header.message_id),
                       .asked_from = answer_to(sa, datagram)};
  const auto payloads = open_quick_mode(sa, quick_mode, header, datagram.data, [&](ByteView rest) {
    return suite::hash_1(sa.proposal.prf, sa.keys.a, header.message_id, rest);
  });
  if (!payloads || too_many(context, sa)) return;
  // It may be a replay from before what is remembered: it shows neither that the peer is there nor where.
  sa.quick_mode_ids.add(header.message_id);
  const auto* offered = wire::find<wire::SecurityAssociation>(*payloads);
  const auto* nonce = wire::find<wire::Nonce>(*payloads);
  if (!offered || !nonce) return refuse(context, sa, wire::NotifyType::payload_malformed);
  const bool key_exchange = wire::find<wire::KeyExchange>(*payloads) != nullptr;
  const auto choice =
      choose(context, sa, *offered, {.key_exchange = key_exchange, .udp_encapsulation = encapsulates(sa)}, *payloads);
  if (!choice) return;
  make_room(context, sa.name(), *choice);
  quick_mode.child = choice->definition->name;
  quick_mode.selectors = choice->selectors;
  quick_mode.nonce_i = nonce->data;
  quick_mode.nonce_r = context.random_bytes(32);
  answer(context, sa, quick_mode, datagram, header.message_id, *payloads, *choice);
  if (quick_mode.inbound_spi != 0) sa.quick_modes.emplace(header.message_id, std::move(quick_mode));
}

void receive_quick_3(Context& context, IkeSa& sa, QuickMode& quick_mode, const DatagramReceived& datagram,
                     const wire::Header& header) {
  const auto payloads = open_quick_mode(sa, quick_mode, header, datagram.data, [&](ByteView) {
    return suite::hash_3(sa.proposal.prf, sa.keys.a, header.message_id, quick_mode.nonce_i, quick_mode.nonce_r);
  });
  if (!payloads) return;
  sa.last_heard = context.now;
  follow_peer(context, sa, datagram);
  done(context, quick_mode);
  quick_mode.last.set(datagram.data, {});
  if (ChildSa* child = context.sas.find_child(quick_mode.inbound_spi)) confirm_child(context, *child);
}

}  // namespace sekisho::ike::v1
