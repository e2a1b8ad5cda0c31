// The vendor ids that mean something here (RFC 2408 section 3.16); all others are ignored.
#pragma once

#include "control/ike/v1/wire/payloads.h"

namespace sekisho::ike::v1 {

// Which document's NAT traversal both ends speak. The drafts have other payload numbers and another encapsulation mode.
enum class NatTraversal : uint8_t { none, draft, rfc3947 };

struct Capabilities {
  NatTraversal nat_traversal = NatTraversal::none;
  bool dead_peer_detection = false;  // RFC 3706
};

// What a peer's vendor ids say; of several the best.
Capabilities read_vendor_ids(const wire::Payloads& payloads);
// What we say: as initiator everything that we speak, as responder what of it the peer speaks too.
void add_vendor_ids(const Capabilities& offered, bool initiator, wire::Payloads& payloads);

}  // namespace sekisho::ike::v1
