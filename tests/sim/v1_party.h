// A peer of IKEv1 in either role and with either proof, for whoever goes beyond the ladders of V1Puppet. It has the
// ISAKMP SA as the engine itself would have it, and says whatever it is told to under its keys, in any order.
#pragma once

#include <map>

#include "control/ike/v1/phase1.h"
#include "tests/sim/v1_puppet.h"

namespace sekisho::sim {

class V1Party : public LoneEngine {
 public:
  using Payloads = ike::v1::wire::Payloads;
  static constexpr uint32_t own_spi = 0xb0b00001;

  explicit V1Party(ike::Connection connection = V1Puppet::engine_connection(), ike::EngineOptions options = {});

  // ------------------------------------------------------------------------------------------------- phase 1

  // Main mode's first message and its answer.
  void offer();
  // Main mode up to the keys, as initiator (messages 1 to 4) or responder (the engine's message 5 is in the outbox
  // then).
  void exchange_keys();
  void answer_keys();
  // What proves the puppet, rightly: ID and HASH, or ID, CERT and SIG.
  Payloads proof() const { return prove_ourselves(sa); }
  // HASH_I or HASH_R of the puppet, for any identity.
  Bytes own_hash(ByteView id_body) const;
  // Payloads of phase 1, encrypted under its running IV; and those of the engine's next message.
  void prove(const Payloads& payloads);
  Payloads proof_of_engine();
  // The IV of phase 1 has come to its end: the SA stands.
  void finish();
  // The ISAKMP SA and a child SA under it. As responder it lets the engine begin.
  void establish_as_initiator();
  void establish_as_responder();

  // ------------------------------------------------------------------------------------------------- phase 2

  // One exchange under a message id, as far as it has come.
  struct Exchange {
    uint32_t message_id = 0;
    Bytes iv;
    Bytes nonce_i, nonce_r;
    unsigned messages = 0;  // seen, of both ends
  };
  // With the right HASH before them, whichever it is by now.
  Bytes sealed(ike::v1::wire::ExchangeType type, Exchange& exchange, const Payloads& payloads);
  Exchange& begin_exchange();
  void inform(const Payloads& payloads);
  // The first message of a quick mode, and the answer to the engine's.
  Payloads quick_request(uint32_t spi, const Bytes& nonce) const;
  Payloads quick_answer(uint32_t spi, const Bytes& nonce) const;
  // What the engine sent, opened; nothing where it is in clear, or no message of this SA.
  struct Opened {
    ike::v1::wire::Header header;
    Payloads payloads;
  };
  std::optional<Opened> open(const Bytes& datagram);

  ike::Connection mirror;  // the puppet's own end of the connection; what it proves itself by may be set
  ike::v1::IkeSa sa;       // as the puppet has it
  std::map<uint32_t, Exchange> exchanges;

 private:
  void begin(bool initiator, ike::v1::suite::Cookies cookies);
  ike::v1::wire::Message receive();
  Payloads key_exchange_payloads();
  void take_keys(const Payloads& theirs);
};

}  // namespace sekisho::sim
