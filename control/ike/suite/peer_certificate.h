// What a peer's certificates prove; the same for both versions of IKE (RFC 4945).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/message.h"
#include "control/ike/connection.h"

namespace sekisho::ike::suite {

inline constexpr size_t max_peer_certificates = 8;  // that are looked at, its own included

// Whether the certificate is one of `id`: a name or address stands in subjectAltName, a distinguished name is the
// subject. A key id is in no certificate.
bool certifies(const crypto::Certificate& certificate, const Identity& id);

// Whether the peer's signature is by that key; what is wrong otherwise.
using SignedBy = std::function<Result<void>(const crypto::PublicKey&)>;
// Whether the peer is who it says, `id`, from what it sent in CERT payloads: DER, its own certificate first. The
// certificate must be of that peer, permit signatures, lead to an authority at the time `now`, and not be revoked; and
// `signed_by` must hold for its key. Then the end of that certificate's validity (notAfter).
//
// What is cheapest for us to refuse comes first. A stranger can make a certificate and sign by its key, and choose one
// that is slow: so the chain, for which a stranger has us verify no more than what authorities signed, comes before the
// signature. Whoever came by the certificate of somebody else gets that far, and has us verify the signature by a key
// of the usual kind; but not the revocation lists, which can be long.
Result<WallTime> authenticate(const crypto::TrustAnchors& authorities, const Identity& id,
                              std::span<const ByteView> certificates, WallTime now, const SignedBy& signed_by);

// How a CERTREQ names the authorities of these connections, by the version's `name_of`: each once, and no more than
// `most`, for which a message has room.
using NameOfAnchor = std::function<Bytes(const crypto::TrustAnchors& authorities, size_t index)>;
std::vector<Bytes> requested_authorities(std::span<const std::shared_ptr<const Connection>> connections, size_t most,
                                         const NameOfAnchor& name_of);

}  // namespace sekisho::ike::suite
