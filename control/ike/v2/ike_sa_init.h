// IKE_SA_INIT (RFC 7296 section 1.2): the first exchange, in clear. Nothing in it is authentic until IKE_AUTH has
// covered it, so nothing here touches an established SA.
//
//   initiator                                       responder
//   HDR(A,0), [N(COOKIE)], SAi1, KEi, Ni, N(NAT_D..) -->
//                                                <-- HDR(A,0), N(COOKIE)             too many half-open SAs
//                                                <-- HDR(A,0), N(INVALID_KE_PAYLOAD) another group
//                                                <-- HDR(A,0), N(NO_PROPOSAL_CHOSEN)
//                                                <-- HDR(A,B), SAr1, KEr, Nr, N(NAT_D..)
#pragma once

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

void begin_handshake(Context& context, std::shared_ptr<const Connection> connection);
void receive_init_response(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message);
void receive_init_request(Context& context, const DatagramReceived& datagram, const wire::Header& header);

// Sets what the NAT_DETECTION payloads of `payloads`, which arrived as `datagram`, say (RFC 7296 section 2.23).
// `spi_r`: of the header that they came under; 0 in an IKE_SA_INIT request.
void detect_nat(IkeSa& sa, uint64_t spi_r, const DatagramReceived& datagram, const wire::Payloads& payloads);
// The NAT_DETECTION payloads to send. The source is feigned where UDP encapsulation is forced.
void add_nat_detection(Context& context, const IkeSa& sa, Encapsulation encapsulation, const Endpoint& local,
                       const Endpoint& remote, wire::Payloads& payloads);
// RFC 7383 section 2.3; `payloads`: what the peer sent.
bool both_fragment(const Connection& connection, const wire::Payloads& payloads);
void derive_keys(Context& context, IkeSa& sa, const SecretBytes& shared_secret);

}  // namespace sekisho::ike::v2
