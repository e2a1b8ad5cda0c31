#include <deque>

#include "tests/fuzz/besiege.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/v1_peer.h"

namespace sekisho::fuzz {
namespace {

using namespace ike::v1::wire;
using namespace std::chrono_literals;

// The peer: one ISAKMP SA at a time, of which it makes new ones as it likes, and the quick modes under way on it.
class Peer {
 public:
  explicit Peer(Script& script)
      : script_(script), puppet_(make_v1_puppet(script.yes() ? Proof::certificate : Proof::pre_shared_key)) {
    if (script_.yes())
      puppet_->establish_as_initiator();
    else
      puppet_->establish_as_responder();
  }

  sim::V1Party& puppet() { return *puppet_; }

  void act() {
    switch (script_.below(8)) {
      case 0:
        return puppet_->pass(script_.yes() ? 1s * script_.u8() : 10ms * script_.u8());
      case 1:
        return operate(script_, *puppet_);
      case 2:
        return data_path_event(script_, *puppet_);
      case 3:
        return go_on();
      case 4:
        return send(ExchangeType::quick_mode, puppet_->begin_exchange());
      case 5:
        return authenticate();
      case 6:
        return puppet_->deliver(last_);
      default:
        return send(exchange_type(), puppet_->begin_exchange());
    }
  }
  // What the engine began is gone on with later.
  void listen() {
    while (!puppet_->silent()) puppet_->open(puppet_->take().data);
    while (puppet_->exchanges.size() > 16) puppet_->exchanges.erase(puppet_->exchanges.begin());
  }

 private:
  ExchangeType exchange_type() {
    return script_.one_of(std::array{ExchangeType::informational, ExchangeType::informational,
                                     ExchangeType::transaction, ExchangeType{33}});
  }
  void send(ExchangeType type, sim::V1Party::Exchange& exchange) {
    last_ = puppet_->sealed(type, exchange, write_v1_payloads(script_, *puppet_));
    puppet_->deliver(last_);
  }
  void go_on() {
    auto& exchanges = puppet_->exchanges;
    if (exchanges.empty()) return puppet_->deliver(last_);
    auto chosen = exchanges.begin();
    std::advance(chosen, static_cast<ptrdiff_t>(script_.below(exchanges.size())));
    send(ExchangeType::quick_mode, chosen->second);
  }
  // A new ISAKMP SA beside the old one, which the peer goes on with if its proof was believed.
  void authenticate() {
    auto before = std::move(puppet_->sa);
    try {
      puppet_->exchange_keys();
      puppet_->prove(spoiled_proof(script_, *puppet_));
      puppet_->proof_of_engine();
      puppet_->finish();
    } catch (const sim::Violation&) {
      puppet_->sa = std::move(before);  // refused
    }
  }

  Script& script_;
  std::unique_ptr<sim::V1Party> puppet_;
  Bytes last_;
};

}  // namespace

void engine_v1_peer(ByteView input) {
  Script script(input);
  Peer peer(script);
  for (unsigned count = 0; !script.done() && count < 64; ++count) {
    peer.act();
    peer.listen();
    require(peer.puppet().engine->ike_sas().size() <= 32, "ISAKMP SAs of one peer are bounded");
    require(peer.puppet().data_path.installed().size() <= 64, "children of one peer are bounded");
    require(peer.puppet().reported.size() <= 1000, "reports are bounded");
  }
  require_nothing_left(peer.puppet());
}

}  // namespace sekisho::fuzz
