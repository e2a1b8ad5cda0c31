#include "control/transport/udp.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/esp_size.h"
#include "base/messages/system.h"
#include "base/unique_fd.h"
#include "control/transport/socket_address.h"

namespace sekisho::control {
namespace {

constexpr size_t batch = 16;
constexpr unsigned waiting_batches = 64;
constexpr size_t largest_datagram = 65536;
constexpr int receive_buffer = 1 << 20;

std::unexpected<Error> system_error(const std::string& what) {
  return fail(messages::system_call_failed, what + ": " + std::strerror(errno));
}

bool set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// Large IKE messages travel in IP fragments. Over IPv4 the DF bit is off, so that a router can make them; over IPv6,
// where none does, what is larger than the link is cut into what every path carries (RFC 8200 section 5). No ICMP
// message changes the path MTU, of these sockets or of the kernel: anybody can forge one about ESP in UDP, which leaves
// from the same port.
bool allow_fragments(int fd, Family family) {
  if (family == Family::ipv4) return set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
  return set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT) &&
         set_option(fd, IPPROTO_IPV6, IPV6_MTU, least_ipv6_mtu);
}

bool forbid_fragments(int fd, Family family) {
  if (family == Family::ipv4) return set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  return set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE) &&
         set_option(fd, IPPROTO_IPV6, IPV6_MTU, 0);
}

bool set_options(int fd, Family family) {
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer))
    (void)set_option(fd, SOL_SOCKET, SO_RCVBUF, receive_buffer);
  if (!allow_fragments(fd, family)) return false;
  if (family == Family::ipv4) return set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
  return set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) && set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

}  // namespace

struct UdpTransport::Socket {
  UniqueFd fd;
  Family family{};
  uint16_t port = 0;
  Watch watch;
};

struct UdpTransport::Buffers {
  std::array<mmsghdr, batch> headers;
  std::array<iovec, batch> vectors;
  std::array<sockaddr_storage, batch> sources;
  std::array<PacketInfo, batch> infos;
  std::array<std::array<uint8_t, largest_datagram>, batch> data;

  void prepare() {
    for (size_t i = 0; i < batch; ++i) {
      vectors[i] = {data[i].data(), data[i].size()};
      msghdr& header = headers[i].msg_hdr;
      header = {};
      header.msg_name = &sources[i];
      header.msg_namelen = sizeof sources[i];
      header.msg_iov = &vectors[i];
      header.msg_iovlen = 1;
      header.msg_control = infos[i].bytes.data();
      header.msg_controllen = infos[i].bytes.size();
    }
  }
};

UdpTransport::UdpTransport(Receiver receiver)
    : receiver_(std::move(receiver)), buffers_(std::make_unique_for_overwrite<Buffers>()) {}
UdpTransport::~UdpTransport() = default;

Result<std::unique_ptr<UdpTransport>> UdpTransport::open(sd_event* loop, Receiver receiver) {
  std::unique_ptr<UdpTransport> transport(new UdpTransport(std::move(receiver)));
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const uint16_t port : {ike_port, ike_nat_port})
      if (auto added = transport->add(loop, family, port); !added) return std::unexpected(added.error());
  return transport;
}

Result<void> UdpTransport::add(sd_event* loop, Family family, uint16_t port) {
  auto socket = std::make_unique<Socket>();
  socket->family = family;
  socket->port = port;
  const int domain = family == Family::ipv4 ? AF_INET : AF_INET6;
  socket->fd.reset(::socket(domain, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket->fd && errno == EAFNOSUPPORT && family == Family::ipv6) return {};
  const Endpoint any{IpAddress::any(family), port};
  if (!socket->fd || !set_options(socket->fd.get(), family)) return system_error("UDP socket for " + any.text());
  const SocketAddress address = to_socket_address(any);
  if (::bind(socket->fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) < 0)
    return system_error("bind to " + any.text());
  const Socket& own = *socket;
  socket->watch = Watch(loop, socket->fd.get(), EPOLLIN, [this, &own](uint32_t) { receive(own); });
  sockets_.push_back(std::move(socket));
  return {};
}

void UdpTransport::receive_waiting() {
  for (const auto& socket : sockets_)
    for (unsigned i = 0; i < waiting_batches && receive(*socket) == batch; ++i) {
    }
}

size_t UdpTransport::receive(const Socket& socket) {
  buffers_->prepare();
  const int count = ::recvmmsg(socket.fd.get(), buffers_->headers.data(), batch, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count; ++i) {
    const auto& received = buffers_->headers[static_cast<size_t>(i)];
    deliver(socket, &received.msg_hdr, ByteView(buffers_->data[static_cast<size_t>(i)]).first(received.msg_len));
  }
  return static_cast<size_t>(std::max(count, 0));
}

void UdpTransport::deliver(const Socket& socket, const void* header, ByteView data) {
  const auto& message = *static_cast<const msghdr*>(header);
  const auto remote = from_socket_address(*static_cast<const sockaddr_storage*>(message.msg_name));
  const auto local = destination_of(message);
  const Datagram datagram = classify(socket.port, data);
  if (!remote || !local || (message.msg_flags & MSG_TRUNC)) {
    ++counters_.malformed;
    return;
  }
  switch (datagram.kind) {
    case Datagram::Kind::ike:
      ++counters_.received;
      return receiver_({*local, socket.port}, *remote, datagram.message);
    case Datagram::Kind::esp:
      ++counters_.esp;
      return;
    case Datagram::Kind::keepalive:
      ++counters_.keepalives_received;
      return;
    case Datagram::Kind::malformed:
      ++counters_.malformed;
      return;
  }
}

int UdpTransport::transmit(const Endpoint& local, const Endpoint& remote, ByteView data, Fragmentation fragmentation) {
  for (const auto& socket : sockets_) {
    if (socket->port != local.port || socket->family != local.address.family()) continue;
    SocketAddress to = to_socket_address(remote);
    iovec vector{const_cast<uint8_t*>(data.data()), data.size()};
    PacketInfo info;
    msghdr message = {};
    message.msg_name = &to.storage;
    message.msg_namelen = to.size;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    set_source(message, info, local.address);
    const int fd = socket->fd.get();
    const bool whole = fragmentation == Fragmentation::forbidden;
    if (whole && !forbid_fragments(fd, socket->family)) return errno;
    const int error = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
    if (whole && !allow_fragments(fd, socket->family)) return errno;
    return error;
  }
  return EADDRNOTAVAIL;
}

void UdpTransport::send(const Endpoint& local, const Endpoint& remote, ByteView message, Fragmentation fragmentation) {
  const int error = transmit(local, remote, frame(local.port, message), fragmentation);
  if (error == 0)
    ++counters_.sent;
  else if (fragmentation == Fragmentation::allowed || error != EMSGSIZE)
    ++counters_.send_failures;
}

void UdpTransport::send_keepalive(const Endpoint& local, const Endpoint& remote) {
  const uint8_t byte = nat_keepalive;
  if (transmit(local, remote, {&byte, 1}) == 0)
    ++counters_.keepalives_sent;
  else
    ++counters_.send_failures;
}

}  // namespace sekisho::control
