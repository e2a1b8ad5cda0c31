#include "control/ike/v1/quick_mode.h"

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/suite/proposals.h"
#include "control/ike/v1/informational.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/quick_mode_exchange.h"

namespace sekisho::ike::v1 {
namespace {

// How long a peer may still repeat its last message.
constexpr Duration memory = std::chrono::seconds(60);

// The peer did not answer. Either it refuses in silence or it is gone; dead peer detection finds out which, and without
// that the ISAKMP SA counts as gone.
void silent(Context& context, IkeSa& sa) {
  if (is_probed(sa)) {
    sa.last_heard = std::min(sa.last_heard, context.now - sa.connection->dpd_interval);
  } else {
    context.report(messages::ike_peer_dead, sa.name(), describe(sa) + " does not answer a quick mode");
    const std::string connection = sa.name();
    drop(context, sa);
    return context.after_death(connection);
  }
}

void expired(Context& context, IkeSa& sa, QuickMode& quick_mode) {
  if (quick_mode.initiator) {
    context.report(messages::child_refused, sa.name(), "no answer to a quick mode for " + text(quick_mode.selectors));
    abandon(context, quick_mode);
    context.retry(sa.name(), sa.connection->retry_interval);
    return silent(context, sa);
  }
  abandon(context, quick_mode);
}

}  // namespace

void send_quick_mode(Context& context, IkeSa& sa, uint32_t message_id, QuickMode& quick_mode,
                     const DatagramReceived* received, wire::Payloads payloads,
                     const std::function<Bytes(ByteView rest)>& hash) {
  wire::Payloads all = {wire::Hash{hash(wire::encode_payloads(payloads))}};
  std::ranges::move(payloads, std::back_inserter(all));
  wire::Header header = header_of(sa, wire::ExchangeType::quick_mode, message_id);
  header.first = wire::first_type(all);
  Bytes datagram = wire::encode_encrypted(header, encrypt(sa, quick_mode.iv, all));
  context.send(sa.local, remote_of(sa, quick_mode), datagram);
  quick_mode.sent.forget();
  if (!quick_mode.done) quick_mode.sent.sent({datagram}, sa.connection->retransmission, context.now);
  if (received) quick_mode.last.set(received->data, std::move(datagram));
}

std::optional<wire::Payloads> open_quick_mode(const IkeSa& sa, QuickMode& quick_mode, const wire::Header& header,
                                              ByteView datagram, const std::function<Bytes(ByteView rest)>& expected) {
  auto message = decrypt(sa, quick_mode.iv, header, datagram);
  if (!message) return {};
  const auto* hash = std::get_if<wire::Hash>(&message->chain.payloads.front());
  if (!hash || !constant_time_equal(hash->data, expected(message->behind_hash()))) return {};
  quick_mode.iv = std::move(message->next_iv);
  return std::move(message->chain.payloads);
}

void done(Context& context, QuickMode& quick_mode) {
  quick_mode.done = true;
  quick_mode.sent.forget();
  quick_mode.key_exchange.reset();
  quick_mode.forget_at = context.now + memory;
}

const Endpoint& remote_of(const IkeSa& sa, const QuickMode& quick_mode) {
  return quick_mode.initiator ? sa.remote : quick_mode.asked_from;
}

wire::EncapsulationMode mode_of(const IkeSa& sa) {
  if (!encapsulates(sa)) return wire::EncapsulationMode::tunnel;
  return sa.peer.nat_traversal == NatTraversal::draft ? wire::EncapsulationMode::draft_udp_tunnel
                                                      : wire::EncapsulationMode::udp_tunnel;
}

const ChildDefinition* find_definition(const Connection& connection, const std::string& name) {
  const auto found = std::ranges::find(connection.children, name, &ChildDefinition::name);
  return found == connection.children.end() ? nullptr : &*found;
}

std::string text(const ike::suite::Selectors& selectors) {
  return selectors.local.front().text() + " here to " + selectors.remote.front().text() + " there";
}

suite::Lifetime lifetime_of(const ChildDefinition& definition) {
  return {definition.lifetime, (definition.lifetime_bytes + 1023) / 1024};
}

void abandon(Context& context, QuickMode& quick_mode) {
  if (!quick_mode.done && quick_mode.inbound_spi != 0) {
    if (quick_mode.initiator)
      context.environment.release_inbound_spi(quick_mode.inbound_spi);
    else
      give_up_unconfirmed(context, quick_mode.inbound_spi);
  }
  quick_mode.inbound_spi = 0;
  done(context, quick_mode);
}

bool making(Context& context, const std::string& connection, const std::string& child,
            const ike::suite::Selectors& selectors) {
  for (const IkeSa* sa : context.sas.of(connection))
    for (const auto& [message_id, quick_mode] : sa->quick_modes)
      if (!quick_mode.done && quick_mode.child == child && quick_mode.selectors == selectors) return true;
  return false;
}

void finish_quick_mode(Context& context, uint32_t inbound_spi) {
  context.sas.for_each([&](IkeSa& sa) {
    for (auto& [message_id, quick_mode] : sa.quick_modes)
      if (quick_mode.inbound_spi == inbound_spi && !quick_mode.initiator && !quick_mode.done) done(context, quick_mode);
  });
}

void refuse_quick_mode(Context& context, IkeSa& sa, const wire::Notification& error) {
  QuickMode* refused = nullptr;
  size_t open = 0;
  for (auto& [message_id, quick_mode] : sa.quick_modes) {
    if (!quick_mode.initiator || quick_mode.done) continue;
    ByteReader spi(error.spi);
    const bool named = error.spi.size() == 4 && spi.u32() == quick_mode.inbound_spi;
    if (named || ++open == 1) refused = &quick_mode;
    if (named) break;
    // What names none of several is not known to be about any.
    if (open > 1) refused = nullptr;
  }
  if (!refused) return;
  const std::string said = "peer answered " + wire::name(error.notify) + " for " + text(refused->selectors);
  const ChildDefinition* definition = find_definition(*sa.connection, refused->child);
  if (error.notify == wire::NotifyType::no_proposal_chosen && definition)
    context.report(messages::child_no_proposal, sa.name(),
                   said + "; offered here: " + ike::suite::text(definition->esp_proposals),
                   suite::mismatch({}, definition->esp_proposals, {.udp_encapsulation = encapsulates(sa)}));
  else if (error.notify == wire::NotifyType::invalid_id_information)
    context.report(messages::ike_ts_unacceptable, sa.name(), said, ike::suite::mismatch({}, refused->selectors));
  else
    context.report(messages::child_refused, sa.name(), said);
  abandon(context, *refused);
  context.retry(sa.name(), sa.connection->retry_interval);
}

void take_responder_lifetime(Context& context, IkeSa& sa, const wire::Notification& notify) {
  const suite::Lifetime lifetime = suite::decode_lifetime(notify.data);
  if (notify.protocol != wire::Protocol::isakmp || notify.spi != sa.cookies.bytes() ||
      lifetime.time == Duration::zero() || sa.established_at + lifetime.time >= sa.expires_at)
    return;
  sa.expires_at = sa.established_at + lifetime.time;
  sa.rekey_at = std::min(sa.rekey_at, context.renewal_of(sa.expires_at - context.now, sa.connection->ike_renewal));
}

std::optional<Instant> deadline(const QuickMode& quick_mode) {
  return quick_mode.done ? quick_mode.forget_at : quick_mode.sent.deadline();
}

void on_quick_mode_timers(Context& context, IkeSa& sa) {
  std::erase_if(sa.quick_modes,
                [&](const auto& item) { return item.second.done && context.now >= item.second.forget_at; });
  std::vector<QuickMode*> late;
  for (auto& [message_id, quick_mode] : sa.quick_modes) switch (quick_mode.sent.on_timer(context.now)) {
      case RequestWindow::Due::nothing:
        break;
      case RequestWindow::Due::retransmit:
        context.send(sa.local, remote_of(sa, quick_mode), quick_mode.sent.datagrams());
        break;
      case RequestWindow::Due::expired:
        late.push_back(&quick_mode);
        break;
    }
  for (QuickMode* quick_mode : late) {
    if (sa.state == IkeState::gone) return;  // and the quick modes with it
    expired(context, sa, *quick_mode);
    if (sa.state != IkeState::gone) done(context, *quick_mode);
  }
}

void receive_quick_mode(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header) {
  if (header.message_id == 0) return;
  const auto found = sa.quick_modes.find(header.message_id);
  if (found == sa.quick_modes.end()) return receive_quick_1(context, sa, datagram, header);
  QuickMode& quick_mode = found->second;
  if (quick_mode.last.repeated(datagram.data)) {
    if (quick_mode.last.may_answer_again(context.now))
      context.send(sa.local, remote_of(sa, quick_mode), quick_mode.last.answer);
    return;
  }
  if (quick_mode.done) return;
  if (quick_mode.initiator)
    receive_quick_2(context, sa, quick_mode, datagram, header);
  else
    receive_quick_3(context, sa, quick_mode, datagram, header);
}

}  // namespace sekisho::ike::v1
