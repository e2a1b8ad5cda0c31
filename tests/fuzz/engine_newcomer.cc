#include "tests/fuzz/besiege.h"
#include "tests/fuzz/peer_payloads.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/targets.h"
#include "tests/sim/chain.h"

namespace sekisho::fuzz {
namespace {

using namespace std::chrono_literals;
using sim::ExchangeType;

void require_nobody_believed(const sim::Puppet& puppet) {
  for (const ike::IkeSaView& sa : puppet.engine->ike_sas())
    require(sa.state == "connecting", "nobody without a proof is believed");
  require(puppet.data_path.installed().empty(), "nobody without a proof gets a child SA");
}

void speak(Script& script, sim::Puppet& puppet, const Features& features) {
  const auto exchange = script.one_of(std::array{ExchangeType::ike_auth, ExchangeType::ike_auth, ExchangeType::ike_auth,
                                                 ExchangeType::informational, ExchangeType::create_child_sa});
  const uint32_t message_id = script.below(8) == 7 ? script.u8() : 1;
  const bool response = puppet.session.initiator == (script.below(8) == 7);
  const auto payloads =
      exchange == ExchangeType::ike_auth ? write_proof(script, puppet, features) : write_payloads(script, {puppet});
  say(script, puppet, {.exchange = exchange, .response = response, .message_id = message_id}, payloads);
}

}  // namespace

bool engine_newcomer(ByteView input) {
  Script script(input);
  const Features features(script.u8());
  const auto puppet = make_puppet(features);
  puppet->connection.psk = sim::secret("guess");  // the engine has another
  bool half_open = false;
  for (unsigned count = 0; !script.done() && count < 32; ++count) {
    if (count % 8 == 0 || puppet->engine->ike_sas().empty()) {
      puppet->outbox.clear();
      try {
        script.yes() ? puppet->exchange_init(sim::Puppet::default_spi + count) : puppet->answer_init();
      } catch (const sim::Violation&) {
        break;  // no more half-open SAs are taken, or one is under way
      }
    }
    half_open = half_open || puppet->ike_sas() > 0;
    speak(script, *puppet, features);
    require_nobody_believed(*puppet);
    if (script.below(4) == 3) puppet->pass(100ms * script.u8());
  }
  require_nothing_left(*puppet);
  return half_open;
}

}  // namespace sekisho::fuzz
