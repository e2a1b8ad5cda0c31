// Identities of IKEv1 to and from what they stand for: in phase 1 who an end is, in phase 2 the traffic of a child SA
// (RFC 2407 section 4.6.2).
#pragma once

#include <optional>

#include "base/traffic_selector.h"
#include "control/ike/connection.h"
#include "control/ike/v1/wire/payloads.h"

namespace sekisho::ike::v1::suite {

wire::Identification encode_identity(const Identity& identity);
// Whatever type it has, as received; of an address the protocol and port count for nothing.
Identity decode_identity(const wire::Identification& payload);

// As an address, a subnet or a range, whichever is the narrowest word for it.
wire::Identification encode_selector(const TrafficSelector& selector);
// Nothing for a type that is no address, a subnet mask with holes, or a range that ends before it begins.
std::optional<TrafficSelector> decode_selector(const wire::Identification& payload);

}  // namespace sekisho::ike::v1::suite
