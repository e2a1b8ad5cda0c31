#include "tests/sim/v1_party.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "control/ike/v1/suite/identities.h"
#include "control/ike/v1/suite/proposals.h"

namespace sekisho::sim {
namespace {

namespace suite = ike::v1::suite;
using namespace ike::v1::wire;

template <typename T>
const T& need(const Payloads& payloads) {
  if (const T* found = find<T>(payloads)) return *found;
  throw Violation("no " + name(T::type) + " in [" + describe({}, payloads) + "]");
}

ike::Connection seen_from_the_peer(ike::Connection connection) {
  std::swap(connection.local, connection.remote);
  std::swap(connection.local_id, connection.remote_id);
  std::swap(connection.children.front().local_selectors, connection.children.front().remote_selectors);
  return connection;
}

Bytes octets(uint32_t spi) {
  ByteWriter writer;
  writer.u32(spi);
  return std::move(writer).take();
}

}  // namespace

V1Party::V1Party(ike::Connection connection, ike::EngineOptions options)
    : LoneEngine(std::move(connection), options), mirror(seen_from_the_peer(this->connection)) {}

// ------------------------------------------------------------------------------------------------------------ phase 1

void V1Party::begin(bool initiator, suite::Cookies cookies) {
  sa = {};
  sa.initiator = initiator;
  sa.cookies = cookies;
  sa.connection = std::make_shared<const ike::Connection>(mirror);
  sa.proposal = mirror.ike_proposals.front();
  sa.handshake = std::make_unique<ike::v1::Handshake>();
  sa.handshake->authentication = ike::v1::authentication_of(mirror).value();
  sa.handshake->key_exchange = crypto::KeyExchange::generate(sa.proposal.key_exchange);
  (initiator ? sa.handshake->nonce_i : sa.handshake->nonce_r) = Bytes(32, 0xb1);
  exchanges.clear();
}

ike::v1::wire::Message V1Party::receive() {
  const Bytes datagram = take().data;
  auto message = decode(datagram);
  if (!message) throw Violation("the engine sent what does not decode: " + std::string(message.error().reason));
  return std::move(*message);
}

Payloads V1Party::key_exchange_payloads() {
  const KeyExchange own = key_exchange_payload(*sa.handshake);
  (sa.initiator ? sa.handshake->public_i : sa.handshake->public_r) = own.data;
  return {own, Nonce{sa.initiator ? sa.handshake->nonce_i : sa.handshake->nonce_r}};
}

void V1Party::take_keys(const Payloads& theirs) {
  (sa.initiator ? sa.handshake->public_r : sa.handshake->public_i) = need<KeyExchange>(theirs).data;
  (sa.initiator ? sa.handshake->nonce_r : sa.handshake->nonce_i) = need<Nonce>(theirs).data;
  if (!derive_keys(sa)) throw Violation("the engine's KE payload is of no use");
}

void V1Party::offer() {
  begin(true, {random.next_u64() | 1, 0});
  const auto offered = suite::offer_ike(mirror.ike_proposals, sa.handshake->authentication, mirror.ike_lifetime);
  sa.handshake->sa_body = encode_body(offered);
  deliver(encode(header_of(sa, ExchangeType::main_mode), {offered}));
  sa.cookies.responder = receive().header.responder_cookie;
}

void V1Party::exchange_keys() {
  offer();
  deliver(encode(header_of(sa, ExchangeType::main_mode), key_exchange_payloads()));
  take_keys(receive().payloads);
}

void V1Party::answer_keys() {
  step(ike::Initiate{connection.name});
  const auto first = receive();
  begin(false, {first.header.initiator_cookie, random.next_u64() | 1});
  const auto& offered = need<SecurityAssociation>(first.payloads);
  sa.handshake->sa_body = offered.body;
  const auto chosen = suite::select_ike(offered, mirror.ike_proposals, sa.handshake->authentication);
  deliver(encode(header_of(sa, ExchangeType::main_mode), {chosen.value().answer}));
  const auto third = receive();
  const Payloads own = key_exchange_payloads();
  take_keys(third.payloads);
  deliver(encode(header_of(sa, ExchangeType::main_mode), own));
}

Bytes V1Party::own_hash(ByteView id_body) const {
  return hash_of(sa, sa.initiator ? ike::v1::Side::initiator : ike::v1::Side::responder, id_body);
}

void V1Party::prove(const Payloads& payloads) {
  Header header = header_of(sa, ExchangeType::main_mode);
  header.first = first_type(payloads);
  deliver(encode_encrypted(header, encrypt(sa, sa.handshake->iv, payloads)));
}

Payloads V1Party::proof_of_engine() {
  const Bytes datagram = take().data;
  const auto header = decode_header(datagram);
  if (!header) throw Violation("the engine sent no message");
  auto message = decrypt(sa, sa.handshake->iv, *header, datagram);
  if (!message) throw Violation("the engine's message does not open");
  sa.handshake->iv = std::move(message->next_iv);
  return std::move(message->chain.payloads);
}

void V1Party::finish() {
  sa.last_block = std::move(sa.handshake->iv);
  sa.handshake.reset();
  sa.state = ike::v1::IkeState::established;
}

void V1Party::establish_as_initiator() {
  exchange_keys();
  prove(proof());
  proof_of_engine();
  finish();
  Exchange& quick = begin_exchange();
  deliver(sealed(ExchangeType::quick_mode, quick, quick_request(own_spi, Bytes(32, 0xb2))));
  if (!open(take().data)) throw Violation("no answer to a quick mode");
  deliver(sealed(ExchangeType::quick_mode, quick, {}));
}

void V1Party::establish_as_responder() {
  answer_keys();
  proof_of_engine();
  prove(proof());
  finish();
  const auto asked = open(take().data);
  if (!asked) throw Violation("the engine begins no quick mode");
  deliver(
      sealed(ExchangeType::quick_mode, exchanges.at(asked->header.message_id), quick_answer(own_spi, Bytes(32, 0xb2))));
  if (!open(take().data)) throw Violation("a quick mode without its third message");
}

// ------------------------------------------------------------------------------------------------------------ phase 2

V1Party::Exchange& V1Party::begin_exchange() {
  const uint32_t message_id = random.next_u32() | 1;
  return exchanges[message_id] = {.message_id = message_id,
                                  .iv = suite::phase2_iv(sa.proposal, sa.last_block, message_id)};
}

Bytes V1Party::sealed(ExchangeType type, Exchange& exchange, const Payloads& payloads) {
  if (const auto* nonce = find<Nonce>(payloads))
    (exchange.messages == 0 ? exchange.nonce_i : exchange.nonce_r) = nonce->data;
  const auto prf = sa.proposal.prf;
  const Bytes rest = encode_payloads(payloads);
  const uint32_t id = exchange.message_id;
  Bytes hash;
  if (exchange.messages == 0 || type != ExchangeType::quick_mode)
    hash = suite::hash_1(prf, sa.keys.a, id, rest);
  else if (exchange.messages == 1)
    hash = suite::hash_2(prf, sa.keys.a, id, exchange.nonce_i, rest);
  else
    hash = suite::hash_3(prf, sa.keys.a, id, exchange.nonce_i, exchange.nonce_r);
  ++exchange.messages;
  Payloads all = {Hash{std::move(hash)}};
  all.insert(all.end(), payloads.begin(), payloads.end());
  Header header = header_of(sa, type, id);
  header.first = PayloadType::hash;
  return encode_encrypted(header, encrypt(sa, exchange.iv, all));
}

void V1Party::inform(const Payloads& payloads) {
  deliver(sealed(ExchangeType::informational, begin_exchange(), payloads));
}

Payloads V1Party::quick_request(uint32_t spi, const Bytes& nonce) const {
  const ike::ChildDefinition& child = mirror.children.front();
  return {suite::offer_esp(child.esp_proposals, spi, EncapsulationMode::tunnel, {child.lifetime, 0}), Nonce{nonce},
          suite::encode_selector(child.local_selectors.front()),
          suite::encode_selector(child.remote_selectors.front())};
}

// The engine asked, so its side comes first.
Payloads V1Party::quick_answer(uint32_t spi, const Bytes& nonce) const {
  Payloads payloads = quick_request(spi, nonce);
  std::swap(payloads[2], payloads[3]);
  auto& offer = std::get<SecurityAssociation>(payloads.front()).proposals.front();
  offer.spi = octets(spi);
  offer.transforms.resize(1);
  return payloads;
}

std::optional<V1Party::Opened> V1Party::open(const Bytes& datagram) {
  const auto header = decode_header(datagram);
  if (!header || !header->encrypted || header->message_id == 0) return {};
  const auto known = exchanges.find(header->message_id);
  Exchange exchange = known != exchanges.end()
                          ? known->second
                          : Exchange{.message_id = header->message_id,
                                     .iv = suite::phase2_iv(sa.proposal, sa.last_block, header->message_id)};
  auto message = decrypt(sa, exchange.iv, *header, datagram);
  if (!message) return {};
  exchange.iv = std::move(message->next_iv);
  if (const auto* nonce = find<Nonce>(message->chain.payloads))
    (exchange.messages == 0 ? exchange.nonce_i : exchange.nonce_r) = nonce->data;
  ++exchange.messages;
  exchanges[header->message_id] = std::move(exchange);
  return Opened{*header, std::move(message->chain.payloads)};
}

}  // namespace sekisho::sim
