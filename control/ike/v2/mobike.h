// MOBIKE (RFC 4555): the two ends of an established IKE SA get other outer addresses, and its children with it.
//
//   whoever began the first IKE SA                      the other end
//   HDR, SK { N(UPDATE_SA_ADDRESSES), N(NAT_D..) }  -->  takes the new addresses for IKE messages
//                                                  <--   HDR, SK { N(NAT_D..) }
//   children move                                  <--   HDR, SK { N(COOKIE2) }        is the peer really there?
//   HDR, SK { N(COOKIE2) }                         -->   children move
//
// Attack surface: nothing moves before a message was authenticated. A peer that claims somebody else's address gets no
// traffic sent there: children, old and new, go there only after a cookie has come back that was sent nowhere else
// (section 3.7).
#pragma once

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

// The notifies of IKE_AUTH: that we speak it, and our other addresses.
void add_mobike_offer(const IkeSa& sa, wire::Payloads& payloads);
// What the peer said in IKE_AUTH settles whether it is spoken.
void agree_on_mobike(IkeSa& sa, const wire::Payloads& theirs);

// NO_NATS_ALLOWED (section 3.9) with other addresses than the datagram came with: it is to be refused with
// UNEXPECTED_NAT_DETECTED and to have no effect.
bool breaks_nat_prohibition(const wire::Payloads& payloads, const DatagramReceived& datagram);
// What an INFORMATIONAL request has for MOBIKE: takes an update of addresses, and adds to the answer what it asks for.
void answer_mobike(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Payloads& request,
                   wire::Payloads& answer);

// A probe of ours from behind a NAT finds out whether the NAT shows another address or port by now (section 3.8).
void add_mapping_probe(Context& context, const IkeSa& sa, wire::Payloads& request);
void notice_mapping(IkeSa& sa, const wire::Payloads& answer);

// Our own addresses have changed: the SA goes to the best there is now, where it may. `before`: what there was.
void follow_local_addresses(Context& context, IkeSa& sa, const LocalAddresses& before);

}  // namespace sekisho::ike::v2
