#include "control/transport/echo_sockets.h"

#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/messages/system.h"
#include "control/transport/socket_address.h"

namespace sekisho::control {
namespace {

constexpr unsigned max_datagrams_per_turn = 256;
constexpr size_t longest_ipv4_header = 60;
constexpr size_t icmp_header = 8;
constexpr size_t token_size = 16;
constexpr uint8_t icmp_request = ICMP_ECHO, icmp_reply = ICMP_ECHOREPLY;
constexpr uint8_t icmp6_request = ICMP6_ECHO_REQUEST, icmp6_reply = ICMP6_ECHO_REPLY;

// What the kernel is to keep: datagrams that bear the mark, of ICMP echo replies alone. The program of a raw IPv4
// socket begins at the IP header, the others at the transport's.
bool attach_filter(int fd, EchoProtocol protocol, Family family, uint16_t mark) {
  const uint32_t reply = family == Family::ipv4 ? icmp_reply : icmp6_reply;
  sock_filter icmp[] = {
      family == Family::ipv4 ? sock_filter BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0)
                             : sock_filter BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, reply, 0, 3),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mark, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  sock_filter udp[] = {
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 8),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mark, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const bool is_udp = protocol == EchoProtocol::udp;
  const sock_fprog program = {.len = static_cast<unsigned short>(is_udp ? std::size(udp) : std::size(icmp)),
                              .filter = is_udp ? udp : icmp};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

bool enable(int fd, int level, int option) {
  const int on = 1;
  return ::setsockopt(fd, level, option, &on, sizeof on) == 0;
}

// RFC 1071; of an even number of octets.
uint16_t checksum(ByteView data) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < data.size(); i += 2) sum += static_cast<uint32_t>(data[i] << 8 | data[i + 1]);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

Bytes compose(const EchoSockets::Request& request, uint16_t mark) {
  const bool icmp = request.protocol == EchoProtocol::icmp;
  ByteWriter message;
  if (icmp) {
    message.u8(request.target.is_v4() ? icmp_request : icmp6_request);
    message.zeros(3);  // code and checksum
  }
  message.u16(mark);
  message.u16(request.sequence);
  message.bytes(request.token);
  if (icmp && request.target.is_v4()) message.patch_u16(2, checksum(message.view()));  // the kernel makes ICMPv6's
  return std::move(message).take();
}

template <typename Info>
void put_info(msghdr& message, PacketInfo& place, int level, int type, const Info& info) {
  message.msg_control = place.bytes.data();
  message.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_len = CMSG_LEN(sizeof info);
  header->cmsg_level = level;
  header->cmsg_type = type;
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
}

// The interface and, where there is one, the address that the message is to leave from.
void set_way(msghdr& message, PacketInfo& place, const EchoSockets::Request& request) {
  if (request.target.is_v4()) {
    in_pktinfo info{};
    info.ipi_ifindex = request.link;
    if (request.source) std::memcpy(&info.ipi_spec_dst, request.source->bytes().data(), sizeof info.ipi_spec_dst);
    put_info(message, place, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    info.ipi6_ifindex = static_cast<unsigned>(request.link);
    if (request.source) std::memcpy(&info.ipi6_addr, request.source->bytes().data(), sizeof info.ipi6_addr);
    put_info(message, place, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

std::optional<int> link_of(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      return info.ipi_ifindex;
    }
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      return static_cast<int>(info.ipi6_ifindex);
    }
  }
  return {};
}

}  // namespace

EchoSockets::EchoSockets(Random& random) : mark_(static_cast<uint16_t>(random.next_u32())) {
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const EchoProtocol protocol : {EchoProtocol::icmp, EchoProtocol::udp}) open(protocol, family);
}

EchoSockets::Socket& EchoSockets::socket(EchoProtocol protocol, Family family) {
  return sockets_[(family == Family::ipv4 ? 0 : 2) + static_cast<size_t>(protocol)];
}

