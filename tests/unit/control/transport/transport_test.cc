#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>

#include "base/unique_fd.h"
#include "control/transport/framing.h"
#include "control/transport/socket_address.h"
#include "control/transport/udp.h"

using namespace sekisho;
using namespace sekisho::control;

namespace {

Bytes bytes(std::initializer_list<int> values) { return Bytes(values.begin(), values.end()); }

// A namespace with loopback up, where ports 500 and 4500 are free.
struct Loopback {
  explicit Loopback(int mtu = 65536) {
    REQUIRE(::unshare(CLONE_NEWNET) == 0);
    const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request = {};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    REQUIRE(::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0);
    request.ifr_mtu = mtu;
    REQUIRE(::ioctl(socket.get(), SIOCSIFMTU, &request) == 0);
  }
};

struct Peer {
  UniqueFd fd;
  Endpoint endpoint;

  explicit Peer(const char* address) {
    SocketAddress own = to_socket_address({*IpAddress::parse(address), 0});
    fd.reset(::socket(own.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own.storage), own.size) == 0);
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own.storage), &own.size) == 0);
    endpoint = *from_socket_address(own.storage);
  }
  void send(const char* address, uint16_t port, const Bytes& data) {
    const SocketAddress to = to_socket_address({*IpAddress::parse(address), port});
    REQUIRE(::sendto(fd.get(), data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to.storage), to.size) ==
            static_cast<ssize_t>(data.size()));
  }
  std::pair<Endpoint, Bytes> receive() {
    Bytes data(65536);
    SocketAddress from{{}, sizeof from.storage};
    const ssize_t size =
        ::recvfrom(fd.get(), data.data(), data.size(), 0, reinterpret_cast<sockaddr*>(&from.storage), &from.size);
    REQUIRE(size >= 0);
    data.resize(static_cast<size_t>(size));
    return {*from_socket_address(from.storage), data};
  }
};

}  // namespace

TEST_CASE("IKE, ESP and keepalives are told apart") {
  using Kind = Datagram::Kind;
  CHECK(classify(500, bytes({1, 2, 3})).kind == Kind::ike);
  CHECK(classify(500, bytes({1, 2, 3})).message.size() == 3);
  CHECK(classify(500, bytes({0xff})).kind == Kind::ike);
  CHECK(classify(500, {}).kind == Kind::malformed);
  CHECK(classify(4500, bytes({0, 0, 0, 0, 7})).kind == Kind::ike);
  CHECK(classify(4500, bytes({0, 0, 0, 0, 7})).message.size() == 1);
  CHECK(classify(4500, bytes({0, 0, 0, 1, 7})).kind == Kind::esp);
  CHECK(classify(4500, bytes({0xff})).kind == Kind::keepalive);
  CHECK(classify(4500, bytes({0xfe})).kind == Kind::malformed);
  CHECK(classify(4500, bytes({0, 0, 0, 0})).kind == Kind::malformed);
  CHECK(classify(4500, {}).kind == Kind::malformed);
  CHECK(frame(500, bytes({7})) == bytes({7}));
  CHECK(frame(4500, bytes({7})) == bytes({0, 0, 0, 0, 7}));
}

