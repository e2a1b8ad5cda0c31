// Files that the configuration names, read with the care that their kind takes.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "base/unique_fd.h"

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

// A directory for secrets, as a descriptor to open its files by. It is the process's user's and closed to all others,
// and no other user can put something else in its place: no symbolic link leads there, and each directory above is
// root's or the process's user's and not writable by others, but for sticky ones such as /tmp.
std::expected<UniqueFd, FileFault> open_private_directory(const std::filesystem::path& directory);

}  // namespace sekisho::config
