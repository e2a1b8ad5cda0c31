// What the targets have in common that play somebody before a lone engine, whichever version of IKE he speaks.
#pragma once

#include "tests/fuzz/script.h"
#include "tests/sim/lone_engine.h"

namespace sekisho::fuzz {

// Datagrams of a stranger, one after the other, as the script has them; their headers are corrected where it says so,
// so that the rest is looked at. Half-open SAs and reports stay bounded.
void besiege(Script& script, sim::LoneEngine& engine, ike::IkeVersion version);

// What an operator asks for at any time, and what the data path says of an SA.
void operate(Script& script, sim::LoneEngine& engine);
void data_path_event(Script& script, sim::LoneEngine& engine);

// An SPI that means something: of a child that is installed, at either end; 0 where there is none.
uint32_t installed_spi(Script& script, const sim::LoneEngine& engine);

// The connection is removed; with time, nothing is left of it.
void require_nothing_left(sim::LoneEngine& engine);

}  // namespace sekisho::fuzz
