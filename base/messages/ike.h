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
    "The peer answered AUTHENTICATION_FAILED: the pre-shared key or one of the IKE identities differs, or it does not "
    "trust our certificate.",
    "Compare the key, or the authorities that the peer trusts, and both identities (local id, remote id) with the "
    "peer's configuration; its log has the reason."};
inline constexpr Message ike_peer_not_authentic{
    "SKO-IKE-004", Severity::error, "peer failed to authenticate",
    "The peer's AUTH payload, or with IKEv1 its hash or signature, does not match: its key or identity differs from "
    "what is configured here or certified.",
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

inline constexpr Message ike_established{"SKO-IKE-008", Severity::info, "IKE SA established",
                                         "Both ends have proven their identities to each other.",
                                         "Nothing is to be done."};
inline constexpr Message child_established{
    "SKO-IKE-009", Severity::info, "child SA established",
    "The keys of a new child SA are in place; where it replaces another one, that one goes shortly.",
    "Nothing is to be done."};
inline constexpr Message ike_rekeyed{"SKO-IKE-010", Severity::info, "IKE SA rekeyed",
                                     "A new IKE SA took over the child SAs, by schedule or on request of one end.",
                                     "Nothing is to be done."};
inline constexpr Message ike_closed{"SKO-IKE-011", Severity::info, "IKE SA deleted",
                                    "This gateway deleted the IKE SA and its child SAs, and the peer agreed.",
                                    "Nothing is to be done if the tunnel was taken down or its configuration changed."};
inline constexpr Message ike_closed_by_peer{
    "SKO-IKE-012", Severity::warning, "peer deleted the IKE SA", "The peer ended the IKE SA and with it all child SAs.",
    "Ask the peer's log why; the tunnel is tried again where it is configured to start."};
inline constexpr Message child_closed{
    "SKO-IKE-013", Severity::warning, "peer deleted the child SA",
    "The peer ended a child SA without another one in its place.",
    "Ask the peer's log why; a new one is made where the tunnel is configured to start."};
inline constexpr Message ike_unauthenticated_hint{
    "SKO-IKE-014", Severity::warning, "unauthenticated error answer",
    "An error came in answer to IKE_SA_INIT. Nothing protects that exchange, so it may not be the peer's; the attempt "
    "goes on for a moment in case a better answer follows.",
    "If the attempt fails, the message that follows names the reason that was given."};
inline constexpr Message ike_peer_error{
    "SKO-IKE-015", Severity::error, "peer refused the IKE SA",
    "The peer answered with an error for which there is no message of its own.",
    "See the detail for the error's name in RFC 7296 section 3.10.1, and the peer's log for its reason."};
inline constexpr Message child_refused{
    "SKO-IKE-016", Severity::error, "peer refused the child SA",
    "The IKE SA stands, but the peer made no child SA, for a reason other than proposals or traffic selectors.",
    "See the detail for the error's name in RFC 7296 section 3.10.1, and the peer's log for its reason."};
inline constexpr Message ike_unknown_peer{
    "SKO-IKE-017", Severity::warning, "IKE request from an unknown address",
    "No connection is configured between the two addresses of the request; it was not answered.",
    "If the sender is a peer of yours, compare the connection's local and remote addresses with the detail; a peer "
    "behind NAT has the NAT's address."};
inline constexpr Message ike_unknown_identity{
    "SKO-IKE-018", Severity::error, "peer's identity fits no connection",
    "A peer at a known address says it is somebody for whom no connection is configured, or asks for somebody that we "
    "are not.",
    "Compare the local and remote id on both ends; the detail shows what the peer said and what is configured."};
inline constexpr Message ike_half_open_limit{
    "SKO-IKE-019", Severity::warning, "too many half-open IKE SAs",
    "More IKE SAs are being set up at once than the limits allow. Further requests of one address are ignored for now; "
    "of other addresses they take the place of the oldest of the address that holds most.",
    "If no such number of peers is starting up, somebody floods the gateway; filter UDP 500 and 4500 upstream."};
inline constexpr Message ike_invalid_syntax{
    "SKO-IKE-020", Severity::warning, "malformed IKE message",
    "An authenticated peer sent a message that breaks RFC 7296, or has a critical payload that is not understood.",
    "Look for an update of the peer's IKE daemon; report this message with a capture if the peer is Sekisho."};
inline constexpr Message sa_table_full{"SKO-IKE-021", Severity::error, "no room for another SA",
                                       "Every entry of the data path's SA table is taken, so no child SA can be added.",
                                       "Raise the size of the SA table, or shorten the list of tunnels."};
inline constexpr Message ike_duplicate{
    "SKO-IKE-022", Severity::info, "superfluous IKE SA deleted",
    "Two IKE SAs stood for one connection, because both ends began at once or one began again; one is enough.",
    "Nothing is to be done."};
inline constexpr Message ike_initial_contact{
    "SKO-IKE-023", Severity::info, "peer has started anew",
    "The peer has no other SA with this gateway (INITIAL_CONTACT), so the ones from before were removed.",
    "Nothing is to be done if the peer was restarted."};
inline constexpr Message child_rekey_failed{
    "SKO-IKE-024", Severity::warning, "child SA could not be rekeyed",
    "The peer refused to replace the child SA; it is asked again, and after three refusals the connection is set up "
    "anew beside the old one, where it may begin here.",
    "Compare the ESP proposals with PFS group and the traffic selectors: a PFS group counts from the first rekey on."};
inline constexpr Message ike_rekey_failed{
    "SKO-IKE-025", Severity::warning, "IKE SA could not be rekeyed",
    "The peer refused to replace the IKE SA; it is asked again, and after three refusals the connection is set up anew "
    "beside the old one, where it may begin here.",
    "Compare the IKE proposals on both ends, and see the peer's log."};
inline constexpr Message ike_expired{
    "SKO-IKE-026", Severity::warning, "IKE SA expired",
    "The IKE SA reached the end of its lifetime without having been rekeyed.",
    "Look for an earlier message about the rekey; the tunnel is tried again where it is configured to start."};
inline constexpr Message child_expired{
    "SKO-IKE-027", Severity::warning, "child SA expired",
    "The child SA reached the end of its lifetime without having been rekeyed.",
    "Look for an earlier message about the rekey; a new one is made where the tunnel is configured to start."};

inline constexpr Message ike_wrong_auth_method{
    "SKO-IKE-030", Severity::error, "peer authenticates by another method",
    "The connection demands a certificate of the peer and it used a pre-shared key, or the other way round.",
    "Change \"remote\".\"auth\" here, or how the peer authenticates itself."};
inline constexpr Message ike_null_authentication{
    "SKO-IKE-031", Severity::error, "peer does not authenticate itself",
    "The peer used NULL authentication (RFC 7619), which proves nothing; it is never accepted.",
    "Configure a pre-shared key or a certificate on the peer."};
inline constexpr Message ike_eap_wanted{
    "SKO-IKE-032", Severity::error, "peer wants EAP",
    "The peer sent no AUTH payload, which asks for authentication by EAP; that is not spoken.",
    "Configure a pre-shared key or a certificate on the peer."};
inline constexpr Message ike_bad_certificate{
    "SKO-IKE-033", Severity::error, "peer's certificate is not accepted",
    "The peer's certificate is missing, malformed, expired, revoked, or leads to no authority that is trusted here.",
    "Compare the detail with the peer's certificate and with \"remote\".\"authorities\" and \"remote\".\"crls\"; the "
    "peer has to send its intermediate certificates. Check the clock of both ends."};
inline constexpr Message ike_identity_not_certified{
    "SKO-IKE-034", Severity::error, "peer's certificate is for somebody else",
    "The certificate is not of the identity that the peer claims: subjectAltName has no such name or address, or the "
    "subject is another one.",
    "Compare the peer's identity with its certificate; either the id or the certificate has to change."};
inline constexpr Message ike_no_signature_algorithm{
    "SKO-IKE-035", Severity::error, "no common signature algorithm",
    "One end signs in a way that the other does not know or does not accept; SHA-1 is refused but for peers of the "
    "legacy profile that know nothing better.",
    "Use RSA or ECDSA keys with SHA-2, or Ed25519 where both ends know it; or set \"profile\": \"legacy\" for an old "
    "peer."};
inline constexpr Message ike_no_ppk{
    "SKO-IKE-036", Severity::error, "post-quantum pre-shared key is not shared",
    "One end demands a post-quantum pre-shared key (RFC 8784) that the other does not use or does not have.",
    "Compare \"ppk\" with the peer's configuration: identity, key, and whether it is required."};
inline constexpr Message ike_aggressive_refused{
    "SKO-IKE-050", Severity::warning, "aggressive mode refused",
    "A peer began IKEv1 in aggressive mode, which the connection does not permit: it shows the identities to everybody "
    "and lets the pre-shared key be guessed offline. It was not answered.",
    "Set the peer to main mode; if it has no fixed address, set \"aggressive\": true in the tunnel's \"ike\" and take "
    "a "
    "long random key."};
inline constexpr Message ike_aggressive_mode{
    "SKO-IKE-051", Severity::warning, "aggressive mode is in use",
    "The connection permits IKEv1's aggressive mode. Whoever sees or provokes an exchange can guess the pre-shared key "
    "offline, and reads both identities.",
    "Use main mode or IKEv2 where the peer has a fixed address; otherwise take a pre-shared key of 20 random bytes or "
    "more."};
inline constexpr Message ike_identity_unanswered{
    "SKO-IKE-052", Severity::error, "peer does not answer our identity",
    "The peer answered until the identities were due and then fell silent. In IKEv1 that is what a different "
    "pre-shared key looks like, since the peer cannot read the message; or a certificate that it does not accept.",
    "Compare the pre-shared key, or the authorities that the peer trusts, and both identities on both ends; see the "
    "peer's log."};
inline constexpr Message ike_unreadable_identity{
    "SKO-IKE-053", Severity::error, "peer's identity cannot be read",
    "The peer's encrypted identity did not decrypt: its pre-shared key differs from the one here, or the message was "
    "damaged.",
    "Compare the pre-shared key on both ends. With certificates it was damaged, or somebody else sent it."};
inline constexpr Message ike_quick_mode_limit{
    "SKO-IKE-054", Severity::warning, "too many quick modes at once",
    "An authenticated peer began more quick modes than it finished; the surplus was not answered.",
    "Look for an update of the peer's IKE daemon, or for a network that loses one direction."};
inline constexpr Message ike_transaction_refused{
    "SKO-IKE-055", Severity::warning, "XAUTH or mode config refused",
    "The peer began a transaction exchange (XAUTH or mode config), which is not spoken here.",
    "Set the peer to a site-to-site tunnel without extended authentication and without address assignment."};
inline constexpr Message ike_moved{"SKO-IKE-060", Severity::info, "tunnel has new outer addresses",
                                   "One end moved, or a NAT shows it at another address or port; the child SAs follow.",
                                   "Nothing is to be done."};
inline constexpr Message ike_path_mtu{
    "SKO-IKE-065", Severity::info, "the path to the peer has another MTU than before",
    "This is the largest datagram that is known to get through to the peer. The tunnel's MTU follows.",
    "Nothing is to be done. If the path should carry more, look for the link on it that does not; with AES-CBC for "
    "IKE, up "
    "to 16 octets more may get through than could be asked for."};
inline constexpr Message ike_address_refused{
    "SKO-IKE-061", Severity::warning, "peer refused our new address",
    "This gateway has moved to another of its addresses, and the peer does not take messages from there.",
    "Permit the address in the peer's configuration, or take it out of local.alternatives here."};
inline constexpr Message ike_address_unacceptable{
    "SKO-IKE-062", Severity::warning, "peer's new address is not acceptable",
    "An authenticated peer wants its tunnel moved to addresses that are no address of this connection, or of the other "
    "family.",
    "Add the local address of the detail to local.alternatives, if the peer is to reach the gateway there."};
inline constexpr Message ike_not_routable{
    "SKO-IKE-063", Severity::warning, "peer is not where it says it is",
    "A peer that moved answered the check of its new address (RFC 4555 section 3.7) with another cookie; the IKE SA "
    "was closed.",
    "Look for an update of the peer's IKE daemon; if it has moved as it said, capture the exchange."};

inline constexpr Message ike_handshakes_dropped{
    "SKO-IKE-064", Severity::warning, "handshakes dropped",
    "More messages that begin a negotiation came in than could be worked through; the newest were dropped. Tunnels "
    "that are up are not affected.",
    "If no such number of peers is starting up, somebody floods the gateway; filter UDP 500 and 4500 upstream."};
inline constexpr Message child_no_additional{
    "SKO-IKE-070", Severity::error, "peer takes no more child SAs",
    "The peer answered NO_ADDITIONAL_SAS: it allows no further child SA in this IKE SA.",
    "Raise the peer's limit, or put the selectors of several children into one. It is asked again every five minutes."};
inline constexpr Message child_single_pair{
    "SKO-IKE-071", Severity::error, "peer takes one pair of selectors for each child SA",
    "The peer answered SINGLE_PAIR_REQUIRED: it makes no child SA for more than one local and one remote address "
    "range.",
    "Define a child of its own under \"children\" for each pair of a local and a remote prefix."};
inline constexpr Message child_selectors_cut{
    "SKO-IKE-072", Severity::warning, "not all of the peer's selectors were taken",
    "What both ends want to protect makes more pairs of selectors than one child SA can have here, which is 8; the "
    "first "
    "ones were taken, and traffic of the others is dropped.",
    "Offer fewer or wider selectors at the peer, or divide them among several children."};

inline constexpr Message ike_no_address{"SKO-IKE-073", Severity::error, "no address to begin at",
                                        "The peer's address is \"any\": where it is shows only when it comes.",
                                        "Begin at the peer, or write its address into the configuration."};

inline constexpr Message own_certificate_expires{
    "SKO-IKE-090", Severity::warning, "own certificate expires soon",
    "After its last day peers refuse the certificate that this gateway shows them; SAs that are up last until they are "
    "authenticated again.",
    "Have a new one issued, put it in the place of the file, and apply the configuration (or send SIGHUP)."};
inline constexpr Message own_certificate_expired{
    "SKO-IKE-091", Severity::error, "own certificate has expired",
    "Peers refuse the certificate that this gateway shows them, so nothing that needs it comes up; or the clock is "
    "wrong.",
    "Look at `date`; have a new certificate issued, put it in the place of the file, and apply the configuration."};
inline constexpr Message authority_expires{
    "SKO-IKE-092", Severity::warning, "trusted authority expires soon",
    "After its last day no certificate is accepted that only leads to this authority.",
    "Ask the authority for its next certificate, add it to \"authorities\", and apply the configuration."};
inline constexpr Message authority_expired{
    "SKO-IKE-093", Severity::warning, "trusted authority has expired",
    "A peer whose certificate only leads to this authority is refused; or the clock is wrong.",
    "Look at `date`; put the authority's next certificate in the place of the old one, and apply the configuration."};
inline constexpr Message crl_expires{
    "SKO-IKE-094", Severity::warning, "revocation list is due for renewal",
    "The authority publishes the next list by that time. With \"require_crl\" peers are refused without it.",
    "Fetch the next list, put it in the place of the file, and apply the configuration."};
inline constexpr Message crl_expired{
    "SKO-IKE-095", Severity::warning, "revocation list is out of date",
    "What has been revoked since is not known here. With \"require_crl\" every peer that needs the list is refused.",
    "Fetch the next list, put it in the place of the file, and apply the configuration; see why it is not done by "
    "itself."};

inline constexpr const Message* ike_messages[] = {&ike_peer_unreachable,
                                                  &ike_no_proposal,
                                                  &ike_authentication_failed,
                                                  &ike_peer_not_authentic,
                                                  &ike_ts_unacceptable,
                                                  &child_no_proposal,
                                                  &ike_peer_dead,
                                                  &ike_established,
                                                  &child_established,
                                                  &ike_rekeyed,
                                                  &ike_closed,
                                                  &ike_closed_by_peer,
                                                  &child_closed,
                                                  &ike_unauthenticated_hint,
                                                  &ike_peer_error,
                                                  &child_refused,
                                                  &ike_unknown_peer,
                                                  &ike_unknown_identity,
                                                  &ike_half_open_limit,
                                                  &ike_invalid_syntax,
                                                  &sa_table_full,
                                                  &ike_duplicate,
                                                  &ike_initial_contact,
                                                  &child_rekey_failed,
                                                  &ike_rekey_failed,
                                                  &ike_expired,
                                                  &child_expired,
                                                  &ike_wrong_auth_method,
                                                  &ike_null_authentication,
                                                  &ike_eap_wanted,
                                                  &ike_bad_certificate,
                                                  &ike_identity_not_certified,
                                                  &ike_no_signature_algorithm,
                                                  &ike_no_ppk,
                                                  &ike_aggressive_refused,
                                                  &ike_aggressive_mode,
                                                  &ike_identity_unanswered,
                                                  &ike_unreadable_identity,
                                                  &ike_quick_mode_limit,
                                                  &ike_transaction_refused,
                                                  &ike_moved,
                                                  &ike_path_mtu,
                                                  &ike_address_refused,
                                                  &ike_address_unacceptable,
                                                  &ike_not_routable,
                                                  &ike_handshakes_dropped,
                                                  &child_no_additional,
                                                  &child_single_pair,
                                                  &child_selectors_cut,
                                                  &ike_no_address,
                                                  &own_certificate_expires,
                                                  &own_certificate_expired,
                                                  &authority_expires,
                                                  &authority_expired,
                                                  &crl_expires,
                                                  &crl_expired};

}  // namespace sekisho::messages
