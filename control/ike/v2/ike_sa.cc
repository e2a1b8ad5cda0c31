#include "control/ike/v2/ike_sa.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/esp_size.h"
#include "control/ike/v2/ike_sa_table.h"

namespace sekisho::ike::v2 {

bool IkeSa::pending(Task::Kind kind) const {
  return in_flight(kind) || std::ranges::any_of(queue, [kind](const auto& task) { return task->kind() == kind; });
}

bool IkeSa::asks_for(std::string_view child) const {
  const auto asks = [child](const auto& task) { return task->new_child() == child; };
  return (active && asks(active)) || std::ranges::any_of(queue, asks);
}

std::string_view name(IkeState state) {
  switch (state) {
    case IkeState::init_sent:
    case IkeState::auth_sent:
    case IkeState::init_answered:
      return "connecting";
    case IkeState::established:
      return "established";
    case IkeState::rekeyed:
    case IkeState::deleting:
      return "deleting";
    case IkeState::closed:
    case IkeState::gone:
      break;
  }
  return "closed";
}

std::string describe(const IkeSa& sa) {
  return fmt::format("{:016x}/{:016x} with {}", sa.spi_i, sa.spi_r, sa.remote.text());
}

void set_keys(Context& context, IkeSa& sa, suite::IkeKeys keys) {
  const crypto::SkAlgorithm& algorithm = sa.proposal.sk;
  if (KeyObserver* observer = context.environment.key_observer())
    observer->ike_sa({sa.spi_i, sa.spi_r, algorithm, keys.ei, keys.er, keys.ai, keys.ar});
  crypto::SkCipher from_initiator(algorithm, std::move(keys.ei), std::move(keys.ai));
  crypto::SkCipher from_responder(algorithm, std::move(keys.er), std::move(keys.ar));
  sa.sealing.emplace(sa.initiator ? std::move(from_initiator) : std::move(from_responder));
  sa.opening.emplace(sa.initiator ? std::move(from_responder) : std::move(from_initiator));
  sa.sk_d = std::move(keys.d);
  sa.sk_pi = std::move(keys.pi);
  sa.sk_pr = std::move(keys.pr);
}

size_t outer_headers(const IkeSa& sa) {
  constexpr size_t non_esp_marker = 4;
  return (sa.remote.address.is_v4() ? ipv4_header_size : ipv6_header_size) + udp_header_size +
         (sa.local.port == nat_port ? non_esp_marker : 0);
}

void enqueue(IkeSa& sa, std::unique_ptr<Task> task) { sa.queue.push_back(std::move(task)); }
void enqueue_first(IkeSa& sa, std::unique_ptr<Task> task) { sa.queue.push_front(std::move(task)); }

namespace {

wire::Header header_of(const IkeSa& sa, wire::ExchangeType exchange, uint32_t message_id, bool response) {
  return {.initiator_spi = sa.spi_i,
          .responder_spi = sa.spi_r,
          .exchange = exchange,
          .from_initiator = sa.initiator,
          .response = response,
          .message_id = message_id};
}

// RFC 7383 section 2.5.1: what every path of the family carries, unless the operator knows better.
constexpr size_t ipv4_datagram = 576, ipv6_datagram = least_ipv6_mtu;

// Of an IKE message, in bytes, before it is sent in fragments.
size_t longest_message(const IkeSa& sa) {
  if (!sa.fragmentation) return std::numeric_limits<size_t>::max();
  const bool v4 = sa.remote.address.is_v4();
  const size_t configured = sa.connection ? sa.connection->fragment_size : 0;
  const size_t datagram = configured != 0 ? configured : v4 ? ipv4_datagram : ipv6_datagram;
  return datagram - outer_headers(sa);
}

Datagrams protect(Context& context, IkeSa& sa, const wire::Header& header, const wire::Payloads& payloads) {
  return wire::protect(header, payloads, *sa.sealing, context.random(), longest_message(sa));
}

void send_request(Context& context, IkeSa& sa, const wire::Header& header, const wire::Payloads& payloads,
                  std::optional<Duration> padded_for) {
  const Retransmission& retransmission = sa.connection->retransmission;
  if (!padded_for) {
    Datagrams datagrams = protect(context, sa, header, payloads);
    context.send(sa.local, sa.remote, datagrams);
    return sa.requests.sent(std::move(datagrams), retransmission, context.now);
  }
  Bytes padded = wire::protect(header, payloads, *sa.sealing, context.random());
  context.actions.push_back(SendDatagram{sa.local, sa.remote, padded, true});
  Bytes empty = wire::protect(header, {}, *sa.sealing, context.random());
  sa.requests.sent_padded(std::move(padded), std::move(empty), retransmission, *padded_for, context.now);
}

// While ours is in flight too, it is open whether the IKE SA that the peer's rekey made will be the heir; whatever we
// asked on it might be asked of the wrong one.
bool undecided(Context& context, const IkeSa& sa) {
  const IkeSa* old = sa.predecessor != 0 ? context.sas.find(sa.predecessor) : nullptr;
  return old && old->state == IkeState::established;
}

}  // namespace

void pump(Context& context, IkeSa& sa) {
  if (undecided(context, sa)) return;
  while (sa.requests.idle() && !sa.active && !sa.queue.empty() && sa.sealing && sa.state < IkeState::closed) {
    std::unique_ptr<Task> task = std::move(sa.queue.front());
    sa.queue.pop_front();
    const std::optional<wire::Payloads> payloads = task->request(context, sa);
    if (!payloads) continue;
    const wire::Header header = header_of(sa, task->exchange(), sa.requests.message_id(), false);
    send_request(context, sa, header, *payloads, task->padded_for());
    sa.active = std::move(task);
  }
}

void send_farewell(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  if (!sa.sealing) return;
  // A request in flight leaves the window to none after it (section 2.3), but a peer that has seen it takes the next.
  // One that tries how much the path carries may not have got there: its small form goes before.
  if (sa.active && sa.active->padded_for()) context.send(sa.local, sa.remote, sa.requests.datagrams());
  const uint32_t message_id = sa.requests.message_id() + (sa.requests.idle() ? 0 : 1);
  const wire::Header header = header_of(sa, wire::ExchangeType::informational, message_id, false);
  context.send(sa.local, sa.remote, protect(context, sa, header, payloads));
}

void send_reply(Context& context, IkeSa& sa, const DatagramReceived& request, const wire::Header& header,
                const wire::Payloads& payloads) {
  Datagrams reply = protect(context, sa, header_of(sa, header.exchange, header.message_id, true), payloads);
  context.send(request.local, request.remote, reply);
  sa.replies.replied(request.data, std::move(reply));
}

wire::Notify notify(wire::NotifyType type, Bytes data) { return {.notify = type, .data = std::move(data)}; }

bool offers_group(const Connection& connection, crypto::KeyExchangeId group) {
  const auto& proposals = connection.ike_proposals;
  return std::ranges::find(proposals, group, &IkeProposal::key_exchange) != proposals.end();
}

}  // namespace sekisho::ike::v2
