// CERT and CERTREQ (RFC 7296 sections 3.6 and 3.7): X.509 certificates as they are. "Hash and URL" is neither offered
// nor fetched: a gateway asks nobody for addresses that an unauthenticated peer names.
#pragma once

#include <memory>
#include <vector>

#include "control/ike/connection.h"
#include "control/ike/wire/payloads.h"

namespace sekisho::ike::v2 {

// One CERT payload for each certificate that the connection authenticates by. They go out whatever authorities the
// peer asks for: a connection has no other.
void add_certificates(const LocalAuth& auth, wire::Payloads& payloads);
// The X.509 certificates in CERT payloads, in their order; views into `payloads`.
std::vector<ByteView> find_certificates(const wire::Payloads& payloads);

// CERTREQ with the authorities of these connections, each once; none where no peer is to show a certificate.
void add_certificate_request(const std::vector<std::shared_ptr<const Connection>>& connections,
                             wire::Payloads& payloads);

}  // namespace sekisho::ike::v2
