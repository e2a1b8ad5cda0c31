// What time does to an IKE SA: retransmission, probes, renewal, expiry.
#pragma once

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

std::optional<Instant> deadline(const IkeSa& sa);
void on_timer(Context& context, IkeSa& sa);
// The child's lifetime is over, in time or in bytes or packets: out of the data path at once, then out of the peer's.
void hard_expire_child(Context& context, IkeSa& sa, uint32_t inbound_spi);
// The data path did not take the child.
void refuse_child(Context& context, IkeSa& sa, uint32_t inbound_spi);

}  // namespace sekisho::ike::v2
