// Files that the configuration names, read with the care that their kind takes.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace sekisho::config {

// The texts do not repeat the path: an operator who wrote a secret itself in its place would find it in the log.
struct FileFault {
  enum class Kind : uint8_t { unreadable, exposed, too_long };
  Kind kind{};
  std::string detail;
};

// A regular file of at most `most` octets that not everybody may read or write, straight into wiping memory.
std::expected<SecretBytes, FileFault> read_secret_file(const std::filesystem::path& file, size_t most);
// A regular file of at most `most` octets that not everybody may write: whoever could would choose whom we trust.
std::expected<Bytes, FileFault> read_public_file(const std::filesystem::path& file, size_t most);

}  // namespace sekisho::config
