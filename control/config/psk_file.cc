#include "control/config/psk_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <span>
#include <system_error>

#include "base/messages/config.h"
#include "base/unique_fd.h"

namespace sekisho::config {
namespace {

std::string error_text(int number) { return std::error_code(number, std::generic_category()).message(); }

// Fills as much of `out` as the file has; nothing on failure, with errno set.
std::optional<size_t> read_whole(int fd, std::span<uint8_t> out) {
  size_t size = 0;
  while (size < out.size()) {
    const ssize_t count = read(fd, out.data() + size, out.size() - size);
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return {};
    size += static_cast<size_t>(count);
  }
  return size;
}

}  // namespace

Result<SecretBytes> read_psk(const std::filesystem::path& file) {
  // O_NONBLOCK: a FIFO in the file's place must not block the daemon.
  const UniqueFd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!fd || fstat(fd.get(), &status) != 0) return fail(messages::config_psk_unreadable, error_text(errno));
  if (!S_ISREG(status.st_mode)) return fail(messages::config_psk_unreadable, "it is not a regular file");
  if (status.st_mode & (S_IROTH | S_IWOTH))
    return fail(messages::config_psk_exposed, fmt::format("mode {:04o}", status.st_mode & 07777));

  SecretBytes buffer(max_psk_size + 2);  // a newline, and one more to tell that there is too much
  const auto size = read_whole(fd.get(), buffer.writable());
  if (!size) return fail(messages::config_psk_unreadable, error_text(errno));
  const bool newline = *size > 0 && buffer.view()[*size - 1] == '\n';
  const size_t length = *size - (newline ? 1 : 0);
  if (length == 0) return fail(messages::config_psk_length, "the file is empty");
  if (length > max_psk_size) return fail(messages::config_psk_length, fmt::format("more than {} bytes", max_psk_size));
  return SecretBytes::copy_of(buffer.view().first(length));
}

}  // namespace sekisho::config
