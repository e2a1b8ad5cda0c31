// The Security Association payload's nested substructures (RFC 2408 sections 3.4 to 3.6), apart from the other payloads
// for its depth: SA > proposal > transform > attribute.
#pragma once

#include "control/ike/v1/wire/message.h"

namespace sekisho::ike::v1::wire {

inline constexpr uint32_t doi_ipsec = 1;                // RFC 2407
inline constexpr uint32_t situation_identity_only = 1;  // RFC 2407 section 4.2.1

Decoded<SecurityAssociation> decode_security_association(ByteView body);
void encode_security_association(ByteWriter& writer, const SecurityAssociation& payload);

}  // namespace sekisho::ike::v1::wire
