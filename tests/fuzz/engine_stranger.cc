#include "tests/fuzz/require.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/targets.h"
#include "tests/sim/stage.h"

namespace sekisho::fuzz {
namespace {

using sim::Puppet;
using sim::Stage;
using namespace std::chrono_literals;

// Corrects the header so that the rest is looked at: the SPIs of an SA that there is, a length that agrees.
void put(Bytes& datagram, size_t at, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) datagram[at + i] = static_cast<uint8_t>(value >> (8 * (width - 1 - i)));
}
Bytes next_datagram(Script& script, const Puppet& puppet) {
  const uint8_t corrections = script.u8();
  const ByteView bytes = script.bytes(script.u16() & 0x7ff);
  Bytes datagram(bytes.begin(), bytes.end());
  if (datagram.size() < ike::wire::header_length) return datagram;
  if ((corrections & 1) != 0) put(datagram, 24, datagram.size(), 4);
  if ((corrections & 2) != 0) {
    const auto sas = puppet.engine->ike_sas();
    const uint64_t responder = sas.empty() ? 0 : sas.front().responder_spi;
    put(datagram, 0, sas.empty() ? 1 : sas.front().initiator_spi, 8);
    put(datagram, 8, (corrections & 4) != 0 ? 0 : responder, 8);
  }
  if ((corrections & 8) != 0) put(datagram, 20, corrections >> 6, 4);
  return datagram;
}

}  // namespace

void engine_stranger(ByteView input) {
  Script script(input);
  const Stage stage = script.one_of(sim::stages);
  sim::PuppetAt puppet(stage);
  const sim::Position before = position(puppet);
  for (unsigned count = 0; !script.done() && count < 64; ++count) {
    Endpoint from = puppet.remote;
    if (script.yes()) from.port = script.yes() ? 4500 : script.u16();
    puppet.deliver(next_datagram(script, puppet), from);
    require(puppet.engine->ike_sas().size() <= 300, "half-open SAs are bounded");
    puppet.outbox.clear();
  }
  require(puppet.reported.size() <= 300, "reports are bounded");
  if (sim::authenticated(stage)) require(sim::position(puppet) == before, "a stranger moves no SA");
  puppet.step(ike::RemoveConnection{"tunnel"});
  puppet.pass(600s);
  require(puppet.engine->ike_sas().empty() && puppet.data_path.installed().empty(), "nothing is left");
  require(puppet.data_path.reserved() == 0, "no SPI leaked");
}

}  // namespace sekisho::fuzz
