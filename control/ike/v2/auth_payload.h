// The AUTH payload (RFC 7296 section 2.15): made for this end and checked for the peer, by pre-shared key, by digital
// signature (RFC 7427), by ECDSA as in RFC 4754, or by RSA with SHA-1 where the connection permits what is obsolete.
// NULL authentication (RFC 7619) proves nothing and is refused.
#pragma once

#include <span>

#include "base/message.h"
#include "control/ike/suite/keys.h"
#include "control/ike/v2/ike_sa.h"

namespace sekisho::ike::v2 {

// What the peer announced in IKE_SA_INIT; empty: it does not speak RFC 7427.
std::vector<crypto::SignatureHash> announced_hashes(const wire::Payloads& payloads);
// Whether either end is to authenticate by a signature.
bool uses_signatures(const Connection& connection);
// SIGNATURE_HASH_ALGORITHMS with the hashes that are accepted here.
wire::Notify hash_announcement();

// This end's, under SK_pi or SK_pr as its role has it. The error is for an operator.
Result<wire::Authentication> make_auth(const IkeSa& sa, const Connection& connection, const SecretBytes& sk_p,
                                       ByteView id_body);

// The peer's. Nothing of the peer is to be believed before this has found it good. Until when the peer's certificate
// holds is then noted in the IKE SA.
struct PeerClaim {
  const Identity& id;
  Bytes id_body;
  const wire::Authentication& auth;
  std::vector<ByteView> certificates;
};
Result<void> check_auth(IkeSa& sa, const Connection& connection, const SecretBytes& sk_p, const PeerClaim& claim,
                        WallTime now);

// Whether the method is the kind that the connection demands of the peer.
bool demanded(const Connection& connection, wire::AuthMethod method);

}  // namespace sekisho::ike::v2
