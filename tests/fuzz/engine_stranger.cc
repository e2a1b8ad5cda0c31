#include "tests/fuzz/besiege.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/targets.h"
#include "tests/sim/stage.h"

namespace sekisho::fuzz {

void engine_stranger(ByteView input) {
  Script script(input);
  const sim::Stage stage = script.one_of(sim::stages);
  sim::PuppetAt puppet(stage);
  const sim::Position before = position(puppet);
  besiege(script, puppet, ike::IkeVersion::v2);
  if (sim::authenticated(stage)) require(sim::position(puppet) == before, "a stranger moves no SA");
  require_nothing_left(puppet);
}

}  // namespace sekisho::fuzz
