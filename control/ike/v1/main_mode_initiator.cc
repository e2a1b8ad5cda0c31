#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v1/phase1.h"

namespace sekisho::ike::v1 {
namespace {

// Whoever has no other SA with the peer says so, that it may drop what it has left (RFC 2407 section 4.6.3.3).
bool first_contact(Context& context, const IkeSa& sa) {
  return context.sas.of(sa.name()).size() == 1 &&
         std::ranges::none_of(context.sas.children(),
                              [&](const ChildSa& child) { return child.connection == sa.name(); });
}

void send_main_5(Context& context, IkeSa& sa, const DatagramReceived& datagram) {
  wire::Payloads payloads = prove_ourselves(sa);
  if (first_contact(context, sa))
    payloads.push_back(wire::Notification{.protocol = wire::Protocol::isakmp,
                                          .notify = wire::NotifyType::initial_contact,
                                          .spi = sa.cookies.bytes(),
                                          .data = {}});
  wire::Header header = header_of(sa, wire::ExchangeType::main_mode);
  header.first = wire::first_type(payloads);
  sa.state = IkeState::main_5;
  send_phase1(context, sa, &datagram, wire::encode_encrypted(header, encrypt(sa, sa.handshake->iv, payloads)), true);
}

}  // namespace

void receive_main_2(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message) {
  if (!take_choice(context, sa, message)) return;
  Handshake& handshake = *sa.handshake;
  handshake.key_exchange = crypto::KeyExchange::generate(sa.proposal.key_exchange);
  const wire::KeyExchange own = key_exchange_payload(handshake);
  handshake.public_i = own.data;
  wire::Payloads payloads = {own, wire::Nonce{handshake.nonce_i}};
  add_certificate_requests(sa, {sa.connection}, payloads);
  add_nat_detection(context, sa, payloads);
  sa.state = IkeState::main_3;
  send_phase1(context, sa, &datagram, wire::encode(header_of(sa, wire::ExchangeType::main_mode), payloads), true);
}

void receive_main_4(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message) {
  const auto* key_exchange = wire::find<wire::KeyExchange>(message.payloads);
  const auto* nonce = wire::find<wire::Nonce>(message.payloads);
  if (!key_exchange || !nonce) return;
  sa.handshake->public_r = key_exchange->data;
  sa.handshake->nonce_r = nonce->data;
  if (!derive_keys(context, sa)) return;
  detect_nat(sa, datagram, message.payloads);
  choose_ports(sa);
  send_main_5(context, sa, datagram);
}

void receive_main_6(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header) {
  const auto message = decrypt(sa, sa.handshake->iv, header, datagram.data);
  if (!message) return;
  // Who has no key cannot have sent this, but may have damaged it; the true one may follow.
  const auto proven = check_proof(sa, *sa.connection, message->chain.payloads, context.environment.wall_clock());
  if (!proven)
    return take_hint(context, sa, *proven.error().message, proven.error().detail + "; peer at " + sa.remote.text());
  sa.handshake->iv = message->next_iv;
  sa.last.set(datagram.data, {});
  establish(context, sa);
}

}  // namespace sekisho::ike::v1
