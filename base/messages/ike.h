// SKO-IKE: negotiation with peers.
#pragma once

#include "base/message.h"

namespace sekisho::messages {

inline constexpr Message ike_peer_unreachable{
    "SKO-IKE-001", Severity::error, "peer does not answer",
    "No answer came to an IKE request, however often it was sent again.",
    "Check the peer's address, that UDP 500 and 4500 reach it, and that its IKE daemon runs and knows this gateway."};
inline constexpr Message ike_no_proposal{
    "SKO-IKE-002", Severity::error, "no common IKE proposal",
    "The two ends share no combination of encryption, integrity, PRF and key exchange for the IKE SA.",
    "Compare the proposals on both ends; the detail shows what was offered and what is accepted here."};
inline constexpr Message ike_authentication_failed{
    "SKO-IKE-003", Severity::error, "peer refused our authentication",
    "The peer answered AUTHENTICATION_FAILED: the pre-shared key or one of the IKE identities differs.",
    "Compare the key and both identities (local id, remote id) with the peer's configuration."};
inline constexpr Message ike_peer_not_authentic{
    "SKO-IKE-004", Severity::error, "peer failed to authenticate",
    "The peer's AUTH payload does not match: its pre-shared key or identity differs from what is configured here.",
    "Compare the key and both identities with the peer's configuration; if they agree, somebody else is answering."};
inline constexpr Message ike_ts_unacceptable{
    "SKO-IKE-005", Severity::error, "traffic selectors do not match",
    "The networks that the two ends want to protect have nothing in common (TS_UNACCEPTABLE).",
    "Compare the traffic selectors on both ends: our local ones are the peer's remote ones, and the other way round."};
inline constexpr Message child_no_proposal{
    "SKO-IKE-006", Severity::error, "no common ESP proposal",
    "The two ends share no combination of encryption, integrity, ESN and PFS group for the child SA.",
    "Compare the ESP proposals and the PFS group on both ends; the detail shows what was offered and accepted."};
inline constexpr Message ike_peer_dead{
    "SKO-IKE-007", Severity::warning, "peer is dead", "An established peer stopped answering; its SAs were removed.",
    "Check the path to the peer and its IKE daemon; the tunnel is tried again where it is configured to start."};

inline constexpr const Message* ike_messages[] = {
    &ike_peer_unreachable, &ike_no_proposal, &ike_authentication_failed, &ike_peer_not_authentic, &ike_ts_unacceptable,
    &child_no_proposal,    &ike_peer_dead};

}  // namespace sekisho::messages
