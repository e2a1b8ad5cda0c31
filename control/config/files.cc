#include "control/config/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>
#include <system_error>

#include "base/unique_fd.h"
#include "control/config/node.h"

namespace sekisho::config {
namespace {

std::unexpected<FileFault> unreadable(std::string why) {
  return std::unexpected(FileFault{FileFault::Kind::unreadable, std::move(why)});
}

std::unexpected<FileFault> failed() { return unreadable(std::error_code(errno, std::generic_category()).message()); }

struct OpenFile {
  UniqueFd fd;
  size_t size = 0;
};

std::unexpected<FileFault> exposed(std::string why) {
  return std::unexpected(FileFault{FileFault::Kind::exposed, std::move(why)});
}

// A directory that leads to a private one: nobody else may rename what is in it.
std::optional<FileFault> check_way(int directory, const std::filesystem::path& name) {
  struct stat status {};
  if (directory < 0 || fstat(directory, &status) != 0) return {};
  const bool ours = status.st_uid == 0 || status.st_uid == geteuid();
  const bool open_to_others = (status.st_mode & (S_IWGRP | S_IWOTH)) && !(status.st_mode & S_ISVTX);
  if (ours && !open_to_others) return {};
  return FileFault{FileFault::Kind::exposed, shown(name.string()) + ", which leads there, may be changed by others"};
}

std::expected<OpenFile, FileFault> open_regular(const std::filesystem::path& file, mode_t forbidden) {
  // O_NONBLOCK: a FIFO in the file's place must not block the daemon.
  OpenFile result{UniqueFd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY))};
  struct stat status {};
  if (!result.fd || fstat(result.fd.get(), &status) != 0) return failed();
  if (!S_ISREG(status.st_mode)) return unreadable("it is not a regular file");
  if (status.st_mode & forbidden) return exposed(fmt::format("mode {:04o}", status.st_mode & 07777));
  result.size = static_cast<size_t>(std::max<off_t>(status.st_size, 0));
  return result;
}

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

// Into a buffer that has room for one octet more than there may be.
std::expected<size_t, FileFault> fill(int fd, std::span<uint8_t> buffer, size_t most) {
  const auto size = read_whole(fd, buffer);
  if (!size) return failed();
  if (*size > most)
    return std::unexpected(FileFault{FileFault::Kind::too_long, fmt::format("more than {} bytes", most)});
  return *size;
}

}  // namespace

std::expected<SecretBytes, FileFault> read_secret_file(const std::filesystem::path& file, size_t most) {
  const auto opened = open_regular(file, S_IROTH | S_IWOTH);
  if (!opened) return std::unexpected(opened.error());
  SecretBytes buffer(most + 1);
  const auto size = fill(opened->fd.get(), buffer.writable(), most);
  if (!size) return std::unexpected(size.error());
  return SecretBytes::copy_of(buffer.view().first(*size));
}

std::expected<Bytes, FileFault> read_public_file(const std::filesystem::path& file, size_t most) {
  const auto opened = open_regular(file, S_IWOTH);
  if (!opened) return std::unexpected(opened.error());
  Bytes buffer(std::min(opened->size, most) + 1);
  const auto size = fill(opened->fd.get(), buffer, most);
  if (!size) return std::unexpected(size.error());
  buffer.resize(*size);
  return buffer;
}

std::expected<UniqueFd, FileFault> open_private_directory(const std::filesystem::path& directory) {
  UniqueFd at;
  std::filesystem::path way;
  for (const std::filesystem::path& part : std::filesystem::absolute(directory).lexically_normal()) {
    if (part.empty()) continue;  // behind a slash at the end
    if (auto fault = check_way(at.get(), way)) return std::unexpected(std::move(*fault));
    at = UniqueFd(openat(at ? at.get() : AT_FDCWD, part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    way /= part;
    if (!at) return unreadable(shown(way.string()) + ": " + std::error_code(errno, std::generic_category()).message());
  }
  struct stat status {};
  if (fstat(at.get(), &status) != 0) return failed();
  if (status.st_uid != geteuid()) return exposed("the directory belongs to another user");
  if (status.st_mode & 077) return exposed(fmt::format("the directory's mode is {:04o}", status.st_mode & 07777));
  return at;
}

}  // namespace sekisho::config
