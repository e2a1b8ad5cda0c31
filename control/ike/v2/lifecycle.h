// How IKE SAs come and go: a new attempt, success, failure, deletion, and what each means for the connection.
#pragma once

#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

// Whether the peer is to be told with a delete, of which no answer is awaited.
enum class Farewell : uint8_t { silent, send_delete };

// Both AUTHs were right (or a rekey made this SA): timers start.
void establish(Context& context, IkeSa& sa);
// The handshake ends without an SA. Reports, and schedules the next attempt where the connection is wanted.
void fail_handshake(Context& context, IkeSa& sa, const Message& message, std::string detail,
                    std::optional<Mismatch> mismatch = {});
// Removes the SA and its children from one moment to the next; tasks give back what they hold.
void drop(Context& context, IkeSa& sa, Farewell farewell);
// The peer deleted the SA: as drop(), but it answers the peer's retransmissions for a while.
void close(Context& context, IkeSa& sa);
// Removes the children and deletes the SA by an exchange; a handshake just ends.
void begin_delete(Context& context, IkeSa& sa);
// No answer to a request, however often it was sent.
void peer_silent(Context& context, IkeSa& sa);
// Where the connection is wanted, it is tried again after `delay`.
void retry(Context& context, const std::string& connection, Duration delay);
// The same for one of its children, in the IKE SA that there is.
void retry_child(Context& context, const std::string& connection, const std::string& child, Duration delay);
// Brings the connection up as far as it is not: a new IKE SA, or children in the one there is; those that have failed
// not before their time.
void pursue(Context& context, const std::string& connection);
// The connection's times to try again, the IKE SA's and the children's.
void on_attempt_timer(Context& context, const std::string& connection);
// How many IKE SAs of one connection there are at most, old ones on their way out included: a peer that rekeys or comes
// again without end and answers no delete holds no more memory than that.
inline constexpr size_t max_ike_sas = 8;
// A connection has one IKE SA. Where a second one was established, one of them goes.
void settle_duplicates(Context& context, IkeSa& newest);
// Make before break: a new IKE SA with children of its own, then the old one goes. For what a rekey does not do: prove
// the identities again, or get around a peer that refuses it. False where we may not begin.
bool reauthenticate(Context& context, IkeSa& sa);
// So many refusals of a rekey in a row, and the connection is set up anew.
inline constexpr unsigned max_refusals = 3;
// The newest IKE SA has one more child; what it superseded goes once it has all that is there.
void finish_handover(Context& context, IkeSa& newest);
// AUTH_LIFETIME (RFC 4478): the peer wants to see us authenticate again within that time. Only the initiator of an IKE
// SA gets it.
void take_auth_lifetime(Context& context, IkeSa& sa, const wire::Payloads& payloads);
wire::Notify auth_lifetime(const Connection& connection);
// INITIAL_CONTACT (RFC 7296 section 2.4): the peer has no other SA with us, so ours are leftovers.
void honour_initial_contact(Context& context, IkeSa& newest);

}  // namespace sekisho::ike::v2
