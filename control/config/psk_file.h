// Reads a pre-shared key from its file straight into wiping memory.
#pragma once

#include <filesystem>

#include "base/message.h"
#include "base/secret_bytes.h"

namespace sekisho::config {

inline constexpr size_t max_psk_size = 256;

// One newline at the end is cut. The errors do not repeat the path: an operator who wrote the key itself in its place
// would find it in the log.
Result<SecretBytes> read_psk(const std::filesystem::path& file);

}  // namespace sekisho::config
