// Where a message of IKEv1 goes: to the handshake that awaits it, or to the exchange of an established SA.
#pragma once

#include "control/ike/v1/ike_sa.h"

namespace sekisho::ike::v1 {

void receive(Context& context, const DatagramReceived& datagram);

}  // namespace sekisho::ike::v1
