#include "control/transport/socket_address.h"

#include <cstring>

namespace sekisho::control {

SocketAddress to_socket_address(const Endpoint& endpoint) {
  SocketAddress result;
  const ByteView bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = Be16(endpoint.port).raw();
    std::memcpy(&address.sin_addr, bytes.data(), bytes.size());
    result.size = sizeof address;
    std::memcpy(&result.storage, &address, sizeof address);
  } else {
    sockaddr_in6 address = {};
    address.sin6_family = AF_INET6;
    address.sin6_port = Be16(endpoint.port).raw();
    std::memcpy(&address.sin6_addr, bytes.data(), bytes.size());
    result.size = sizeof address;
    std::memcpy(&result.storage, &address, sizeof address);
  }
  return result;
}

std::optional<Endpoint> from_socket_address(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in address;
    std::memcpy(&address, &storage, sizeof address);
    return Endpoint{IpAddress::v4(Be32::from_raw(address.sin_addr.s_addr)), Be16::from_raw(address.sin_port).host()};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address;
    std::memcpy(&address, &storage, sizeof address);
    return Endpoint{*IpAddress::from_bytes(ByteView(address.sin6_addr.s6_addr)),
                    Be16::from_raw(address.sin6_port).host()};
  }
  return {};
}

namespace {

template <typename Info>
void put(msghdr& message, PacketInfo& info, int level, int type, const Info& value) {
  message.msg_control = info.bytes.data();
  message.msg_controllen = CMSG_SPACE(sizeof value);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(header), &value, sizeof value);
}

}  // namespace

void set_source(msghdr& message, PacketInfo& info, const IpAddress& local) {
  if (local.is_v4()) {
    in_pktinfo source = {};
    std::memcpy(&source.ipi_spec_dst, local.bytes().data(), local.size());
    put(message, info, IPPROTO_IP, IP_PKTINFO, source);
  } else {
    in6_pktinfo source = {};
    std::memcpy(&source.ipi6_addr, local.bytes().data(), local.size());
    put(message, info, IPPROTO_IPV6, IPV6_PKTINFO, source);
  }
}

std::optional<IpAddress> destination_of(const msghdr& message) {
  auto& readable = const_cast<msghdr&>(message);  // CMSG_NXTHDR reads only, but its parameter is not const
  for (cmsghdr* header = CMSG_FIRSTHDR(&readable); header; header = CMSG_NXTHDR(&readable, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      return IpAddress::v4(Be32::from_raw(info.ipi_addr.s_addr));
    }
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      return IpAddress::from_bytes(ByteView(info.ipi6_addr.s6_addr));
    }
  }
  return {};
}

}  // namespace sekisho::control