void EchoSockets::open(EchoProtocol protocol, Family family) {
  const bool v4 = family == Family::ipv4, icmp = protocol == EchoProtocol::icmp;
  UniqueFd fd(::socket(v4 ? AF_INET : AF_INET6, (icmp ? SOCK_RAW : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK,
                       !icmp ? 0
                       : v4  ? static_cast<int>(IPPROTO_ICMP)
                             : static_cast<int>(IPPROTO_ICMPV6)));
  bool done = bool(fd) && attach_filter(fd.get(), protocol, family, mark_) &&
              (v4 ? enable(fd.get(), IPPROTO_IP, IP_PKTINFO) : enable(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO));
  if (done && !icmp) {
    const SocketAddress any = to_socket_address({IpAddress::any(family), 0});
    done = (v4 || enable(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY)) &&
           ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any.storage), any.size) == 0;
  }
  Socket& own = socket(protocol, family);
  own.error = errno;
  if (done) own.fd = std::move(fd);
}

Result<void> EchoSockets::send(const Request& request) {
  const Socket& own = socket(request.protocol, request.target.family());
  if (!own.fd) return fail(messages::system_call_failed, std::string("echo socket: ") + std::strerror(own.error));
  Bytes data = compose(request, mark_);
  SocketAddress to = to_socket_address({request.target, request.port});
  iovec vector{data.data(), data.size()};
  PacketInfo info;
  msghdr message = {};
  message.msg_name = &to.storage;
  message.msg_namelen = to.size;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  set_way(message, info, request);
  if (::sendmsg(own.fd.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(data.size())) return {};
  return fail(messages::system_call_failed, "echo to " + request.target.text() + ": " + std::strerror(errno));
}

void EchoSockets::receive(const std::function<void(const Reply&)>& take) {
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const EchoProtocol protocol : {EchoProtocol::icmp, EchoProtocol::udp}) {
      const Socket& own = socket(protocol, family);
      for (unsigned i = 0; own.fd && i < max_datagrams_per_turn; ++i) {
        std::array<uint8_t, longest_ipv4_header + icmp_header + token_size + 1> data;
        sockaddr_storage from{};
        PacketInfo info;
        iovec vector{data.data(), data.size()};
        msghdr message = {};
        message.msg_name = &from;
        message.msg_namelen = sizeof from;
        message.msg_iov = &vector;
        message.msg_iovlen = 1;
        message.msg_control = info.bytes.data();
        message.msg_controllen = info.bytes.size();
        const ssize_t size = ::recvmsg(own.fd.get(), &message, MSG_DONTWAIT);
        if (size < 0) break;
        if (message.msg_flags & MSG_TRUNC) continue;
        deliver(protocol, family, &message, ByteView(data).first(static_cast<size_t>(size)), take);
      }
    }
}

void EchoSockets::deliver(EchoProtocol protocol, Family family, const void* header, ByteView data,
                          const std::function<void(const Reply&)>& take) const {
  msghdr message = *static_cast<const msghdr*>(header);
  const auto from = from_socket_address(*static_cast<const sockaddr_storage*>(message.msg_name));
  const auto link = link_of(message);
  if (!from || !link) return;
  ByteReader reader(data);
  if (protocol == EchoProtocol::icmp) {
    if (family == Family::ipv4) {
      const uint8_t version_and_length = reader.u8();
      reader.bytes((version_and_length & 0xfu) * 4 - 1u);
    }
    const uint8_t type = reader.u8();
    if (type != (family == Family::ipv4 ? icmp_reply : icmp6_reply)) return;
    reader.bytes(3);  // code and checksum, which the kernel has looked at
  }
  const uint16_t mark = reader.u16();
  const uint16_t sequence = reader.u16();
  const ByteView token = reader.rest();
  if (!reader.ok() || mark != mark_ || token.size() != token_size) return;
  take({.protocol = protocol,
        .link = *link,
        .from = {from->address, protocol == EchoProtocol::udp ? from->port : uint16_t{0}},
        .sequence = sequence,
        .token = token});
}

std::vector<int> EchoSockets::fds() const {
  std::vector<int> open;
  for (const Socket& each : sockets_)
    if (each.fd) open.push_back(each.fd.get());
  return open;
}

}  // namespace sekisho::control
