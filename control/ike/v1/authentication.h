// How both ends prove who they are in phase 1: by the pre-shared key (RFC 2409 section 5.4), or by RSA signatures with
// certificates (section 5.1, RFC 4945). Both do the same, and aggressive mode is spoken with the pre-shared key alone.
//
//   main mode's last two messages, encrypted:   ID, HASH   or   ID, CERT .., SIG
//
// A signature is PKCS #1 block type 1 around HASH_I or HASH_R as it is, without the name of a hash. What is under a
// certificate's key can be wrong in any way: the number of certificates is limited, and nothing changes before the
// signature was found good. With signatures the keys are known to whoever took part in the key exchange; so until
// then a message that decrypts is nobody's in particular.
#pragma once

#include "base/message.h"
#include "control/ike/v1/ike_sa.h"

namespace sekisho::ike::v1 {

// The connection's method. Nothing where it demands what is not in IKEv1, or not spoken: a certificate of one end
// alone, another key than RSA, certificates in aggressive mode, a post-quantum key that is required.
std::optional<wire::IkeAuthentication> authentication_of(const Connection& connection);

// HASH_I of the initiator or HASH_R of the responder, for the identity whose body is `id_body`.
enum class Side : uint8_t { initiator, responder };
Bytes hash_of(const IkeSa& sa, Side side, ByteView id_body);

// This end's ID and HASH, or ID, CERT and SIG. The certificates go out whatever the peer's CERTREQ names: a connection
// has no others.
wire::Payloads prove_ourselves(const IkeSa& sa);
// Whether the peer's are right for that connection. Before that nothing of the peer is to be believed. Until
// when the peer's certificate holds is then noted in the IKE SA.
Result<void> check_proof(IkeSa& sa, const Connection& connection, const wire::Payloads& payloads, WallTime now);
// Who the peer says it is, for the details of reports.
std::string identity_text(const wire::Payloads& payloads);

// One CERTREQ for each authority of these connections, where it is signatures that were agreed on.
void add_certificate_requests(const IkeSa& sa, const std::vector<std::shared_ptr<const Connection>>& connections,
                              wire::Payloads& payloads);

}  // namespace sekisho::ike::v1
