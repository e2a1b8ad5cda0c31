#include "control/key_log/key_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/messages/system.h"
#include "control/config/files.h"

namespace sekisho::key_log {
namespace {

std::unexpected<Error> refused(const char* name, const std::string& why) {
  return fail(messages::key_log_failed, std::string(name) + ": " + why);
}

std::string reason() { return std::error_code(errno, std::generic_category()).message(); }

struct OpenFile {
  UniqueFd fd;
  size_t size = 0;
};

// O_NONBLOCK: a FIFO in the file's place must not block the daemon.
Result<OpenFile> open_for_appending(int directory, const char* name) {
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  UniqueFd fd(openat(directory, name, flags, 0600));
  struct stat status {};
  if (!fd || fstat(fd.get(), &status) != 0) return refused(name, reason());
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1) return refused(name, "it is no regular file of one name");
  if (status.st_uid != geteuid()) return refused(name, "another user owns it");
  if (status.st_mode & 077) return refused(name, fmt::format("its mode is {:04o}", status.st_mode & 07777));
  return OpenFile{std::move(fd), static_cast<size_t>(status.st_size)};
}

}  // namespace

Result<std::unique_ptr<KeyLog>> KeyLog::open(const std::filesystem::path& directory,
                                             std::function<void(const Error&)> fault) {
  const auto opened = config::open_private_directory(directory);
  if (!opened) return fail(messages::key_log_failed, opened.error().detail);
  std::unique_ptr<KeyLog> log(new KeyLog(std::move(fault)));
  for (File& file : log->files_) {
    auto target = open_for_appending(opened->get(), file.name);
    if (!target) return std::unexpected(target.error());
    file.fd = std::move(target->fd);
    file.size = target->size;
  }
  return log;
}

// In one write, so that what reads the file meanwhile sees whole lines.
void KeyLog::append(File& file, const SecretText& text) {
  if (!file.fd) return;
  const std::string_view line = text.view();
  if (file.size + line.size() > max_file_size) {
    file.fd.reset();
    return fault_({&messages::key_log_full, fmt::format("{} has {} octets", file.name, file.size)});
  }
  const ssize_t written = write(file.fd.get(), line.data(), line.size());
  file.size += line.size();
  if (written == static_cast<ssize_t>(line.size())) return;
  const std::string why = written < 0 ? reason() : "the disk is full";
  file.fd.reset();
  fault_({&messages::key_log_failed, std::string(file.name) + ": " + why});
}

}  // namespace sekisho::key_log
