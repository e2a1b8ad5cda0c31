// Signatures that nobody with the key has made.
#pragma once

#include "base/bytes.h"

namespace sekisho::testing {

// For a key of the exponent 3 and `length` octets: one whose cube begins like a padded block with `payload` and goes on
// with whatever comes out (Bleichenbacher, CRYPTO 2006); accepted by whoever parses the padding and does not look at
// what follows.
Bytes forged(size_t length, const Bytes& payload);

}  // namespace sekisho::testing
