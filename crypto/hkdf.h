// HKDF with SHA-256 (RFC 5869).
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace sekisho::crypto {

// Fills `out`, of at most 255 * 32 bytes.
void hkdf_sha256(ByteView salt, ByteView input_key, ByteView info, std::span<uint8_t> out);

}  // namespace sekisho::crypto
