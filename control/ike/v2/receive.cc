#include "control/ike/v2/receive.h"

#include "base/messages/ike.h"
#include "control/ike/answer_limit.h"
#include "control/ike/v2/create_child_sa.h"
#include "control/ike/v2/ike_auth.h"
#include "control/ike/v2/ike_sa_init.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/informational.h"
#include "control/ike/v2/lifecycle.h"
#include "control/ike/v2/rekey_ike.h"

namespace sekisho::ike::v2 {
namespace {

using wire::ExchangeType;

void receive_create_child_request(Context& context, IkeSa& sa, const DatagramReceived& datagram,
                                  const wire::Message& message) {
  const auto* sa_payload = wire::find<wire::SecurityAssociation>(message.payloads);
  const bool about_ike =
      sa_payload && !sa_payload->proposals.empty() && sa_payload->proposals.front().protocol == wire::Protocol::ike;
  // What is made goes where the SA is, and whether the peer really is there is being asked.
  if (sa.pending(Task::Kind::check_routability))
    return send_reply(context, sa, datagram, message.header, {notify(wire::NotifyType::temporary_failure)});
  const wire::Payloads answer =
      about_ike ? answer_rekey_ike(context, sa, message.payloads) : answer_create_child(context, sa, message.payloads);
  send_reply(context, sa, datagram, message.header, answer);
}

// Which request is taken in which states, and by whom. What is not here is not answered.
struct RequestRule {
  ExchangeType exchange;
  IkeState first, last;
  void (*handler)(Context&, IkeSa&, const DatagramReceived&, const wire::Message&);
};
constexpr RequestRule request_rules[] = {
    {ExchangeType::ike_auth, IkeState::init_answered, IkeState::init_answered, receive_auth_request},
    {ExchangeType::create_child_sa, IkeState::established, IkeState::deleting, receive_create_child_request},
    {ExchangeType::informational, IkeState::established, IkeState::deleting, receive_informational_request},
};

const RequestRule* find_rule(const IkeSa& sa, ExchangeType exchange) {
  for (const RequestRule& rule : request_rules)
    if (rule.exchange == exchange && sa.state >= rule.first && sa.state <= rule.last) return &rule;
  return nullptr;
}

// What a protected message holds, once all of it is here.
enum class Unopened : uint8_t {
  nothing,   // not authentic, or fragments of it are missing
  malformed  // the peer sent it so, protected
};
std::expected<wire::Payloads, Unopened> unprotect(IkeSa& sa, Reassembly& fragments, DatagramReceived& datagram,
                                                  const wire::Message& message) {
  const auto* fragment = wire::find<wire::EncryptedFragment>(message.payloads);
  if (!fragment) {
    auto payloads = wire::unprotect(message, datagram.data, *sa.opening);
    if (payloads) return std::move(*payloads);
    return std::unexpected(payloads.error() == wire::UnprotectFailure::malformed ? Unopened::malformed
                                                                                 : Unopened::nothing);
  }
  const uint32_t message_id = message.header.message_id;
  if (!sa.fragmentation || !fragments.wants(message_id, *fragment)) return std::unexpected(Unopened::nothing);
  std::optional<Bytes> plaintext = wire::open(fragment->sealed, datagram.data, *sa.opening);
  if (!plaintext) return std::unexpected(Unopened::nothing);
  auto whole = fragments.add(message_id, *fragment, std::move(*plaintext), datagram.data);
  if (!whole) return std::unexpected(Unopened::nothing);
  datagram.data = std::move(whole->first_datagram);
  auto payloads = wire::decode_payloads(whole->first, whole->plaintext);
  if (!payloads) return std::unexpected(Unopened::malformed);
  return std::move(*payloads);
}

// The request that was answered last, in other pieces than before (RFC 7383 section 2.5.1).
bool repeats_in_other_pieces(const IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message) {
  const auto* fragment = wire::find<wire::EncryptedFragment>(message.payloads);
  return fragment && fragment->number == 1 && sa.fragmentation && sa.opening &&
         sa.replies.answered_last(message.header.message_id) &&
         wire::open(fragment->sealed, datagram.data, *sa.opening);
}

// Section 2.23: a peer behind a NAT may get another address and port there at any time; an authentic message that is
// not a replay shows it.
// With MOBIKE the peer says so itself (RFC 4555 section 3.8).
void follow_peer(Context& context, IkeSa& sa, const DatagramReceived& datagram) {
  if (sa.state != IkeState::established || sa.mobike || !sa.remote_behind_nat || sa.local.port != nat_port) return;
  if (datagram.local != sa.local || datagram.remote == sa.remote) return;
  sa.remote = datagram.remote;
  move_children(context, sa, sa.remote);
}

void receive_request(Context& context, IkeSa& sa, DatagramReceived datagram, wire::Message message) {
  switch (sa.replies.classify(message.header.message_id, datagram.data)) {
    case ReplyWindow::Verdict::outside:
      if (!repeats_in_other_pieces(sa, datagram, message)) return;
      [[fallthrough]];
    case ReplyWindow::Verdict::repeated:
      if (sa.replies.may_repeat(context.now)) context.send(datagram.local, datagram.remote, sa.replies.reply());
      return;
    case ReplyWindow::Verdict::expected:
      break;
  }
  const RequestRule* rule = find_rule(sa, message.header.exchange);
  if (!rule || !sa.opening) return;
  auto payloads = unprotect(sa, sa.request_fragments, datagram, message);
  if (!payloads) {
    // Before IKE_AUTH whoever sent this is unknown, and gets no answer (section 2.21.2).
    if (payloads.error() != Unopened::malformed || sa.state == IkeState::init_answered) return;
    context.report(messages::ike_invalid_syntax, sa.name(), describe(sa));
    return send_reply(context, sa, datagram, message.header, {notify(wire::NotifyType::invalid_syntax)});
  }
  sa.request_fragments.clear();
  sa.last_heard = context.now;
  message.payloads = std::move(*payloads);
  if (const auto* unsupported = wire::find_unsupported(message.payloads))
    return send_reply(
        context, sa, datagram, message.header,
        {notify(wire::NotifyType::unsupported_critical_payload, {static_cast<uint8_t>(unsupported->type)})});
  // With a window of one, a new request shows that the peer has had the answer to the one before.
  if (!deletes_ike(message.payloads)) {
    confirm_children(context, sa);
    heir_is_in_use(context, sa);
  }
  follow_peer(context, sa, datagram);
  rule->handler(context, sa, datagram, message);
}

void receive_response(Context& context, IkeSa& sa, DatagramReceived datagram, const wire::Message& message) {
  if (!sa.requests.awaits(message.header.message_id) || !sa.active || !sa.opening) return;
  if (message.header.exchange != sa.active->exchange()) return;
  auto payloads = unprotect(sa, sa.response_fragments, datagram, message);
  if (!payloads && payloads.error() != Unopened::malformed) return;
  sa.response_fragments.clear();
  sa.last_heard = context.now;
  follow_peer(context, sa, datagram);
  sa.requests.answered();
  const std::unique_ptr<Task> task = std::move(sa.active);
  if (!payloads || wire::find_unsupported(*payloads)) {
    context.report(messages::ike_invalid_syntax, sa.name(), describe(sa));
    return task->unreadable(context, sa);
  }
  task->response(context, sa, *payloads);
}

// Section 2.5: a request of a version that there is not yet is told which one is spoken here.
void refuse_version(Context& context, const DatagramReceived& datagram) {
  constexpr uint8_t flag_initiator = 0x08, flag_response = 0x20;
  ByteReader reader(datagram.data);
  wire::Header header;
  header.initiator_spi = reader.u64();
  header.responder_spi = reader.u64();
  reader.skip(1);
  const unsigned major = reader.u8() >> 4;
  header.exchange = static_cast<ExchangeType>(reader.u8());
  const uint8_t flags = reader.u8();
  header.message_id = reader.u32();
  if (!reader.ok() || major <= 2 || (flags & flag_response)) return;
  header.from_initiator = !(flags & flag_initiator);
  header.response = true;
  if (context.answers.allows(context.random(), datagram.remote.address, context.now))
    context.send(datagram.local, datagram.remote,
                 wire::encode(header, {notify(wire::NotifyType::invalid_major_version)}));
}

}  // namespace

void receive(Context& context, const DatagramReceived& datagram) {
  const auto header = wire::decode_header(datagram.data);
  if (!header) {
    if (header.error().notify == wire::NotifyType::invalid_major_version) refuse_version(context, datagram);
    return;
  }
  if (header->exchange == ExchangeType::ike_sa_init && !header->response)
    return receive_init_request(context, datagram, *header);
  IkeSa* sa = context.sas.find(header->from_initiator ? header->responder_spi : header->initiator_spi);
  if (!sa || header->from_initiator == sa->initiator) return;
  auto message = wire::decode(datagram.data);
  if (!message) return;
  if (header->exchange == ExchangeType::ike_sa_init) {
    if (sa->state == IkeState::init_sent && header->message_id == 0)
      receive_init_response(context, *sa, datagram, *message);
    return;
  }
  if (header->initiator_spi != sa->spi_i || header->responder_spi != sa->spi_r) return;
  if (header->response)
    receive_response(context, *sa, datagram, *message);
  else
    receive_request(context, *sa, datagram, std::move(*message));
  pump(context, *sa);
}

}  // namespace sekisho::ike::v2
