// CREATE_CHILD_SA that replaces the IKE SA (RFC 7296 sections 1.3.2, 2.18): new SPIs and keys, message ids from 0; the
// children move over, and whoever began deletes the old one.
//
//   HDR, SK { SA (new SPI), Ni, KEi } -->
//                                      <-- HDR, SK { SA (new SPI), Nr, KEr }
#pragma once

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

std::unique_ptr<Task> rekey_ike_task(std::optional<crypto::KeyExchangeId> group = std::nullopt);
wire::Payloads answer_rekey_ike(Context& context, IkeSa& sa, const wire::Payloads& request);
// Our own rekey comes to nothing, or loses: the children go to the IKE SA that the peer's made. False where there is
// none.
bool yield_to_peers_rekey(Context& context, IkeSa& sa);
// The peer uses the IKE SA that its rekey made, so it is the heir for it; no need to wait what becomes of ours.
void heir_is_in_use(Context& context, IkeSa& heir);

}  // namespace sekisho::ike::v2
