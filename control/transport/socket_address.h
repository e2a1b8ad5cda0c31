// sockaddr and packet information of both families, to and from Endpoint.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <optional>

#include "base/address.h"

namespace sekisho::control {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress to_socket_address(const Endpoint& endpoint);
std::optional<Endpoint> from_socket_address(const sockaddr_storage& storage);

// Ancillary data that names the local address of a datagram.
struct PacketInfo {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> bytes{};
};

// Makes a message to be sent leave from `local`. `info` must outlive the message.
void set_source(msghdr& message, PacketInfo& info, const IpAddress& local);
// The address that a received message was sent to.
std::optional<IpAddress> destination_of(const msghdr& message);

}  // namespace sekisho::control
