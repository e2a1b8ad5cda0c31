#include "tests/sim/stage.h"

namespace sekisho::sim {
namespace {

ike::EngineOptions options_at(Stage stage) {
  ike::EngineOptions options;
  if (stage == Stage::cookies) options.cookie_threshold = 0;
  return options;
}

void bring_to(Puppet& puppet, Stage stage) {
  switch (stage) {
    case Stage::idle:
    case Stage::cookies:
      return;
    case Stage::init_sent:
      return puppet.step(ike::Initiate{"tunnel"});
    case Stage::init_answered:
      return puppet.exchange_init();
    case Stage::auth_sent:
      return puppet.answer_init();
    case Stage::established_as_initiator:
      return puppet.establish_as_responder();
    default:
      return puppet.establish_as_initiator();
  }
}

}  // namespace

PuppetAt::PuppetAt(Stage stage) : Puppet(engine_connection(), options_at(stage)) {
  bring_to(*this, stage);
  if (stage == Stage::rekeying_child) step(ike::RekeyChild{"tunnel"});
  if (stage == Stage::rekeying_ike) step(ike::RekeyIke{"tunnel"});
  if (stage == Stage::deleting) step(ike::Terminate{"tunnel"});
  if (stage == Stage::rekeyed) ask(ExchangeType::create_child_sa, rekey_request(0xb0b0b0b0b0b00002, filled(32, 1)));
}

Position position(const LoneEngine& alone) {
  Position now;
  for (const ike::IkeSaView& sa : alone.engine->ike_sas()) {
    if (sa.connection.empty()) continue;
    now.ike_sas.push_back(sa.initiator ? sa.initiator_spi : sa.responder_spi);
    now.remotes.push_back(sa.remote);
  }
  for (const auto& [spi, sa] : alone.data_path.installed()) now.children.push_back(spi);
  return now;
}

}  // namespace sekisho::sim
