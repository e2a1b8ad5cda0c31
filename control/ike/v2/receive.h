// Where a datagram enters: finds its IKE SA, checks window and authenticity, and hands it to the exchange it is for.
#pragma once

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

void receive(Context& context, const DatagramReceived& datagram);

}  // namespace sekisho::ike::v2
