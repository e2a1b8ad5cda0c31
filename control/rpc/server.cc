#include "control/rpc/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-event.h>

#include <cerrno>
#include <cstring>
#include <list>
#include <string>
#include <system_error>

#include "base/messages/system.h"
#include "base/unique_fd.h"
#include "control/rpc/client.h"
#include "control/rpc/protocol.h"

namespace sekisho::rpc {
namespace {

std::unexpected<Error> unusable(const std::filesystem::path& path, std::string_view why) {
  return fail(messages::control_socket_unusable, path.string() + ": " + std::string(why));
}

std::string error_text(int number) { return std::error_code(number, std::generic_category()).message(); }

std::optional<sockaddr_un> socket_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

UniqueFd new_socket() { return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

// Makes room at `path`: a socket that nobody listens on was left by a daemon that was killed.
Result<void> clear(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) return unusable(path, "something that is no socket is there");
  const UniqueFd probe = new_socket();
  if (connect(probe.get(), generic(address), sizeof address) == 0 || errno != ECONNREFUSED)
    return unusable(path, "another daemon listens there");
  if (unlink(path.c_str()) != 0) return unusable(path, error_text(errno));
  return {};
}

Result<UniqueFd> open_listener(const std::filesystem::path& path) {
  const auto address = socket_address(path);
  if (!address) return unusable(path, "the path is too long");
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (const auto cleared = clear(path, *address); !cleared) return std::unexpected(cleared.error());
  UniqueFd fd = new_socket();
  // The mode before bind() is the file's from its first moment on.
  if (!fd || fchmod(fd.get(), 0600) != 0 || bind(fd.get(), generic(*address), sizeof *address) != 0 ||
      listen(fd.get(), SOMAXCONN) != 0)
    return unusable(path, error_text(errno));
  return fd;
}

bool permitted(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

}  // namespace

class Server::Impl {
 public:
  Impl(sd_event* loop, Operations& operations, ServerOptions options, UniqueFd fd)
      : loop_(sd_event_ref(loop)), operations_(operations), options_(std::move(options)), fd_(std::move(fd)) {}

  ~Impl() {
    clients_.clear();
    sd_event_source_disable_unref(source_);
    unlink(options_.socket.c_str());
    sd_event_unref(loop_);
  }

  bool start() { return sd_event_add_io(loop_, &source_, fd_.get(), EPOLLIN, on_event, this) >= 0; }

 private:
  static int on_event(sd_event_source*, int, uint32_t, void* self) {
    static_cast<Impl*>(self)->accept_one();
    return 0;
  }

  void accept_one() {
    UniqueFd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    if (!permitted(fd.get())) return turn_away(fd, messages::rpc_not_permitted, "");
    if (clients_.size() >= options_.max_clients)
      return turn_away(fd, messages::rpc_limit, std::to_string(options_.max_clients) + " clients are connected");
    clients_.emplace_back(loop_, std::move(fd), operations_, options_, [this](Client& client) {
      clients_.remove_if([&](const Client& other) { return &other == &client; });
    });
  }

  // A line always fits into the buffer of a fresh socket.
  static void turn_away(const UniqueFd& fd, const Message& message, std::string detail) {
    const std::string line = error_line(message, std::move(detail));
    (void)!send(fd.get(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  sd_event* loop_;
  Operations& operations_;
  const ServerOptions options_;
  UniqueFd fd_;
  sd_event_source* source_ = nullptr;
  std::list<Client> clients_;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::listen(sd_event* loop, Operations& operations, ServerOptions options) {
  auto fd = open_listener(options.socket);
  if (!fd) return std::unexpected(fd.error());
  auto impl = std::make_unique<Impl>(loop, operations, std::move(options), std::move(*fd));
  if (!impl->start()) return fail(messages::system_call_failed, "sd_event_add_io");
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

}  // namespace sekisho::rpc
