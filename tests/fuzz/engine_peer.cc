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
  explicit Peer(Script& script) : script_(script), features_(script.u8() & provable), puppet_(make_puppet(features_)) {
    if (script_.yes()) {
      puppet_->exchange_init();
      use_port_4500();
      Payloads request = puppet_->auth_request();
      if (features_.addresses) request.push_back(sim::notify(NotifyType::mobike_supported));
      puppet_->authenticate(request);
    } else {
      puppet_->establish_as_responder();
      use_port_4500();
    }
  }

  Puppet& puppet() { return *puppet_; }

  void act() {
    switch (script_.below(8)) {
      case 0:
        if (features_.addresses && script_.yes()) return roam();
        return puppet_->pass(script_.yes() ? 1s * script_.u8() : 10ms * script_.u8());
      case 1:
        return operate(script_, *puppet_);
      case 2:
        return data_path_event(script_, *puppet_);
      case 3:
      case 4:
        return answer();
      default:
        return request();
    }
  }
  // Takes what the engine has sent: its requests wait for an answer; an answer to a rekey may bring another SA.
  void listen() {
    while (!puppet_->outbox.empty()) {
      const Bytes data = puppet_->take().data;
      auto message = decode(data);
      require(message.has_value(), "what the engine sends decodes");
      if (!find<Encrypted>(message->payloads)) continue;
      open(std::move(*message), data);
    }
  }

 private:
  // By the pre-shared key alone.
  static constexpr uint8_t provable = 0xfc;

  void use_port_4500() {
    if (features_.addresses) puppet_->local.port = puppet_->remote.port = 4500;
  }
  // The engine's own address goes, and comes back.
  void roam() {
    std::vector<IpAddress> usable = {*IpAddress::parse("10.9.1.9")};
    if (script_.yes()) usable.push_back(puppet_->connection.local);
    puppet_->step(ike::AddressesChanged{usable});
  }

  ExchangeType exchange() {
    return script_.one_of(std::array{ExchangeType::create_child_sa, ExchangeType::informational, ExchangeType::ike_auth,
                                     ExchangeType{38}});
  }
  void send(bool response, uint32_t message_id, ExchangeType type, const Payloads& payloads) {
    last_ = puppet_->sealed(puppet_->session, type, response, message_id, payloads);
    if (features_.fragments && script_.yes())
      return say(script_, *puppet_, {.exchange = type, .response = response, .message_id = message_id}, payloads);
    if (features_.addresses && script_.yes()) return puppet_->deliver(last_, elsewhere);
    puppet_->deliver(last_);
  }

  void request() {
    const ExchangeType type = exchange();
    asked_ = write_payloads(script_, {*puppet_});
    send(false, puppet_->session.next_request++, type, asked_);
  }

  void answer() {
    if (requests_.empty()) return puppet_->deliver(last_);
    const sim::IkeMessage theirs = std::move(requests_.front());
    requests_.pop_front();
    const Payloads payloads = write_payloads(script_, {*puppet_, &theirs.payloads});
    const ExchangeType type = script_.below(8) == 7 ? exchange() : theirs.header.exchange;
    send(true, theirs.header.message_id, type, payloads);
    inherit(payloads, theirs.payloads, false);
  }

  void open(sim::IkeMessage message, const Bytes& data) {
    const auto payloads = unprotect(message, data, *puppet_->session.opening);
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
      puppet_->session = puppet_->heir(initiator, spi.u64(), find<Nonce>(ours)->value, theirs);
      requests_.clear();
    } catch (const sim::Violation&) {
      return;  // the key exchange was spoiled on the way
    }
  }

  const Endpoint elsewhere{*IpAddress::parse("10.9.66.6"), 4500};
  Script& script_;
  Features features_;
  std::unique_ptr<Puppet> puppet_;
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
    require(peer.puppet().engine->ike_sas().size() <= 32, "IKE SAs of one peer are bounded");
    require(peer.puppet().reported.size() <= 1000, "reports are bounded");
  }
  require_nothing_left(peer.puppet());
}

}  // namespace sekisho::fuzz
