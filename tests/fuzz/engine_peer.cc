#include "tests/fuzz/besiege.h"
#include "tests/fuzz/peer_payloads.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/targets.h"

namespace sekisho::fuzz {
namespace {

using namespace ike::wire;
using namespace std::chrono_literals;
using sim::Puppet;

// The peer: its IKE SAs, of which each rekey may add one, and the engine's requests that it has not answered yet.
class Peer {
 public:
  explicit Peer(Script& script) : script_(script) {
    if (script_.yes())
      puppet.establish_as_initiator();
    else
      puppet.establish_as_responder();
  }

  void act() {
    switch (script_.below(8)) {
      case 0:
        return puppet.pass(script_.yes() ? 1s * script_.u8() : 10ms * script_.u8());
      case 1:
        return operate(script_, puppet);
      case 2:
        return data_path_event(script_, puppet);
      case 3:
      case 4:
        return answer();
      default:
        return request();
    }
  }
  // Takes what the engine has sent: its requests wait for an answer; an answer to a rekey may bring another SA.
  void listen() {
    while (!puppet.outbox.empty()) {
      const Bytes data = puppet.take().data;
      auto message = decode(data);
      require(message.has_value(), "what the engine sends decodes");
      if (!find<Encrypted>(message->payloads)) continue;
      open(std::move(*message), data);
    }
  }

  Puppet puppet;

 private:
  ExchangeType exchange() {
    return script_.one_of(std::array{ExchangeType::create_child_sa, ExchangeType::informational, ExchangeType::ike_auth,
                                     ExchangeType{38}});
  }
  void send(bool response, uint32_t message_id, ExchangeType type, const Payloads& payloads) {
    last_ = puppet.sealed(puppet.session, type, response, message_id, payloads);
    puppet.deliver(last_);
  }

  void request() {
    const ExchangeType type = exchange();
    asked_ = write_payloads(script_, {puppet});
    send(false, puppet.session.next_request++, type, asked_);
  }

  void answer() {
    if (requests_.empty()) return puppet.deliver(last_);
    const sim::IkeMessage theirs = std::move(requests_.front());
    requests_.pop_front();
    const Payloads payloads = write_payloads(script_, {puppet, &theirs.payloads});
    const ExchangeType type = script_.below(8) == 7 ? exchange() : theirs.header.exchange;
    send(true, theirs.header.message_id, type, payloads);
    inherit(payloads, theirs.payloads, false);
  }

  void open(sim::IkeMessage message, const Bytes& data) {
    const auto payloads = unprotect(message, data, *puppet.session.opening);
    if (!payloads) return;  // of an SA that a rekey left behind
    message.payloads = *payloads;
    if (!message.header.response && requests_.size() < 8)
      requests_.push_back(std::move(message));
    else if (message.header.response)
      inherit(asked_, message.payloads, true);
  }

  // A rekey of the IKE SA that worked: the peer goes on with the new one, if the script says so.
  void inherit(const Payloads& ours, const Payloads& theirs, bool initiator) {
    const auto spi_of = [](const Payloads& payloads) -> const Proposal* {
      const auto* sa = find<SecurityAssociation>(payloads);
      if (!sa || sa->proposals.empty() || !find<Nonce>(payloads) || !find<KeyExchange>(payloads)) return nullptr;
      const Proposal& proposal = sa->proposals.front();
      return proposal.protocol == Protocol::ike && proposal.spi.size() == 8 ? &proposal : nullptr;
    };
    const Proposal* our_proposal = spi_of(ours);
    if (!our_proposal || !spi_of(theirs) || script_.yes()) return;
    ByteReader spi(our_proposal->spi);
    try {
      puppet.session = puppet.heir(initiator, spi.u64(), find<Nonce>(ours)->value, theirs);
      requests_.clear();
    } catch (const sim::Violation&) {
      return;  // the key exchange was spoiled on the way
    }
  }

  Script& script_;
  Payloads asked_;
  Bytes last_;
  std::deque<sim::IkeMessage> requests_;
};

}  // namespace

void engine_peer(ByteView input) {
  Script script(input);
  Peer peer(script);
  for (unsigned count = 0; !script.done() && count < 64; ++count) {
    peer.act();
    peer.listen();
    require(peer.puppet.engine->ike_sas().size() <= 32, "IKE SAs of one peer are bounded");
    require(peer.puppet.reported.size() <= 1000, "reports are bounded");
  }
  require_nothing_left(peer.puppet);
}

}  // namespace sekisho::fuzz
