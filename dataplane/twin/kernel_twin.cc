#include "dataplane/twin/kernel_twin.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/messages/dataplane.h"

namespace sekisho::dataplane {
namespace {

std::unexpected<Error> refused(const std::string& name, const char* step) {
  return fail(messages::twin_failed, name + ": " + step + ": " + std::strerror(errno));
}

ifreq request_for(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

// Interface properties are set through any socket of the namespace.
UniqueFd any_socket() { return UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

bool set_property(unsigned long operation, const ifreq& request) {
  const UniqueFd socket = any_socket();
  return socket && ioctl(socket.get(), operation, &request) == 0;
}

// Descriptors of network namespaces, as ioctls that tell of them give them.
bool same_namespace(const UniqueFd& one, const UniqueFd& other) {
  struct stat a, b;
  return fstat(one.get(), &a) == 0 && fstat(other.get(), &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

bool valid_interface_name(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

Result<KernelTwin> KernelTwin::make(const std::string& name, short kind) {
  KernelTwin twin;
  twin.name_ = name;
  twin.fd_.reset(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!twin.fd_) return refused(name, "/dev/net/tun");
  ifreq request = request_for(name);
  // EXCL: never attach to an interface that somebody else made.
  request.ifr_flags = static_cast<short>(kind | IFF_NO_PI | IFF_TUN_EXCL);
  if (ioctl(twin.fd_.get(), TUNSETIFF, &request) != 0) return refused(name, "create");
  return twin;
}

Result<KernelTwin> KernelTwin::make_tap(const std::string& name, const MacAddress& mac, uint16_t mtu) {
  auto twin = make(name, IFF_TAP);
  if (!twin) return twin;
  ifreq request = request_for(name);
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::memcpy(request.ifr_hwaddr.sa_data, mac.bytes.data(), mac.bytes.size());
  if (!set_property(SIOCSIFHWADDR, request)) return refused(name, "set the MAC address");
  if (auto sized = twin->set_mtu(mtu); !sized) return std::unexpected(sized.error());
  return twin;
}

Result<KernelTwin> KernelTwin::make_tun(const std::string& name, uint16_t mtu) {
  auto twin = make(name, IFF_TUN);
  if (!twin) return twin;
  if (auto sized = twin->set_mtu(mtu); !sized) return std::unexpected(sized.error());
  return twin;
}

// By its name it would not be found in another namespace, or what has the name there now would be taken for it.
Result<bool> KernelTwin::has_moved() const {
  const UniqueFd socket = any_socket();
  const UniqueFd own(ioctl(socket.get(), SIOCGSKNS)), twins(ioctl(fd_.get(), TUNGETDEVNETNS));
  if (!own || !twins) return refused(name_, "find its network namespace");
  return !same_namespace(own, twins);
}

Result<void> KernelTwin::set_mtu(uint16_t mtu) {
  const auto moved = has_moved();
  if (!moved) return std::unexpected(moved.error());
  if (*moved) return {};
  ifreq request = request_for(name_);
  request.ifr_mtu = mtu;
  if (!set_property(SIOCSIFMTU, request)) return refused(name_, "set the MTU");
  return {};
}

}  // namespace sekisho::dataplane
