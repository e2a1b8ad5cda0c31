#include "tests/sim/puppet.h"

#include <algorithm>
#include <iterator>

namespace sekisho::sim {
namespace {

using namespace ike::wire;

IpAddress address(const char* text) { return *IpAddress::parse(text); }
TrafficSelector network(const char* prefix) { return TrafficSelector::from_prefix(*Prefix::parse(prefix)); }

template <typename T>
const T& need(const Payloads& payloads) {
  if (const T* found = find<T>(payloads)) return *found;
  throw Violation("no " + name(T::type) + " in [" + describe({}, payloads) + "]");
}

}  // namespace

void Session::take_keys(const SecretBytes& skeyseed, ByteView nonce_i, ByteView nonce_r) {
  ike::suite::IkeKeys keys = ike::suite::derive_ike_keys(proposal, skeyseed, nonce_i, nonce_r, spi_i, spi_r);
  sealing.emplace(proposal.sk, initiator ? keys.ei.clone() : keys.er.clone(),
                  initiator ? keys.ai.clone() : keys.ar.clone());
  opening.emplace(proposal.sk, initiator ? std::move(keys.er) : std::move(keys.ei),
                  initiator ? std::move(keys.ar) : std::move(keys.ai));
  sk_d = std::move(keys.d);
  sk_pi = std::move(keys.pi);
  sk_pr = std::move(keys.pr);
}

ike::Connection Puppet::engine_connection() {
  ike::Connection connection;
  connection.name = "tunnel";
  connection.local = address("10.9.1.1");
  connection.remote = address("10.9.2.2");
  connection.local_id = *ike::Identity::parse("a.lab");
  connection.remote_id = *ike::Identity::parse("b.lab");
  connection.psk = std::make_shared<const SecretBytes>(SecretBytes::copy_of(as_bytes("swordfish")));
  connection.ike_proposals = {*ike::IkeProposal::parse("aes128gcm16-prfsha256-x25519"),
                              *ike::IkeProposal::parse("aes128gcm16-prfsha256-ecp256")};
  connection.children.front().name = "tunnel";
  connection.children.front().esp_proposals = {*ike::EspProposal::parse("aes128gcm16")};
  connection.children.front().local_selectors = {network("10.1.0.0/24")};
  connection.children.front().remote_selectors = {network("10.2.0.0/24")};
  connection.start = ike::StartMode::respond;
  connection.dpd_interval = Duration::zero();
  return connection;
}

Puppet::Puppet(ike::Connection wanted, ike::EngineOptions options) : LoneEngine(std::move(wanted), options) {}

IkeMessage Puppet::receive(const Session& with) {
  const ike::SendDatagram datagram = take();
  auto message = decode(datagram.data);
  if (!message) throw Violation("the engine sent what does not decode: " + std::string(message.error().reason));
  if (const auto* fragment = find<EncryptedFragment>(message->payloads)) {
    message->payloads = join(with, *fragment, datagram.data);
    return std::move(*message);
  }
  if (!find<Encrypted>(message->payloads)) return std::move(*message);
  auto payloads = unprotect(*message, datagram.data, *with.opening);
  if (!payloads) throw Violation("the engine's message does not open");
  message->payloads = std::move(*payloads);
  return std::move(*message);
}

// The rest of the message whose first fragment was taken.
Payloads Puppet::join(const Session& with, EncryptedFragment fragment, Bytes datagram) {
  const PayloadType first = fragment.sealed.first;
  Bytes whole;
  for (uint16_t number = 1;; ++number) {
    const auto piece = open(fragment.sealed, datagram, *with.opening);
    if (!piece || fragment.number != number) throw Violation("the engine's fragments are out of order");
    whole.insert(whole.end(), piece->begin(), piece->end());
    if (number == fragment.total) break;
    datagram = take().data;
    const auto next = decode(datagram);
    if (!next || !find<EncryptedFragment>(next->payloads)) throw Violation("a fragment of the engine's is missing");
    fragment = *find<EncryptedFragment>(next->payloads);
  }
  auto payloads = decode_payloads(first, whole);
  if (!payloads) throw Violation("the engine's fragments make no message");
  return std::move(*payloads);
}

Bytes Puppet::sealed(Session& with, ExchangeType exchange, bool response, uint32_t message_id,
                     const Payloads& payloads) {
  return protect({with.spi_i, with.spi_r, exchange, with.initiator, response, message_id}, payloads, *with.sealing,
                 random);
}

std::vector<Bytes> Puppet::fragments(ExchangeType exchange, bool response, uint32_t message_id,
                                     const Payloads& payloads, size_t longest) {
  return protect({session.spi_i, session.spi_r, exchange, session.initiator, response, message_id}, payloads,
                 *session.sealing, random, longest);
}

void Puppet::answer(Session& with, const IkeMessage& request, const Payloads& payloads) {
  deliver(sealed(with, request.header.exchange, true, request.header.message_id, payloads));
}

Payloads Puppet::ask(Session& with, ExchangeType exchange, const Payloads& payloads) {
  const uint32_t message_id = with.next_request++;
  deliver(sealed(with, exchange, false, message_id, payloads));
  IkeMessage answer = receive(with);
  if (!answer.header.response || answer.header.message_id != message_id || answer.header.exchange != exchange)
    throw Violation("the engine answers with " + describe(answer.header, answer.payloads));
  return std::move(answer.payloads);
}

// ----------------------------------------------------------------------------------------------------- the handshake

Payloads Puppet::announcement() const {
  Payloads payloads = announced;
  if (!announces_addresses_) return payloads;
  using ike::suite::nat_detection;
  const auto add = [&](NotifyType type, const Endpoint& endpoint) {
    payloads.push_back(nat_detection(type, session.spi_i, session.spi_r, endpoint));
  };
  add(NotifyType::nat_detection_source_ip, remote);
  add(NotifyType::nat_detection_destination_ip, local);
  return payloads;
}

Bytes Puppet::init_request(crypto::KeyExchangeId group, const Payloads& before, uint64_t spi) {
  session = Session{.initiator = true, .spi_i = spi, .proposal = connection.ike_proposals.front()};
  key_exchange_ = crypto::KeyExchange::generate(group);
  nonce_i_ = filled(32, 0xb1);
  Payloads payloads = before;
  const ByteView value = key_exchange_->public_value();
  payloads.push_back(ike::suite::offer_ike(connection.ike_proposals, {}));
  payloads.push_back(KeyExchange{group, Bytes(value.begin(), value.end())});
  payloads.push_back(Nonce{nonce_i_});
  std::ranges::move(announcement(), std::back_inserter(payloads));
  init_sent_ =
      encode({.initiator_spi = session.spi_i, .exchange = ExchangeType::ike_sa_init, .from_initiator = true}, payloads);
  return init_sent_;
}

void Puppet::take_init(const IkeMessage& theirs) {
  (session.initiator ? session.spi_r : session.spi_i) =
      session.initiator ? theirs.header.responder_spi : theirs.header.initiator_spi;
  (session.initiator ? nonce_r_ : nonce_i_) = need<Nonce>(theirs.payloads).value;
  const auto secret = key_exchange_->derive(need<KeyExchange>(theirs.payloads).value);
  if (!secret) throw Violation("the engine's KE payload is of no use");
  session.take_keys(ike::suite::skeyseed(session.proposal.prf, nonce_i_, nonce_r_, *secret), nonce_i_, nonce_r_);
}

Bytes Puppet::octets(bool of_engine, ByteView id_body) const {
  const bool of_initiator = of_engine != session.initiator;
  return ike::suite::signed_octets(session.proposal.prf, of_engine ? init_received_ : init_sent_,
                                   of_initiator ? nonce_r_ : nonce_i_, of_initiator ? session.sk_pi : session.sk_pr,
                                   id_body);
}

Bytes Puppet::auth(bool of_engine, ByteView id_body) const {
  return ike::suite::shared_key_auth(session.proposal.prf, *connection.psk, octets(of_engine, id_body));
}

Payloads Puppet::auth_request() {
  const IdInitiator id{connection.remote_id};
  return {id, Authentication{AuthMethod::shared_key, auth(false, id.body())},
          ike::suite::offer_esp(connection.children.front().esp_proposals, own_spi, ike::suite::ChildOrigin::ike_auth),
          TrafficSelectorsInitiator{connection.children.front().remote_selectors},
          TrafficSelectorsResponder{connection.children.front().local_selectors}};
}

void Puppet::take_auth(const Payloads& theirs) {
  const Bytes body = session.initiator ? need<IdResponder>(theirs).body() : need<IdInitiator>(theirs).body();
  if (need<Authentication>(theirs).data != auth(true, body)) throw Violation("the engine's AUTH is wrong");
  ByteReader spi(need<SecurityAssociation>(theirs).proposals.at(0).spi);
  engine_spi = spi.u32();
}

void Puppet::exchange_init(uint64_t spi, const Payloads& before) {
  deliver(init_request(connection.ike_proposals.front().key_exchange, before, spi));
  if (outbox.empty()) throw Violation("the engine sent nothing");
  init_received_ = outbox.front().data;
  take_init(receive());
  session.next_request = 1;
}

void Puppet::establish_as_initiator() {
  exchange_init();
  authenticate(auth_request());
}

void Puppet::ask_auth(const Payloads& request) { take_auth(ask(ExchangeType::ike_auth, request)); }

void Puppet::authenticate(const Payloads& request) {
  ask_auth(request);
  step(ike::ChildSaEvent{engine_spi, ike::ChildSaEvent::Kind::first_inbound_packet});
}

void Puppet::answer_init() {
  step(ike::Initiate{connection.name});
  if (outbox.empty()) throw Violation("the engine sent nothing");
  init_received_ = outbox.at(0).data;
  const IkeMessage request = receive();
  session = Session{.spi_r = default_spi, .proposal = connection.ike_proposals.front()};
  session.spi_i = request.header.initiator_spi;
  key_exchange_ = crypto::KeyExchange::generate(session.proposal.key_exchange);
  nonce_r_ = filled(32, 0xb1);
  const auto chosen = ike::suite::select_ike(need<SecurityAssociation>(request.payloads), connection.ike_proposals);
  const ByteView value = key_exchange_->public_value();
  Payloads answer_to_init = {ike::suite::answer_ike(chosen.value(), {}),
                             KeyExchange{key_exchange_->id(), Bytes(value.begin(), value.end())}, Nonce{nonce_r_}};
  std::ranges::move(announcement(), std::back_inserter(answer_to_init));
  init_sent_ = encode({session.spi_i, session.spi_r, ExchangeType::ike_sa_init, false, true, 0}, answer_to_init);
  take_init(request);
  deliver(init_sent_);
}

void Puppet::establish_as_responder() {
  answer_init();
  const IkeMessage auth_request = receive();
  take_auth(auth_request.payloads);
  const IdResponder id{connection.remote_id};
  Payloads payloads = child_answer(own_spi, {});
  payloads.insert(payloads.begin(), {id, Authentication{AuthMethod::shared_key, auth(false, id.body())}});
  payloads.insert(payloads.end(), authenticated_notifies.begin(), authenticated_notifies.end());
  answer(auth_request, payloads);
}

// --------------------------------------------------------------------------------------------------- CREATE_CHILD_SA

Payloads Puppet::child_request(uint32_t new_spi, std::optional<uint32_t> replaces, const Bytes& nonce) const {
  Payloads payloads;
  if (replaces) {
    ByteWriter spi;
    spi.u32(*replaces);
    payloads.push_back(Notify{NotifyType::rekey_sa, Protocol::esp, std::move(spi).take(), {}});
  }
  payloads.push_back(ike::suite::offer_esp(connection.children.front().esp_proposals, new_spi,
                                           ike::suite::ChildOrigin::create_child_sa));
  payloads.push_back(Nonce{nonce});
  payloads.push_back(TrafficSelectorsInitiator{connection.children.front().remote_selectors});
  payloads.push_back(TrafficSelectorsResponder{connection.children.front().local_selectors});
  return payloads;
}

// The engine asked, so its selectors are the initiator's. Without a nonce: the child of IKE_AUTH.
Payloads Puppet::child_answer(uint32_t new_spi, const Bytes& nonce) const {
  ByteWriter spi;
  spi.u32(new_spi);
  Payloads payloads = {ike::suite::offer_esp(std::span(connection.children.front().esp_proposals).first(1), new_spi,
                                             ike::suite::ChildOrigin::ike_auth)};
  if (!nonce.empty()) payloads.push_back(Nonce{nonce});
  payloads.push_back(TrafficSelectorsInitiator{connection.children.front().local_selectors});
  payloads.push_back(TrafficSelectorsResponder{connection.children.front().remote_selectors});
  return payloads;
}

Payloads Puppet::rekey_request(uint64_t new_spi, const Bytes& nonce) {
  key_exchange_ = crypto::KeyExchange::generate(session.proposal.key_exchange);
  const ByteView value = key_exchange_->public_value();
  return {ike::suite::offer_ike(std::span(connection.ike_proposals).first(1), new_spi), Nonce{nonce},
          KeyExchange{key_exchange_->id(), Bytes(value.begin(), value.end())}};
}

Session Puppet::heir(bool initiator, uint64_t our_spi, const Bytes& our_nonce, const Payloads& theirs) {
  ByteReader spi(need<SecurityAssociation>(theirs).proposals.at(0).spi);
  const uint64_t their_spi = spi.u64();
  const Bytes& their_nonce = need<Nonce>(theirs).value;
  const auto secret = key_exchange_->derive(need<KeyExchange>(theirs).value);
  if (!secret) throw Violation("the engine's KE payload is of no use");
  Session made{.initiator = initiator,
               .spi_i = initiator ? our_spi : their_spi,
               .spi_r = initiator ? their_spi : our_spi,
               .proposal = session.proposal};
  const Bytes& nonce_i = initiator ? our_nonce : their_nonce;
  const Bytes& nonce_r = initiator ? their_nonce : our_nonce;
  made.take_keys(ike::suite::rekey_skeyseed(session.proposal.prf, session.sk_d, *secret, nonce_i, nonce_r), nonce_i,
                 nonce_r);
  return made;
}

// --------------------------------------------------------------------------------------------------------- shorthand

bool has(const Payloads& payloads, NotifyType type) { return find_notify(payloads, type) != nullptr; }
Notify notify(NotifyType type, Bytes data) { return {type, Protocol::none, {}, std::move(data)}; }
Delete delete_child(uint32_t spi) { return {Protocol::esp, {spi}}; }
Delete delete_ike() { return {Protocol::ike, {}}; }

std::vector<uint32_t> deleted(const Payloads& payloads) {
  std::vector<uint32_t> spis;
  for (const Payload& payload : payloads)
    if (const auto* request = std::get_if<Delete>(&payload); request && request->protocol == Protocol::esp)
      spis.insert(spis.end(), request->spis.begin(), request->spis.end());
  return spis;
}

Bytes filled(size_t size, uint8_t value) { return Bytes(size, value); }

}  // namespace sekisho::sim
