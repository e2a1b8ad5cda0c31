// Probes of the path's MTU (control/ike/path_mtu.h): INFORMATIONAL requests as large as the datagram that they ask
// about.
//
//   HDR, SK { N(PATH_MTU_PROBE) }, not to be fragmented        -->   too large, or
//                                                              <--   HDR, SK { }         in time: so much gets through
//   later, if there is no answer:
//   HDR, SK { }, with the same message id                      -->
//   and still later, with it, the same as at first             -->
//                                                              <--   HDR, SK { }         the exchange is over
//
// The notify is of a private type, which a peer ignores (RFC 7296 section 3.10.1), so the request with it and the one
// without it mean the same, and the answer is small. Whatever the path loses, the exchange itself gets through as any
// other does, and the peer is taken for dead when it would be by any other. A request that comes again must be the
// same, bit by bit (section 2.1), but for a peer that speaks RFC 7383, which knows it again by its message id if it
// comes cut to another size (section 2.5.2 there); so only such a peer is asked. Fragments would say it to the letter;
// yet there are peers that take none of INFORMATIONAL (strongSwan, where it is built with mediation).
//
// Attack surface: only an authentic answer counts. Who can drop some packets of the path and not others can make the
// MTU as small as the base, and no smaller.
#pragma once

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

std::unique_ptr<Task> path_probe_task();
// When the next one is due; nothing while something else is asked, or nothing is looked for.
std::optional<Instant> path_probe_at(const IkeSa& sa);
// The SA is established, or its ends or the way between them may have changed: looks for the MTU of that path.
void watch_path(Context& context, IkeSa& sa);
// Takes over what the SA before it has found, as far as it is of the same path.
void inherit_path_mtu(Context& context, const IkeSa& old, IkeSa& heir);
PathMtuView path_mtu_view(const IkeSa& sa);

}  // namespace sekisho::ike::v2
