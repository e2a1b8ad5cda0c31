// What must hold for any bytes that an IKE peer sends, checked by the mutation test and by the libFuzzer target alike.
#pragma once

#include "base/bytes.h"

namespace sekisho::fuzz {

// Decodes `datagram`; aborts where a property of the codec is broken. Returns whether it was accepted.
bool check_ike_decode(ByteView datagram);

}  // namespace sekisho::fuzz
