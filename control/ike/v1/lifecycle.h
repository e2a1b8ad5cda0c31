// How ISAKMP SAs come and go: a new attempt, success, failure, deletion, and what each means for the connection.
#pragma once

#include <span>

#include "control/ike/v1/ike_sa.h"

namespace sekisho::ike::v1 {

// How many ISAKMP SAs of one connection there are at most.
inline constexpr size_t max_ike_sas = 8;

// Phase 1 ends without an SA. Reports, and schedules the next attempt where the connection is wanted.
void fail_phase1(Context& context, IkeSa& sa, const Message& message, std::string detail,
                 std::optional<Mismatch> mismatch = {});
// No answer to a message of phase 1, however often it was sent.
void phase1_silent(Context& context, IkeSa& sa);
// Forgets the SA and the quick modes on it, silently. Child SAs stay.
void drop(Context& context, IkeSa& sa);
// The peer is not there any more: its SAs of both phases go, and the connection is tried again.
void peer_dead(Context& context, IkeSa& sa);
// Everything of the connection goes, and the peer is told.
void terminate(Context& context, const std::string& connection);
// Deletes this ISAKMP SA, and says of those children that they go too.
void delete_ike_sa(Context& context, IkeSa& sa, std::span<const uint32_t> inbound_spis = {});
// Brings the connection up as far as it is not: an ISAKMP SA, or the child SAs that are missing.
void pursue(Context& context, const std::string& connection);
// A new ISAKMP SA, whether there is one or not; nothing where one is being made.
void begin_ike_sa(Context& context, const std::string& connection);
// The same where its time has come and nobody asked for it: not where only the peer begins, nor soon after a failure.
void renew_ike_sa(Context& context, const std::string& connection);
// A connection needs one ISAKMP SA; `newest` was just established, the others are kept a while and then deleted.
void settle(Context& context, IkeSa& newest);
// INITIAL-CONTACT: the peer has no other SA with us, so what was there before it came is left over.
void honour_initial_contact(Context& context, IkeSa& newest);

// Of the two ends of a connection one clears up what is superseded, the other waits longer and then does it too. Both
// know both identities, so they agree on who is who.
Duration clearing_delay(const Connection& connection);

}  // namespace sekisho::ike::v1
