// IKE_AUTH (RFC 7296 sections 1.2 and 2.15): both ends prove who they are, each by pre-shared key or certificate, and
// the first child SA is made. Where only the child fails, the IKE SA stands and the child is tried again by
// CREATE_CHILD_SA. EAP is not spoken: a peer that leaves AUTH out to ask for it is refused.
//
//   HDR, SK { IDi, [CERT..], [N(INITIAL_CONTACT)], [CERTREQ], IDr, AUTH, [N(PPK..)], SAi2, TSi, TSr } -->
//                                     <-- HDR, SK { IDr, [CERT..], AUTH, [N(PPK_IDENTITY)], SAr2, TSi, TSr }
#pragma once

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

std::unique_ptr<Task> authenticate_task();
void receive_auth_request(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message);

}  // namespace sekisho::ike::v2
