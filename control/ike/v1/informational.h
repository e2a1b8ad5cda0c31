// Informational exchanges (RFC 2409 section 5.7): one message of which no answer is expected, under a HASH. Deletes,
// dead peer detection (RFC 3706), and notifications. What comes in clear, or with a wrong hash, changes nothing.
#pragma once

#include <span>

#include "control/ike/v1/ike_sa.h"

namespace sekisho::ike::v1 {

void send_informational(Context& context, IkeSa& sa, const wire::Payloads& payloads);
void send_delete_children(Context& context, IkeSa& sa, std::span<const uint32_t> inbound_spis);
// Of this ISAKMP SA, and with it of those children, in one message: what arrives, arrives whole.
void send_delete_ike(Context& context, IkeSa& sa, std::span<const uint32_t> inbound_spis);
// Whether R-U-THERE finds out that the peer is dead: it speaks it (RFC 3706), and the connection wants it.
bool is_probed(const IkeSa& sa);
// R-U-THERE, for the first time or again, each under the next sequence number.
void send_probe(Context& context, IkeSa& sa);

void receive_informational(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header);
// XAUTH and mode config: refused.
void receive_transaction(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header);

// Where the answer to that goes: to its source where the peer may be there, since a NAT lies before it.
Endpoint answer_to(const IkeSa& sa, const DatagramReceived& datagram);
// The peer showed, by a message that cannot be a replay, where it is now.
void follow_peer(Context& context, IkeSa& sa, const DatagramReceived& datagram);
// Its children go where the SA goes.
void move_children(Context& context, const IkeSa& sa);

}  // namespace sekisho::ike::v1
