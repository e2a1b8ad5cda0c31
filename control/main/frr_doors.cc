#include "control/main/frr_doors.h"

#include <sys/capability.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/messages/routing.h"
#include "base/messages/system.h"

namespace sekisho::control {
namespace {

constexpr std::array<const char*, 4> names = {"zserv.api", "zebra.vty", "bgpd.vty", "bfdd.vty"};

using Addresses = std::array<sockaddr_un, names.size()>;

Result<Addresses> addresses_in(const std::string& directory) {
  Addresses addresses{};
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string path = directory + "/" + names[i];
    if (path.size() >= sizeof addresses[i].sun_path)
      return fail(messages::system_call_failed, path + ": path is too long");
    addresses[i].sun_family = AF_UNIX;
    path.copy(addresses[i].sun_path, path.size());
  }
  return addresses;
}

int allow(scmp_filter_ctx filter) {
  if (const int error = ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0); error < 0) return error;
  return ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(AF_UNIX)));
}

const Message& message_of(FrrDoor door) {
  switch (door) {
    case FrrDoor::zserv:
    case FrrDoor::zebra_vty:
      return messages::zebra_lost;
    case FrrDoor::bfdd_vty:
      return messages::bfdd_silent;
    case FrrDoor::bgpd_vty:
      break;
  }
  return messages::bgpd_silent;
}

int open_door(const Addresses& addresses, ByteView request, Doorkeeper::Opened& opened) {
  if (request.size() != 1 || request[0] >= addresses.size()) return EINVAL;
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return errno;
  opened.add(socket);
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&addresses[request[0]]), sizeof(sockaddr_un)) == 0 ? 0
                                                                                                                : errno;
}

}  // namespace

Result<FrrDoors> FrrDoors::open(const std::string& directory) {
  const auto addresses = addresses_in(directory);
  if (!addresses) return std::unexpected(addresses.error());
  auto keeper = Doorkeeper::hire({.name = "frr-doors",
                                  .capabilities = {CAP_DAC_OVERRIDE},
                                  .allow = allow,
                                  .open = [addresses = *addresses](ByteView request, Doorkeeper::Opened& opened) {
                                    return open_door(addresses, request, opened);
                                  }});
  if (!keeper) return std::unexpected(keeper.error());
  return FrrDoors(std::move(*keeper));
}

Result<UniqueFd> FrrDoors::connect(FrrDoor door) {
  const auto number = static_cast<uint8_t>(door);
  auto opened = keeper_.ask({&number, 1});
  if (opened && opened->size() == 1) return std::move(opened->front());
  const std::string name = number < names.size() ? names[number] : "socket " + std::to_string(number);
  return fail(message_of(door), name + ": " + keeper_.reason(opened ? EPROTO : opened.error()));
}

}  // namespace sekisho::control
