#include "tests/sim/v1_puppet.h"

#include "control/ike/v1/suite/identities.h"
#include "control/ike/v1/vendor_ids.h"
#include "crypto/ike/cbc.h"

namespace sekisho::sim {
namespace {

namespace wire = ike::v1::wire;
namespace suite = ike::v1::suite;

template <typename T>
const T& need(const wire::Payloads& payloads) {
  if (const T* found = wire::find<T>(payloads)) return *found;
  throw Violation("a payload is missing in the engine's message");
}

Bytes own_bytes(ByteView view) { return {view.begin(), view.end()}; }

TrafficSelector network(const char* prefix) { return TrafficSelector::from_prefix(*Prefix::parse(prefix)); }

}  // namespace

ike::Connection V1Puppet::engine_connection() {
  ike::Connection connection;
  connection.name = "tunnel";
  connection.local = *IpAddress::parse("10.9.1.1");
  connection.remote = *IpAddress::parse("10.9.2.2");
  connection.local_id = *ike::Identity::parse("a.lab");
  connection.remote_id = *ike::Identity::parse("b.lab");
  connection.psk = std::make_shared<const SecretBytes>(SecretBytes::copy_of(as_bytes("swordfish")));
  connection.version = ike::IkeVersion::v1;
  connection.ike_proposals = {*ike::IkeProposal::parse("aes128-sha256-ecp256")};
  connection.children.front().name = "tunnel";
  connection.children.front().esp_proposals = {*ike::EspProposal::parse("aes128gcm16")};
  connection.children.front().local_selectors = {network("10.1.0.0/24")};
  connection.children.front().remote_selectors = {network("10.2.0.0/24")};
  connection.start = ike::StartMode::respond;
  connection.dpd_interval = Duration::zero();
  return connection;
}

V1Puppet::V1Puppet(ike::Connection wanted, ike::EngineOptions options)
    : LoneEngine(std::move(wanted), options), proposal_(connection.ike_proposals.front()) {}

Bytes V1Puppet::send_clear(const Payloads& payloads, ExchangeType exchange) {
  Bytes datagram = wire::encode(
      {.initiator_cookie = cookies.initiator, .responder_cookie = cookies.responder, .exchange = exchange}, payloads);
  deliver(datagram);
  return datagram;
}

wire::Message V1Puppet::receive_clear() {
  auto message = wire::decode(take().data);
  if (!message) throw Violation("the engine's message does not decode: " + std::string(message.error().reason));
  return std::move(*message);
}

V1Puppet::Payloads V1Puppet::offer() {
  Payloads payloads = {
      suite::offer_ike(connection.ike_proposals, wire::IkeAuthentication::pre_shared_key, connection.ike_lifetime)};
  sa_body_ = wire::encode_body(std::get<wire::SecurityAssociation>(payloads.front()));
  return payloads;
}

void V1Puppet::take_keys(const Payloads& answer) {
  public_r_ = need<wire::KeyExchange>(answer).data;
  const auto secret = key_exchange_->derive(public_r_);
  if (!secret) throw Violation("the engine's KE is none");
  keys_ = suite::derive_phase1_keys(
      proposal_, suite::skeyid_of_key(proposal_.prf, *connection.psk, nonce_i_, need<wire::Nonce>(answer).data),
      *secret, cookies);
  iv_ = suite::phase1_iv(proposal_, key_exchange_->public_value(), public_r_);
}

Bytes V1Puppet::hash_i() const {
  return suite::phase1_hash(proposal_.prf, keys_.skeyid, key_exchange_->public_value(), public_r_, cookies.initiator,
                            cookies.responder, sa_body_, suite::encode_identity(connection.remote_id).body());
}

void V1Puppet::offer_main_1() {
  Payloads payloads = offer();
  ike::v1::add_vendor_ids({.nat_traversal = ike::v1::NatTraversal::none, .dead_peer_detection = true}, true, payloads);
  send_clear(payloads);
}

void V1Puppet::main_1() {
  offer_main_1();
  cookies.responder = receive_clear().header.responder_cookie;
}

void V1Puppet::main_3() {
  key_exchange_ = crypto::KeyExchange::generate(proposal_.key_exchange);
  send_clear({wire::KeyExchange{own_bytes(key_exchange_->public_value())}, wire::Nonce{nonce_i_}});
  take_keys(receive_clear().payloads);
}

void V1Puppet::main_5(const Payloads& besides) {
  Payloads payloads = {suite::encode_identity(connection.remote_id), wire::Hash{hash_i()}};
  payloads.insert(payloads.end(), besides.begin(), besides.end());
  deliver(encrypt(ExchangeType::main_mode, 0, iv_, payloads));
}

void V1Puppet::aggressive_1(Bytes public_value) {
  key_exchange_ = crypto::KeyExchange::generate(proposal_.key_exchange);
  if (public_value.empty()) public_value = own_bytes(key_exchange_->public_value());
  Payloads payloads = offer();
  payloads.push_back(wire::KeyExchange{std::move(public_value)});
  payloads.push_back(wire::Nonce{nonce_i_});
  payloads.push_back(suite::encode_identity(connection.remote_id));
  message_1 = send_clear(payloads, ExchangeType::aggressive);
}

void V1Puppet::aggressive_2() {
  const wire::Message answer = receive_clear();
  cookies.responder = answer.header.responder_cookie;
  take_keys(answer.payloads);
}

void V1Puppet::aggressive_3(Form form, const Payloads& besides) {
  Payloads payloads = {wire::Hash{hash_i()}};
  payloads.insert(payloads.end(), besides.begin(), besides.end());
  if (form == Form::clear)
    send_clear(payloads, ExchangeType::aggressive);
  else
    deliver(encrypt(ExchangeType::aggressive, 0, iv_, payloads));
}

void V1Puppet::establish() {
  main_1();
  main_3();
  main_5();
  const Bytes answer = take().data;
  iv_ = own_bytes(ByteView(answer).last(iv_.size()));
}

Bytes V1Puppet::encrypt(ExchangeType type, uint32_t message_id, Bytes& iv, const Payloads& payloads) const {
  wire::Header header{.initiator_cookie = cookies.initiator,
                      .responder_cookie = cookies.responder,
                      .exchange = type,
                      .message_id = message_id};
  header.first = wire::first_type(payloads);
  Bytes plaintext = wire::encode_payloads(payloads);
  plaintext.resize((plaintext.size() + iv.size() - 1) / iv.size() * iv.size());
  const Bytes ciphertext = crypto::cbc_encrypt(proposal_.sk.encryption, keys_.encryption, iv, plaintext);
  iv = own_bytes(ByteView(ciphertext).last(iv.size()));
  return wire::encode_encrypted(header, ciphertext);
}

V1Puppet::Exchange V1Puppet::exchange(ExchangeType type, uint32_t message_id) const {
  return {.type = type, .message_id = message_id, .iv = suite::phase2_iv(proposal_, iv_, message_id)};
}

Bytes V1Puppet::sealed(Exchange& exchange, HashOf hash, const Payloads& payloads) const {
  const Bytes rest = wire::encode_payloads(payloads);
  Payloads all = {
      wire::Hash{hash == HashOf::message_1 ? suite::hash_1(proposal_.prf, keys_.a, exchange.message_id, rest)
                 : hash == HashOf::message_2
                     ? suite::hash_2(proposal_.prf, keys_.a, exchange.message_id, exchange.nonce_i, rest)
                     : suite::hash_3(proposal_.prf, keys_.a, exchange.message_id, exchange.nonce_i, exchange.nonce_r)}};
  all.insert(all.end(), payloads.begin(), payloads.end());
  return encrypt(exchange.type, exchange.message_id, exchange.iv, all);
}

Bytes V1Puppet::informational(const Payloads& payloads) {
  Exchange alone = exchange(ExchangeType::informational, next_message_id_++);
  return sealed(alone, HashOf::message_1, payloads);
}

V1Puppet::Payloads V1Puppet::receive_first(Exchange& exchange, ExchangeType type) {
  if (outbox.empty()) throw Violation("the engine sent nothing");
  const auto header = wire::decode_header(outbox.front().data);
  if (!header || header->exchange != type) throw Violation("the engine began another exchange");
  exchange = this->exchange(type, header->message_id);
  return receive(exchange);
}

V1Puppet::Payloads V1Puppet::receive(Exchange& exchange) {
  const Bytes datagram = take().data;
  const auto header = wire::decode_header(datagram);
  if (!header || header->exchange != exchange.type || header->message_id != exchange.message_id)
    throw Violation("the engine's message is of another exchange");
  const ByteView ciphertext = ByteView(datagram).subspan(wire::header_length);
  const Bytes plaintext = crypto::cbc_decrypt(proposal_.sk.encryption, keys_.encryption, exchange.iv, ciphertext);
  auto chain = wire::decode_payloads(header->first, plaintext);
  if (!chain) throw Violation("the engine's message does not open");
  exchange.iv = own_bytes(ciphertext.last(exchange.iv.size()));
  return std::move(chain->payloads);
}

V1Puppet::Payloads V1Puppet::quick_1(const Exchange& exchange, uint32_t spi, const char* own,
                                     const char* engines) const {
  const auto& definition = connection.children.front();
  return {suite::offer_esp(definition.esp_proposals, spi, wire::EncapsulationMode::tunnel, {definition.lifetime, 0}),
          wire::Nonce{exchange.nonce_i}, suite::encode_selector(network(own)),
          suite::encode_selector(network(engines))};
}

V1Puppet::Payloads V1Puppet::quick_2(const Exchange& exchange, uint32_t spi, const Payloads& request) const {
  const auto chosen =
      suite::select_esp(need<wire::SecurityAssociation>(request), connection.children.front().esp_proposals, {});
  if (!chosen) throw Violation("the engine offers nothing that the puppet has");
  Payloads answer = {suite::answer_esp(*chosen, spi), wire::Nonce{exchange.nonce_r}};
  for (const auto* id : wire::all<wire::Identification>(request)) answer.push_back(*id);
  return answer;
}

std::optional<uint32_t> V1Puppet::make_child(uint32_t message_id, uint32_t spi, const char* own) {
  outbox.clear();
  Exchange quick = exchange(ExchangeType::quick_mode, message_id);
  deliver(sealed(quick, HashOf::message_1, quick_1(quick, spi, own)));
  if (silent()) return {};
  if (wire::decode_header(outbox.front().data)->exchange != ExchangeType::quick_mode) return {};
  const Payloads answer = receive(quick);
  quick.nonce_r = need<wire::Nonce>(answer).data;
  deliver(sealed(quick, HashOf::message_3, {}));
  return spi_of(answer);
}

uint32_t spi_of(const V1Puppet::Payloads& payloads) {
  ByteReader reader(need<wire::SecurityAssociation>(payloads).proposals.at(0).spi);
  return reader.u32();
}

}  // namespace sekisho::sim
