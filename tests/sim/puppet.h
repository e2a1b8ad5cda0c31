// A peer under the test's full control, face to face with one engine. It speaks IKEv2 by the codec and the key
// derivation of the tree but has no state machine: it says what a ladder tells it to, in any order, and shows what the
// engine says down to the payload. Nothing is lost, and no time passes but by pass().
#pragma once

#include <optional>

#include "control/ike/suite/keys.h"
#include "control/ike/suite/proposals.h"
#include "control/ike/wire/message.h"
#include "crypto/ike/key_exchange.h"
#include "tests/sim/lone_engine.h"

namespace sekisho::sim {

using namespace std::chrono_literals;
using ike::wire::ExchangeType;
using ike::wire::NotifyType;
using ike::wire::Payloads;
using IkeMessage = ike::wire::Message;

// An IKE SA as the puppet holds it.
struct Session {
  bool initiator = false;  // the puppet's role
  uint64_t spi_i = 0, spi_r = 0;
  ike::IkeProposal proposal;
  SecretBytes sk_d, sk_pi, sk_pr;
  std::optional<crypto::SkCipher> sealing, opening;
  uint32_t next_request = 0;  // message id of the puppet's next request

  void take_keys(const SecretBytes& skeyseed, ByteView nonce_i, ByteView nonce_r);
};

class Puppet : public LoneEngine {
 public:
  static constexpr uint64_t default_spi = 0xb0b0b0b0b0b0b0b0;
  explicit Puppet(ike::Connection connection = engine_connection(), ike::EngineOptions options = {});

  // The engine's end: 10.9.1.1 as a.lab, which only answers; the puppet is 10.9.2.2 as b.lab. x25519, no PFS.
  static ike::Connection engine_connection();
  // IKE_SA_INIT as initiator, up to the keys.
  void exchange_init(uint64_t spi = default_spi, const Payloads& before = {});
  // IKE_SA_INIT as responder; the engine's IKE_AUTH request is in the outbox then.
  void answer_init();
  // NAT_DETECTION payloads will be in IKE_SA_INIT, with the addresses that the engine sees.
  void announce_addresses() { announces_addresses_ = true; }
  // IKE_AUTH as initiator.
  void ask_auth(const Payloads& request);
  // And then a packet on the child shows that the answer has arrived.
  void authenticate(const Payloads& request);
  // The IKE SA and its first child.
  void establish_as_initiator();
  void establish_as_responder();

  // From the puppet to the engine.
  Bytes sealed(Session& with, ExchangeType exchange, bool response, uint32_t message_id, const Payloads& payloads);
  std::vector<Bytes> fragments(ExchangeType exchange, bool response, uint32_t message_id, const Payloads& payloads,
                               size_t longest = 256);
  void answer(const IkeMessage& request, const Payloads& payloads) { answer(session, request, payloads); }
  void answer(Session& with, const IkeMessage& request, const Payloads& payloads);
  // A request under the next message id, and the payloads of the engine's answer.
  Payloads ask(ExchangeType exchange, const Payloads& payloads) { return ask(session, exchange, payloads); }
  Payloads ask(Session& with, ExchangeType exchange, const Payloads& payloads);

  // From the engine to the puppet, in the order of sending; each throws where there is none, or not such a one. A
  // message in fragments is received whole.
  IkeMessage receive() { return receive(session); }
  IkeMessage receive(const Session& with);

  // What ladders send.
  Bytes init_request(crypto::KeyExchangeId group, const Payloads& before = {}, uint64_t spi = default_spi);
  Payloads auth_request();
  Payloads child_request(uint32_t new_spi, std::optional<uint32_t> replaces, const Bytes& nonce) const;
  Payloads child_answer(uint32_t new_spi, const Bytes& nonce) const;
  Payloads rekey_request(uint64_t new_spi, const Bytes& nonce);
  // The IKE SA that a rekey made; `theirs` is the engine's request or answer.
  Session heir(bool initiator, uint64_t our_spi, const Bytes& our_nonce, const Payloads& theirs);

  // What AUTH of one end covers.
  Bytes octets(bool of_engine, ByteView id_body) const;

  Payloads announced;               // what the puppet adds to its IKE_SA_INIT message
  Payloads authenticated_notifies;  // and, as responder, to its IKE_AUTH answer

  Session session;
  uint32_t engine_spi = 0;                         // of the first child: the engine's inbound SPI
  static constexpr uint32_t own_spi = 0xb0b00001;  // and the puppet's

 private:
  Bytes auth(bool of_engine, ByteView id_body) const;
  Payloads join(const Session& with, ike::wire::EncryptedFragment fragment, Bytes datagram);
  void take_init(const IkeMessage& theirs);
  void take_auth(const Payloads& theirs);

  Payloads announcement() const;

  bool announces_addresses_ = false;
  std::unique_ptr<crypto::KeyExchange> key_exchange_;
  Bytes nonce_i_, nonce_r_, init_sent_, init_received_;
};

// Shorthand for what ladders look at.
bool has(const Payloads& payloads, NotifyType type);
ike::wire::Notify notify(NotifyType type, Bytes data = {});
ike::wire::Delete delete_child(uint32_t spi);
ike::wire::Delete delete_ike();
// The SPIs of the ESP deletes.
std::vector<uint32_t> deleted(const Payloads& payloads);
Bytes filled(size_t size, uint8_t value);

}  // namespace sekisho::sim