TEST_CASE("messages come with the address they were sent to, and leave from the address they are to") {
  const Loopback loopback;
  sd_event* loop = nullptr;
  REQUIRE(sd_event_new(&loop) >= 0);
  struct Received {
    Endpoint local, remote;
    Bytes message;
  };
  std::vector<Received> received;
  auto opened = UdpTransport::open(loop, [&](const Endpoint& local, const Endpoint& remote, ByteView message) {
    received.push_back({local, remote, Bytes(message.begin(), message.end())});
  });
  REQUIRE(opened);
  UdpTransport& transport = **opened;
  Peer peer("127.0.0.9");

  peer.send("127.0.0.5", 500, bytes({1, 2, 3}));
  peer.send("127.0.0.6", 4500, bytes({0, 0, 0, 0, 4, 5}));
  peer.send("127.0.0.6", 4500, bytes({0xff}));
  peer.send("127.0.0.6", 4500, bytes({0, 0, 1, 0, 4, 5}));
  peer.send("127.0.0.6", 4500, bytes({1}));
  const auto& counters = transport.counters();
  while (received.size() < 2 || counters.malformed < 1) REQUIRE(sd_event_run(loop, 5'000'000) > 0);
  CHECK(received.size() == 2);
  for (const Received& each : received) {
    CHECK(each.remote == peer.endpoint);
    CHECK(each.local.address == *IpAddress::parse(each.local.port == 500 ? "127.0.0.5" : "127.0.0.6"));
    CHECK(each.message == (each.local.port == 500 ? bytes({1, 2, 3}) : bytes({4, 5})));
  }
  CHECK(counters.received == 2);
  CHECK(counters.keepalives_received == 1);
  CHECK(counters.esp == 1);

  transport.send({*IpAddress::parse("127.0.0.5"), 4500}, peer.endpoint, bytes({9}));
  auto [from, data] = peer.receive();
  CHECK(from == Endpoint{*IpAddress::parse("127.0.0.5"), 4500});
  CHECK(data == bytes({0, 0, 0, 0, 9}));
  transport.send_keepalive({*IpAddress::parse("127.0.0.5"), 4500}, peer.endpoint);
  CHECK(peer.receive().second == bytes({0xff}));
  // Larger than any link: in fragments.
  const Bytes large(60'000, 0x42);
  transport.send({*IpAddress::parse("127.0.0.5"), 500}, peer.endpoint, large);
  CHECK(peer.receive().second == large);
  // No such local address: counted, nothing else.
  transport.send({*IpAddress::parse("192.0.2.1"), 500}, peer.endpoint, bytes({9}));
  CHECK(counters.send_failures == 1);
  opened->reset();
  sd_event_unref(loop);
}

TEST_CASE("what waits in the sockets is taken when asked for, a bounded number of it") {
  const Loopback loopback;
  sd_event* loop = nullptr;
  REQUIRE(sd_event_new(&loop) >= 0);
  unsigned received = 0;
  auto opened = UdpTransport::open(loop, [&](const Endpoint&, const Endpoint&, ByteView) { ++received; });
  REQUIRE(opened);
  (*opened)->receive_waiting();
  CHECK(received == 0);
  Peer peer("127.0.0.9");
  for (int i = 0; i < 40; ++i) peer.send("127.0.0.5", 500, bytes({1}));
  peer.send("127.0.0.6", 4500, bytes({0, 0, 0, 0, 4}));
  (*opened)->receive_waiting();
  CHECK(received == 41);
  for (int i = 0; i < 1100; ++i) peer.send("127.0.0.5", 500, bytes({1}));
  (*opened)->receive_waiting();
  CHECK(received == 41 + 1024);
  opened->reset();
  sd_event_unref(loop);
}

// What is no larger than the link leaves the kernel whole.
TEST_CASE("over IPv6, what is larger than the link leaves in fragments that every path carries") {
  const Loopback loopback(1500);
  sd_event* loop = nullptr;
  REQUIRE(sd_event_new(&loop) >= 0);
  auto opened = UdpTransport::open(loop, [](const Endpoint&, const Endpoint&, ByteView) {});
  REQUIRE(opened);
  Peer peer("::1");
  const int on = 1;
  REQUIRE(::setsockopt(peer.fd.get(), IPPROTO_IPV6, IPV6_RECVFRAGSIZE, &on, sizeof on) == 0);
  (*opened)->send({*IpAddress::parse("::1"), 500}, peer.endpoint, Bytes(3000, 0x42));

  Bytes data(4000);
  iovec vector{data.data(), data.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message = {};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  REQUIRE(::recvmsg(peer.fd.get(), &message, 0) == 3000);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  REQUIRE(header);
  REQUIRE(header->cmsg_type == IPV6_RECVFRAGSIZE);
  int largest = 0;
  std::memcpy(&largest, CMSG_DATA(header), sizeof largest);
  CHECK(largest == 1280);
  opened->reset();
  sd_event_unref(loop);
}

TEST_CASE("over IPv4, DF is set on request, for that message alone") {
  const Loopback loopback(1500);
  sd_event* loop = nullptr;
  REQUIRE(sd_event_new(&loop) >= 0);
  auto opened = UdpTransport::open(loop, [](const Endpoint&, const Endpoint&, ByteView) {});
  REQUIRE(opened);
  Peer peer("127.0.0.9");
  const UniqueFd sniffer(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP));
  REQUIRE(sniffer);
  const auto send = [&](size_t datagram, Fragmentation fragmentation) {
    (*opened)->send({*IpAddress::parse("127.0.0.5"), 4500}, peer.endpoint, Bytes(datagram - 20 - 8 - 4), fragmentation);
  };
  const auto arrives = [&](size_t size, bool df) {
    std::array<uint8_t, 4000> packet{};
    REQUIRE(::recv(sniffer.get(), packet.data(), packet.size(), 0) == static_cast<ssize_t>(size));
    CHECK(((packet[6] & 0x40) != 0) == df);
  };
  send(1500, Fragmentation::forbidden);
  arrives(1500, true);
  send(1501, Fragmentation::forbidden);  // lost
  send(1500, Fragmentation::allowed);
  arrives(1500, false);
  send(3000, Fragmentation::allowed);
  arrives(3000, false);
  CHECK((*opened)->counters().send_failures == 0);
  CHECK((*opened)->counters().sent == 3);
  opened->reset();
  sd_event_unref(loop);
}

TEST_CASE("over IPv6, what is not to be fragmented leaves whole, or not at all") {
  const Loopback loopback(1500);
  sd_event* loop = nullptr;
  REQUIRE(sd_event_new(&loop) >= 0);
  auto opened = UdpTransport::open(loop, [](const Endpoint&, const Endpoint&, ByteView) {});
  REQUIRE(opened);
  Peer peer("::1");
  const auto send = [&](size_t datagram, Fragmentation fragmentation) {
    (*opened)->send({*IpAddress::parse("::1"), 500}, peer.endpoint, Bytes(datagram - 40 - 8), fragmentation);
  };
  send(1501, Fragmentation::forbidden);  // lost
  send(1500, Fragmentation::forbidden);
  CHECK(peer.receive().second.size() == 1500 - 40 - 8);
  send(1501, Fragmentation::allowed);
  CHECK(peer.receive().second.size() == 1501 - 40 - 8);
  CHECK((*opened)->counters().send_failures == 0);
  CHECK((*opened)->counters().sent == 2);
  opened->reset();
  sd_event_unref(loop);
}
