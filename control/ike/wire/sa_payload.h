// The Security Association payload's nested substructures (RFC 7296 section 3.3), apart from the other payloads for
// its depth: SA > proposal > transform > attribute.
#pragma once

#include "control/ike/wire/message.h"

namespace sekisho::ike::wire {

Decoded<SecurityAssociation> decode_security_association(ByteView body);
void encode_security_association(ByteWriter& writer, const SecurityAssociation& payload);

// Whether an SPI of this size can name an SA of the protocol, in a payload where it may also be left out.
bool valid_spi_size(Protocol protocol, size_t size);

}  // namespace sekisho::ike::wire
