// IKE_AUTH with pre-shared keys (RFC 7296 sections 1.2, 2.15, 2.16): both ends prove who they are, and the first child
// SA is made. Where only the child fails, the IKE SA stands and the child is tried again by CREATE_CHILD_SA.
//
//   HDR, SK { IDi, [N(INITIAL_CONTACT)], IDr, AUTH, SAi2, TSi, TSr } -->
//                                                       <-- HDR, SK { IDr, AUTH, SAr2, TSi, TSr }
#pragma once

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

std::unique_ptr<Task> authenticate_task();
void receive_auth_request(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message);

}  // namespace sekisho::ike::v2
