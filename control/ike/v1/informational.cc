#include "control/ike/v1/informational.h"

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/quick_mode.h"

namespace sekisho::ike::v1 {
namespace {

using wire::NotifyType;
using wire::Protocol;

wire::Delete delete_of(std::span<const uint32_t> inbound_spis) {
  wire::Delete payload{.protocol = Protocol::esp, .spis = {}};
  for (const uint32_t spi : inbound_spis.first(std::min(inbound_spis.size(), wire::max_deleted_spis))) {
    ByteWriter writer;
    writer.u32(spi);
    payload.spis.push_back(std::move(writer).take());
  }
  return payload;
}

wire::Notification dpd(const IkeSa& sa, NotifyType type, uint32_t sequence) {
  ByteWriter data;
  data.u32(sequence);
  return {.protocol = Protocol::isakmp, .notify = type, .spi = sa.cookies.bytes(), .data = std::move(data).take()};
}

bool is_dpd(const wire::Payload& payload) {
  const auto* notify = std::get_if<wire::Notification>(&payload);
  return notify && (notify->notify == NotifyType::r_u_there || notify->notify == NotifyType::r_u_there_ack);
}

// The payloads under a right HASH(1), of a message that neither end has sent before; nothing otherwise. Dead peer
// detection goes by its own numbers: a peer may repeat an R-U-THERE as it is.
std::optional<wire::Payloads> open(IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header) {
  if (header.message_id == 0 || sa.informational_ids.contains(header.message_id)) return {};
  auto message = decrypt(sa, suite::phase2_iv(sa.proposal, sa.last_block, header.message_id), header, datagram.data);
  if (!message) return {};
  const auto* hash = std::get_if<wire::Hash>(&message->chain.payloads.front());
  if (!hash || !constant_time_equal(
                   hash->data, suite::hash_1(sa.proposal.prf, sa.keys.a, header.message_id, message->behind_hash())))
    return {};
  wire::Payloads& payloads = message->chain.payloads;
  if (!std::all_of(payloads.begin() + 1, payloads.end(), is_dpd)) sa.informational_ids.add(header.message_id);
  return std::move(payloads);
}

uint32_t new_message_id(Context& context) { return context.random().next_u32() | 1; }

void send_hashed(Context& context, const IkeSa& sa, uint32_t message_id, const wire::Payloads& payloads) {
  wire::Header header = header_of(sa, wire::ExchangeType::informational, message_id);
  wire::Payloads all = {
      wire::Hash{suite::hash_1(sa.proposal.prf, sa.keys.a, message_id, wire::encode_payloads(payloads))}};
  all.insert(all.end(), payloads.begin(), payloads.end());
  header.first = wire::first_type(all);
  Bytes iv = suite::phase2_iv(sa.proposal, sa.last_block, message_id);
  context.send(sa.local, sa.remote, wire::encode_encrypted(header, encrypt(sa, iv, all)));
}

void take_probe(Context& context, IkeSa& sa, const DatagramReceived& datagram, uint32_t sequence) {
  // One of ours that somebody sends back.
  if (sa.probe_sequence - sequence < sa.probes) return;
  // RFC 3706 section 7: an older one is a replay. So is the same one again, or it is from a peer that does not count
  // its retransmissions (section 6.2): it is answered, but not as often as anybody can send it.
  constexpr TokenRate repetitions{5, std::chrono::seconds(1)};
  if (sa.peers_sequence && static_cast<int32_t>(sequence - *sa.peers_sequence) < 0) return;
  if (sequence != sa.peers_sequence) {
    sa.peers_sequence = sequence;
    sa.last_heard = context.now;
    follow_peer(context, sa, datagram);
  } else if (!sa.repeated_probes.take(repetitions, context.now)) {
    return;
  }
  send_hashed(context, sa, new_message_id(context), {dpd(sa, NotifyType::r_u_there_ack, sequence)});
}

void take_probe_answer(Context& context, IkeSa& sa, const DatagramReceived& datagram, uint32_t sequence) {
  // To any of the numbers under which the one that awaits its answer was sent.
  if (sa.probe.idle() || sa.probe_sequence - sequence >= sa.probe.tries()) return;
  sa.probe.answered();
  sa.last_heard = context.now;
  follow_peer(context, sa, datagram);
}

void take_dpd(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Notification& notify) {
  ByteReader reader(notify.data);
  const uint32_t sequence = reader.u32();
  if (!reader.finished() || notify.spi != sa.cookies.bytes()) return;
  if (notify.notify == NotifyType::r_u_there)
    take_probe(context, sa, datagram, sequence);
  else
    take_probe_answer(context, sa, datagram, sequence);
}

void take_notification(Context& context, IkeSa& sa, const DatagramReceived& datagram,
                       const wire::Notification& notify) {
  switch (notify.notify) {
    case NotifyType::r_u_there:
    case NotifyType::r_u_there_ack:
      return take_dpd(context, sa, datagram, notify);
    case NotifyType::initial_contact:
      return honour_initial_contact(context, sa);
    case NotifyType::responder_lifetime:
      return take_responder_lifetime(context, sa, notify);
    default:
      // CONNECTED, REPLAY-STATUS and what has no name here say nothing that matters.
      if (wire::is_error(notify.notify)) refuse_quick_mode(context, sa, notify);
  }
}

void peer_deletes_ike(Context& context, IkeSa& sa) {
  const auto connection = sa.connection;
  const bool last = context.sas.of(connection->name).size() == 1;
  if (last) context.report(messages::ike_closed_by_peer, connection->name, describe(sa));
  drop(context, sa);
  // The children stand on their own, but a peer without an ISAKMP SA cannot be asked whether it lives.
  if (last) context.retry(connection->name, connection->retry_interval);
}

void take_child_delete(Context& context, IkeSa& sa, const wire::Delete& payload) {
  for (const Bytes& spi : payload.spis) {
    ByteReader reader(spi);
    peer_deletes_child(context, sa, reader.u32());
  }
}

bool deletes(const wire::Payloads& payloads, const IkeSa& sa) {
  return std::ranges::any_of(wire::all<wire::Delete>(payloads), [&](const wire::Delete* payload) {
    return payload->protocol == Protocol::isakmp && std::ranges::count(payload->spis, sa.cookies.bytes()) != 0;
  });
}

}  // namespace

void send_informational(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  const uint32_t message_id = new_message_id(context);
  sa.informational_ids.add(message_id);
  send_hashed(context, sa, message_id, payloads);
}

void send_delete_children(Context& context, IkeSa& sa, std::span<const uint32_t> inbound_spis) {
  if (!inbound_spis.empty()) send_informational(context, sa, {delete_of(inbound_spis)});
}

void send_delete_ike(Context& context, IkeSa& sa, std::span<const uint32_t> inbound_spis) {
  // Some peers read no further than the first.
  wire::Payloads payloads = {wire::Delete{.protocol = Protocol::isakmp, .spis = {sa.cookies.bytes()}}};
  if (!inbound_spis.empty()) payloads.push_back(delete_of(inbound_spis));
  send_informational(context, sa, payloads);
}

bool is_probed(const IkeSa& sa) {
  const Connection& connection = *sa.connection;
  return sa.peer.dead_peer_detection && connection.dpd_interval != Duration::zero() &&
         connection.dpd_action != DpdAction::none;
}

void send_probe(Context& context, IkeSa& sa) {
  // They begin anywhere, so that the two ends' numbers do not meet. A retransmission has a number of its own as well.
  if (sa.probes++ == 0) sa.probe_sequence = context.random().next_u32() >> 1;
  ++sa.probe_sequence;
  send_hashed(context, sa, new_message_id(context), {dpd(sa, NotifyType::r_u_there, sa.probe_sequence)});
}

Endpoint answer_to(const IkeSa& sa, const DatagramReceived& datagram) {
  const bool may_move = sa.remote_behind_nat && sa.local.port == nat_port && datagram.local == sa.local;
  return may_move ? datagram.remote : sa.remote;
}

void follow_peer(Context& context, IkeSa& sa, const DatagramReceived& datagram) {
  if (answer_to(sa, datagram) == sa.remote) return;
  sa.remote = datagram.remote;
  move_children(context, sa);
}

void move_children(Context& context, const IkeSa& sa) {
  for (ChildSa& child : context.sas.children()) {
    // One that travels otherwise stays as it was negotiated.
    if (child.connection != sa.name() || !child.live() || child.udp_encapsulation != encapsulates(sa)) continue;
    if (child.local == sa.local && child.remote == sa.remote) continue;
    child.local = sa.local;
    child.remote = sa.remote;
    context.actions.push_back(UpdateChildSa{.connection = child.connection,
                                            .inbound_spi = child.inbound_spi,
                                            .udp_encapsulation = child.udp_encapsulation,
                                            .local = child.local,
                                            .remote = child.remote});
  }
}

void receive_informational(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header) {
  const auto payloads = open(sa, datagram, header);
  if (!payloads) return;
  if (sa.state == IkeState::deleting) {
    // Either the peer deletes it too, or it has not had our delete.
    if (deletes(*payloads, sa)) return drop(context, sa);
    return send_delete_ike(context, sa, sa.deleted_children);
  }
  for (const wire::Payload& payload : *payloads) {
    if (const auto* notify = std::get_if<wire::Notification>(&payload))
      take_notification(context, sa, datagram, *notify);
    else if (const auto* request = std::get_if<wire::Delete>(&payload); request && request->protocol == Protocol::esp)
      take_child_delete(context, sa, *request);
    if (sa.state != IkeState::established) return;
  }
  if (deletes(*payloads, sa)) peer_deletes_ike(context, sa);
}

void receive_transaction(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header) {
  if (!open(sa, datagram, header)) return;
  context.report(messages::ike_transaction_refused, sa.name(), describe(sa));
  send_informational(context, sa,
                     {wire::Notification{.protocol = Protocol::isakmp,
                                         .notify = NotifyType::attributes_not_supported,
                                         .spi = sa.cookies.bytes(),
                                         .data = {}}});
}

}  // namespace sekisho::ike::v1
