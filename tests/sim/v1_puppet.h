// A peer of IKEv1 under the test's full control, as Puppet is one of IKEv2: it speaks by the codec and the key
// derivation of the tree, but has no state machine.
#pragma once

#include "control/ike/v1/suite/keys.h"
#include "control/ike/v1/suite/proposals.h"
#include "control/ike/v1/wire/message.h"
#include "crypto/ike/key_exchange.h"
#include "tests/sim/lone_engine.h"

namespace sekisho::sim {

class V1Puppet : public LoneEngine {
 public:
  using Payloads = ike::v1::wire::Payloads;
  using ExchangeType = ike::v1::wire::ExchangeType;

  // The engine's end: 10.9.1.1 as a.lab, which only answers; the puppet is 10.9.2.2 as b.lab. ecp256, no PFS.
  static ike::Connection engine_connection();
  explicit V1Puppet(ike::Connection connection = engine_connection(), ike::EngineOptions options = {});

  // Main mode as initiator, step by step. Each sends one message, and the first two take the answer.
  void main_1();
  void offer_main_1();  // without the answer
  void main_3();
  void main_5(const Payloads& besides = {});
  // All of it, without a child.
  void establish();

  // Aggressive mode as initiator: message 1 with that public value (empty: a true one), which takes no answer; the keys
  // from the answer; and message 3.
  void aggressive_1(Bytes public_value = {});
  void aggressive_2();
  enum class Form : uint8_t { clear, encrypted };
  void aggressive_3(Form form, const Payloads& besides = {});

  // An exchange of phase 2 under one message id.
  struct Exchange {
    ExchangeType type = ExchangeType::informational;
    uint32_t message_id = 0;
    Bytes iv;
    Bytes nonce_i = Bytes(32, 1), nonce_r = Bytes(32, 2);
  };
  Exchange exchange(ExchangeType type, uint32_t message_id) const;
  enum class HashOf : uint8_t { message_1, message_2, message_3 };
  Bytes sealed(Exchange& exchange, HashOf hash, const Payloads& payloads) const;
  // An informational message under an id of its own.
  Bytes informational(const Payloads& payloads);
  // The engine's next message, which is the first of an exchange; throws where it is not of that type.
  Payloads receive_first(Exchange& exchange, ExchangeType type);
  Payloads receive(Exchange& exchange);

  // What quick modes say. The puppet's network is 10.2.0.0/24, the engine's is 10.1.0.0/24.
  Payloads quick_1(const Exchange& exchange, uint32_t spi, const char* own = "10.2.0.0/24",
                   const char* engines = "10.1.0.0/24") const;
  Payloads quick_2(const Exchange& exchange, uint32_t spi, const Payloads& request) const;
  // As initiator, up to the third message. Returns the engine's SPI; nothing where it refuses.
  std::optional<uint32_t> make_child(uint32_t message_id, uint32_t spi, const char* own = "10.2.0.0/24");

  ike::v1::suite::Cookies cookies{0xb0b0b0b0b0b0b0b0, 0};
  Bytes message_1;  // of aggressive mode, as it was sent

 private:
  Bytes send_clear(const Payloads& payloads, ExchangeType exchange = ExchangeType::main_mode);
  Payloads offer();
  void take_keys(const Payloads& answer);
  Bytes hash_i() const;
  ike::v1::wire::Message receive_clear();
  Bytes encrypt(ExchangeType type, uint32_t message_id, Bytes& iv, const Payloads& payloads) const;

  ike::IkeProposal proposal_;
  ike::v1::suite::Phase1Keys keys_;
  std::unique_ptr<crypto::KeyExchange> key_exchange_;
  Bytes sa_body_, nonce_i_ = Bytes(32, 7), public_r_, iv_;
  uint32_t next_message_id_ = 0x10000;
};

// The SPI of the proposal in a quick mode's SA payload.
uint32_t spi_of(const V1Puppet::Payloads& payloads);

}  // namespace sekisho::sim
