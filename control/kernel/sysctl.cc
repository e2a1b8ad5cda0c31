#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/messages/routing.h"
#include "base/unique_fd.h"
#include "control/kernel/configurator.h"

namespace sekisho::kernel {
namespace {

Result<void> write_sysctl(const std::string& name, std::string_view value) {
  const std::string path = "/proc/sys/net/" + name;
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file && ::write(file.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size())) return {};
  return fail(messages::netlink_failed, path + ": " + std::strerror(errno));
}

bool has_ipv6() { return ::access("/proc/sys/net/ipv6", F_OK) == 0; }

}  // namespace

Result<void> enable_forwarding(std::string_view interface) {
  const std::string name(interface);
  if (auto set = write_sysctl("ipv4/conf/" + name + "/forwarding", "1"); !set) return set;
  // The stricter of the interface's and the global setting would hold, were loose (2) not above strict (1).
  if (auto set = write_sysctl("ipv4/conf/" + name + "/rp_filter", "2"); !set) return set;
  if (!has_ipv6()) return {};
  return write_sysctl("ipv6/conf/" + name + "/forwarding", "1");
}

Result<void> enable_ipv6_forwarding() {
  if (!has_ipv6()) return {};
  return write_sysctl("ipv6/conf/all/forwarding", "1");
}

}  // namespace sekisho::kernel
