// What time does to the SAs of IKEv1: retransmission, renewal, expiry, dead peer detection.
#pragma once

#include "control/ike/v1/ike_sa.h"

namespace sekisho::ike::v1 {

// When the next of them is due; nothing where no timer runs.
std::optional<Instant> deadline(const SaTable& sas);
void on_timers(Context& context);

}  // namespace sekisho::ike::v1
