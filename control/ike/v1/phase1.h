// Phase 1 (RFC 2409 section 5): both ends agree on keys and prove who they are. This file has what main mode and
// aggressive mode share; each side of each mode has a file of its own.
#pragma once

#include "control/ike/v1/authentication.h"
#include "control/ike/v1/suite/proposals.h"

namespace sekisho::ike::v1 {

// ---------------------------------------------------------------------------------------------- both sides

// The payloads of the two exchanges in clear, and what is made of them.
wire::KeyExchange key_exchange_payload(const Handshake& handshake);
// NAT-D for the peer and for us (RFC 3947 section 3.2); nothing where NAT traversal is not spoken. Our own is feigned
// where UDP encapsulation is forced.
void add_nat_detection(Context& context, const IkeSa& sa, wire::Payloads& payloads);
void detect_nat(IkeSa& sa, const DatagramReceived& datagram, const wire::Payloads& payloads);
// SKEYID and all that hangs on it; false where the peer's public value is none of the group.
[[nodiscard]] bool derive_keys(IkeSa& sa);
// The same, and shows them to who observes keys.
[[nodiscard]] bool derive_keys(Context& context, IkeSa& sa);
// The initiator goes to port 4500 with the first message after a NAT was seen, or feigned (RFC 3947 section 4).
void choose_ports(IkeSa& sa);
// What of the vendor ids both ends speak.
Capabilities in_common(const Connection& connection, const wire::Payloads& payloads);
Capabilities spoken(const Connection& connection);

void establish(Context& context, IkeSa& sa);

// ----------------------------------------------------------------------------------------------- initiator

// Sends main mode's or aggressive mode's first message.
void begin_phase1(Context& context, std::shared_ptr<const Connection> connection);
// The shared part of message 2: the SA that was chosen, cookies and vendor ids. False where it is to be dropped; the
// failure is taken as a hint then.
[[nodiscard]] bool take_choice(Context& context, IkeSa& sa, const wire::Message& message);
void take_hint(Context& context, IkeSa& sa, const Message& message, std::string detail,
               std::optional<Mismatch> mismatch = {});
// An error that came in clear while phase 1 is under way.
void take_clear_notification(Context& context, IkeSa& sa, const wire::Message& message);

// ----------------------------------------------------------------------------------------------- responder

// A half-open SA for message 1 and the SA payload to answer; nullptr where the limits, the addresses or the proposals
// forbid it.
struct Accepted {
  IkeSa* sa = nullptr;
  wire::SecurityAssociation answer;
};
Accepted accept_phase1(Context& context, const DatagramReceived& datagram, const wire::Message& message);
// An error in clear, which is no more than a hint to whoever gets it; strangers get no more of them than AnswerLimit
// says.
void answer_clear(Context& context, const DatagramReceived& datagram, const wire::Header& asked,
                  wire::NotifyType error);
// Ready to be compared with those of many connections; nothing where it is longer than any real one.
std::optional<Identity> claimed_identity(const wire::Identification& id);
// The connection that the peer's identity belongs to, proven by its signature, or under the key of the one found by
// addresses.
std::shared_ptr<const Connection> find_connection(Context& context, IkeSa& sa, const wire::Payloads& payloads);
// The peer has proven itself: the SA is established, and what INITIAL-CONTACT among `payloads` says is done.
void accept_peer(Context& context, IkeSa& sa, std::shared_ptr<const Connection> connection,
                 const DatagramReceived& datagram, const wire::Payloads& payloads);

// ---------------------------------------------------------------------------------------------- the handlers
//
// Main mode, the last two messages encrypted:
//   initiator                                responder
//   SA, VID ...                          -->
//                                        <-- SA, VID ...
//   KE, NONCE, NAT-D, NAT-D              -->
//                                        <-- KE, NONCE, NAT-D, NAT-D
//   HDR*, ID, HASH_I, [INITIAL-CONTACT]  -->
//                                        <-- HDR*, ID, HASH_R
// With signatures the KE messages have CERTREQs as well, and the last two CERT and SIG in place of HASH.
void receive_main_1(Context& context, const DatagramReceived& datagram, const wire::Message& message);
void receive_main_2(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message);
void receive_main_3(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message);
void receive_main_4(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message);
void receive_main_5(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header);
void receive_main_6(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header);
//
// Aggressive mode; the last message may be encrypted:
//   SA, KE, NONCE, ID, VID ...               -->
//                                            <-- SA, KE, NONCE, ID, HASH_R, NAT-D, NAT-D, VID ...
//   HDR*, HASH_I, NAT-D, NAT-D               -->
void send_aggressive_1(Context& context, IkeSa& sa);
void receive_aggressive_1(Context& context, const DatagramReceived& datagram, const wire::Message& message);
void receive_aggressive_2(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Message& message);
void receive_aggressive_3(Context& context, IkeSa& sa, const DatagramReceived& datagram, const wire::Header& header);

}  // namespace sekisho::ike::v1
