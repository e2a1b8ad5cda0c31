#include "control/main/namespace_door.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/messages/routing.h"

namespace sekisho::control {
namespace {

constexpr std::string_view directory = NamespaceDoor::directory;
constexpr uint8_t entering = 'e', forwarding = 'f';  // the first octet of a request; the name follows
constexpr size_t netlink_sockets = 3;

int allow(scmp_filter_ctx filter) {
  for (const int call : {SCMP_SYS(openat), SCMP_SYS(write), SCMP_SYS(bind)})
    if (const int error = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0); error < 0) return error;
  if (const int error = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setns), 1,
                                           SCMP_A1(SCMP_CMP_EQ, static_cast<scmp_datum_t>(CLONE_NEWNET)));
      error < 0)
    return error;
  return ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(AF_NETLINK)));
}

// Of the namespace that this process is in.
int write_sysctl(const char* path, char value) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  return ::write(file.get(), &value, 1) == 1 ? 0 : errno;
}

int let_forward() {
  if (const int error = write_sysctl("/proc/sys/net/ipv4/ip_forward", '1'); error != 0) return error;
  if (const int error = write_sysctl("/proc/sys/net/ipv4/conf/all/rp_filter", '2'); error != 0) return error;
  const int error = write_sysctl("/proc/sys/net/ipv6/conf/all/forwarding", '1');
  return error == ENOENT ? 0 : error;  // a kernel without IPv6
}

int open_netlink(Doorkeeper::Opened& opened) {
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (socket < 0) return errno;
  opened.add(socket);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

// Into `path`, which is filled with zeros.
template <size_t Size>
bool compose(ByteView name, std::array<char, Size>& path) {
  if (name.empty() || name[0] == '.' || std::memchr(name.data(), '/', name.size()) ||
      std::memchr(name.data(), '\0', name.size()))
    return false;
  directory.copy(path.data(), directory.size());
  std::memcpy(path.data() + directory.size(), name.data(), name.size());
  return true;
}

int serve(ByteView request, Doorkeeper::Opened& opened) {
  std::array<char, directory.size() + Doorkeeper::longest_request + 1> path{};
  if (!compose(request.subspan(1), path)) return EINVAL;
  UniqueFd space(::open(path.data(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!space || ::setns(space.get(), CLONE_NEWNET) != 0) return errno;
  if (request[0] == forwarding) return let_forward();
  if (request[0] != entering) return EINVAL;
  for (size_t i = 0; i < netlink_sockets; ++i)
    if (const int error = open_netlink(opened); error != 0) return error;
  opened.add(space.release());
  return 0;
}

}  // namespace

Result<NamespaceDoor> NamespaceDoor::open() {
  // The kernel wants CAP_NET_ADMIN of whoever opens a netlink socket by which something is changed later.
  auto keeper = Doorkeeper::hire(
      {.name = "vrf-door", .capabilities = {CAP_SYS_ADMIN, CAP_NET_ADMIN}, .allow = allow, .open = serve});
  if (!keeper) return std::unexpected(keeper.error());
  return NamespaceDoor(std::move(*keeper));
}

std::expected<std::vector<UniqueFd>, Error> NamespaceDoor::ask(uint8_t what, std::string_view name) {
  Bytes request(1, what);
  request.insert(request.end(), name.begin(), name.end());
  auto opened = keeper_.ask(request);
  if (!opened) return fail(messages::vrf_unusable, std::string(name) + ": " + keeper_.reason(opened.error()));
  return std::move(*opened);
}

Result<kernel::NamespaceSockets> NamespaceDoor::enter(std::string_view name) {
  auto opened = ask(entering, name);
  if (!opened) return std::unexpected(opened.error());
  if (opened->size() != netlink_sockets + 1)
    return fail(messages::vrf_unusable, std::string(name) + ": " + std::strerror(EPROTO));
  auto& fds = *opened;
  return kernel::NamespaceSockets{std::move(fds[3]), std::move(fds[0]), std::move(fds[1]), std::move(fds[2])};
}

Result<void> NamespaceDoor::let_forward(std::string_view name) {
  const auto done = ask(forwarding, name);
  if (!done) return std::unexpected(done.error());
  return {};
}

}  // namespace sekisho::control
