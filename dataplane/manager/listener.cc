#include "dataplane/manager/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/messages/system.h"

namespace sekisho::dataplane {
namespace {

std::unexpected<Error> refused(const std::string& path, const char* reason) {
  return fail(messages::system_call_failed, path + ": " + reason);
}

UniqueFd unix_socket(int flags) { return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)); }

}  // namespace

Result<Listener> Listener::open(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return refused(path, "not a possible socket path");
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);

  const mode_t before = umask(0077);
  std::error_code ignored;
  if (const auto parent = std::filesystem::path(path).parent_path(); !parent.empty())
    std::filesystem::create_directories(parent, ignored);
  if (const UniqueFd probe = unix_socket(0); connect(probe.get(), generic, sizeof address) == 0) {
    umask(before);
    return refused(path, "another dataplane answers there");
  }
  if (errno == ECONNREFUSED) unlink(path.c_str());
  UniqueFd fd = unix_socket(SOCK_NONBLOCK);
  umask(0177);
  const bool bound = fd && bind(fd.get(), generic, sizeof address) == 0;
  const int reason = errno;
  umask(before);
  if (!bound) return refused(path, std::strerror(reason));
  Listener listener(std::move(fd), path);
  if (listen(listener.fd(), 4) != 0) return refused(path, std::strerror(errno));
  return listener;
}

Listener::Listener(Listener&& other) noexcept : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, {})) {}

Listener::~Listener() {
  if (!path_.empty()) unlink(path_.c_str());
}

UniqueFd Listener::accept() { return UniqueFd(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }

}  // namespace sekisho::dataplane
