// Quick mode (RFC 2409 section 5.5): an exchange of phase 2 that makes one child SA for one pair of selectors.
//
//   initiator                                             responder
//   HDR*, HASH(1), SA, NONCE, [KE], [IDci, IDcr]      -->
//                                                     <-- HDR*, HASH(2), SA, NONCE, [KE], [IDci, IDcr]
//   installs both directions, sends on them               has both in place, takes packets, sends on the old one
//   HDR*, HASH(3)                                     -->
//                                                         sends on the new one (or earlier: on its first packet)
//
// Whoever awaits a message repeats its own; whoever gets one again repeats the answer.
#pragma once

#include "control/ike/v1/ike_sa.h"

namespace sekisho::ike::v1 {

// A quick mode for each pair of selectors that no child has and none is being made for.
void begin_missing(Context& context, IkeSa& sa);
bool misses_children(Context& context, const Connection& connection);
// One more for that traffic, which a child carries already.
void begin_quick_mode(Context& context, IkeSa& sa, const std::string& child, const ike::suite::Selectors& selectors);
bool making(Context& context, const std::string& connection, const std::string& child,
            const ike::suite::Selectors& selectors);

void receive_quick_mode(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header);
// The responder's third message never came, but what came instead shows that the initiator has the child.
void finish_quick_mode(Context& context, uint32_t inbound_spi);
// An error notification of the peer, which names the SPI that it is about or nothing.
void refuse_quick_mode(Context& context, IkeSa& sa, const wire::Notification& error);
// Of the child, or of the ISAKMP SA (RFC 2407 section 4.6.3.1): the shorter one holds.
void take_responder_lifetime(Context& context, IkeSa& sa, const wire::Notification& notify);
// Gives back what it holds.
void abandon(Context& context, QuickMode& quick_mode);

std::optional<Instant> deadline(const QuickMode& quick_mode);
void on_quick_mode_timers(Context& context, IkeSa& sa);

}  // namespace sekisho::ike::v1
