#include "base/messages/ike.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/phase1.h"

namespace sekisho::ike::v1 {

void receive_main_1(Context& context, const DatagramReceived& datagram, const wire::Message& message) {
  const auto [sa, answer] = accept_phase1(context, datagram, message);
  if (!sa) return;
  sa->state = IkeState::main_2;
  wire::Payloads payloads = {answer};
  add_vendor_ids(sa->peer, false, payloads);
  send_phase1(context, *sa, &datagram, wire::encode(header_of(*sa, wire::ExchangeType::main_mode), payloads), false);
}

void receive_main_3(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message) {
  const auto* key_exchange = wire::find<wire::KeyExchange>(message.payloads);
  const auto* nonce = wire::find<wire::Nonce>(message.payloads);
  if (!key_exchange || !nonce) return;
  // Before anything costly is done. Nothing here is authentic: a better one may follow, and gets the same key pair.
  if (key_exchange->data.size() != crypto::public_value_length(sa.proposal.key_exchange)) return;
  Handshake& handshake = *sa.handshake;
  if (!handshake.key_exchange) handshake.key_exchange = crypto::KeyExchange::generate(sa.proposal.key_exchange);
  const wire::KeyExchange own = key_exchange_payload(handshake);
  handshake.public_i = key_exchange->data;
  handshake.public_r = own.data;
  handshake.nonce_i = nonce->data;
  if (!derive_keys(context, sa)) return;
  detect_nat(sa, datagram, message.payloads);
  wire::Payloads payloads = {own, wire::Nonce{handshake.nonce_r}};
  add_certificate_requests(sa, context.connections.matching(IkeVersion::v1, sa.local.address, sa.remote.address),
                           payloads);
  add_nat_detection(context, sa, payloads);
  sa.state = IkeState::main_4;
  send_phase1(context, sa, &datagram, wire::encode(header_of(sa, wire::ExchangeType::main_mode), payloads), false);
}

namespace {

constexpr unsigned most_refused_proofs = 4;

}  // namespace

void receive_main_5(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header) {
  if (!header.encrypted) return;
  const auto message = decrypt(sa, sa.handshake->iv, header, datagram.data);
  if (!message) {
    context.report(messages::ike_unreadable_identity, sa.name(), datagram.remote.text(), {}, Report::Proof::none);
    return answer_clear(context, datagram, header, wire::NotifyType::authentication_failed);
  }
  const auto connection = find_connection(context, sa, message->chain.payloads);
  // It may have been damaged on its way, and the true one is welcome. But each costs looking at certificates, and with
  // these anybody who made a shared secret with us can say what decrypts.
  if (!connection) {
    answer_clear(context, datagram, header, wire::NotifyType::authentication_failed);
    if (++sa.handshake->refused_proofs == most_refused_proofs) drop(context, sa);
    return;
  }
  sa.handshake->iv = message->next_iv;
  // Where the first message that is encrypted came from is where the answer goes (RFC 3947 section 4).
  sa.local = datagram.local;
  sa.remote = datagram.remote;
  sa.connection = connection;
  const wire::Payloads payloads = prove_ourselves(sa);
  wire::Header answer = header_of(sa, wire::ExchangeType::main_mode);
  answer.first = wire::first_type(payloads);
  send_phase1(context, sa, &datagram, wire::encode_encrypted(answer, encrypt(sa, sa.handshake->iv, payloads)), false);
  accept_peer(context, sa, connection, datagram, message->chain.payloads);
}

}  // namespace sekisho::ike::v1
