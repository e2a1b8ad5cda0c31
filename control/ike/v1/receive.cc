#include "control/ike/v1/receive.h"

#include "control/ike/v1/informational.h"
#include "control/ike/v1/phase1.h"
#include "control/ike/v1/quick_mode.h"

namespace sekisho::ike::v1 {
namespace {

using wire::ExchangeType;

// Which message of phase 1 is taken in which state, and by whom: in clear, or encrypted. What is not here is dropped.
struct Phase1Rule {
  ExchangeType exchange;
  IkeState state;
  void (*clear)(Context&, IkeSa&, const DatagramReceived&, const wire::Message&);
  void (*sealed)(Context&, IkeSa&, const DatagramReceived&, const wire::Header&);
};
constexpr Phase1Rule phase1_rules[] = {
    {ExchangeType::main_mode, IkeState::main_1, receive_main_2, nullptr},
    {ExchangeType::main_mode, IkeState::main_2, receive_main_3, nullptr},
    {ExchangeType::main_mode, IkeState::main_3, receive_main_4, nullptr},
    {ExchangeType::main_mode, IkeState::main_4, nullptr, receive_main_5},
    {ExchangeType::main_mode, IkeState::main_5, nullptr, receive_main_6},
    {ExchangeType::aggressive, IkeState::aggressive_1, receive_aggressive_2, nullptr},
    {ExchangeType::aggressive, IkeState::aggressive_2, nullptr, receive_aggressive_3},
};

void receive_first(Context& context, const DatagramReceived& datagram, const wire::Header& header) {
  bool known = false;
  context.sas.for_each([&](IkeSa& sa) {
    if (sa.cookies.initiator != header.initiator_cookie) return;
    known = true;
    // The answer goes only to where the request came from.
    const bool again = !sa.initiator && sa.last.repeated(datagram.data) && sa.remote == datagram.remote;
    if (again && sa.last.may_answer_again(context.now)) context.send(sa.local, sa.remote, sa.last.answer);
  });
  if (known) return;
  const auto message = wire::decode(datagram.data);
  if (!message) return;
  if (header.exchange == ExchangeType::main_mode)
    receive_main_1(context, datagram, *message);
  else
    receive_aggressive_1(context, datagram, *message);
}

void receive_phase1(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header) {
  if (sa.last.repeated(datagram.data)) {
    // An initiator may have moved to port 4500 with its answer; a responder answers wherever it is asked from.
    if (sa.last.may_answer_again(context.now))
      context.send(sa.initiator ? sa.local : datagram.local, sa.initiator ? sa.remote : datagram.remote,
                   sa.last.answer);
    return;
  }
  for (const Phase1Rule& rule : phase1_rules) {
    if (rule.exchange != header.exchange || rule.state != sa.state) continue;
    if (rule.sealed) return rule.sealed(context, sa, datagram, header);
    const auto message = wire::decode(datagram.data);
    if (message) rule.clear(context, sa, datagram, *message);
    return;
  }
}

}  // namespace

void receive(Context& context, const DatagramReceived& datagram) {
  const auto header = wire::decode_header(datagram.data);
  if (!header) return;
  const bool phase1 = header->exchange == ExchangeType::main_mode || header->exchange == ExchangeType::aggressive;
  if (phase1 && header->message_id != 0) return;
  if (phase1 && header->responder_cookie == 0) return receive_first(context, datagram, *header);
  IkeSa* sa = context.sas.find(*header);
  if (!sa) return;
  if (phase1) return receive_phase1(context, *sa, datagram, *header);
  if (header->exchange == ExchangeType::informational && !header->encrypted) {
    if (const auto message = wire::decode(datagram.data)) take_clear_notification(context, *sa, *message);
    return;
  }
  if (sa->handshaking()) return;
  if (header->exchange == ExchangeType::informational) return receive_informational(context, *sa, datagram, *header);
  if (sa->state != IkeState::established) return;
  if (header->exchange == ExchangeType::quick_mode) return receive_quick_mode(context, *sa, datagram, *header);
  if (header->exchange == ExchangeType::transaction) return receive_transaction(context, *sa, datagram, *header);
}

}  // namespace sekisho::ike::v1
