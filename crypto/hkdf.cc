#include "crypto/hkdf.h"

#include <algorithm>
#include <array>

#include "base/secret_bytes.h"
#include "crypto/openssl.h"

namespace sekisho::crypto {

void hkdf_sha256(ByteView salt, ByteView input_key, ByteView info, std::span<uint8_t> out) {
  constexpr size_t hash_size = 32;
  require(out.size() <= 255 * hash_size, "HKDF: too much output");
  std::array<uint8_t, hash_size> extracted, block;
  // HMAC pads its key with zeros, so no salt is the same as the salt of zeros that section 2.2 wants.
  hmac("SHA256", salt, {input_key}, extracted);
  ByteView previous;
  for (uint8_t counter = 1; !out.empty(); ++counter) {
    hmac("SHA256", extracted, {previous, info, {&counter, 1}}, block);
    previous = block;
    const size_t length = std::min(out.size(), block.size());
    std::copy_n(block.begin(), length, out.begin());
    out = out.subspan(length);
  }
  wipe(extracted);
  wipe(block);
}

}  // namespace sekisho::crypto
