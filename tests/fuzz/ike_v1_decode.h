// What must hold for any bytes that an IKEv1 peer sends, checked by the mutation test and by the libFuzzer target
// alike.
#pragma once

#include "base/bytes.h"

namespace sekisho::fuzz {

// Decodes `datagram`, and where it is encrypted its body as if that were clear; aborts where a property of the codec is
// broken. Returns whether it was accepted.
bool decode_ikev1(ByteView datagram);

}  // namespace sekisho::fuzz
