#include "control/transport/echo_sockets.h"

#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace sekisho;
using namespace sekisho::control;

namespace {

constexpr std::array<uint8_t, 16> token = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct Heard {
  EchoProtocol protocol{};
  int link = 0;
  Endpoint from;
  uint16_t sequence = 0;
  Bytes token;
};

// Echoes by way of the loopback interface.
struct Lab {
  SystemRandom random;
  EchoSockets sockets{random};
  const int loopback = static_cast<int>(::if_nametoindex("lo"));

  EchoSockets::Request request(EchoProtocol protocol, const char* target, uint16_t port = 0) const {
    return {.protocol = protocol,
            .link = loopback,
            .target = *IpAddress::parse(target),
            .port = port,
            .sequence = 77,
            .token = token};
  }
  // What has come in, once something has or two seconds are over.
  std::vector<Heard> heard() {
    std::vector<pollfd> polled;
    for (const int fd : sockets.fds()) polled.push_back({fd, POLLIN, 0});
    ::poll(polled.data(), polled.size(), 2000);
    return now();
  }
  std::vector<Heard> now() {
    std::vector<Heard> all;
    sockets.receive([&](const EchoSockets::Reply& reply) {
      all.push_back(
          {reply.protocol, reply.link, reply.from, reply.sequence, Bytes(reply.token.begin(), reply.token.end())});
    });
    return all;
  }
};

struct Server {
  UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  uint16_t port = 0;
  sockaddr_in client{};

  Server() {
    sockaddr_in own{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof own;
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), size) == 0);
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size) == 0);
    port = ntohs(own.sin_port);
  }
  Bytes receive() {
    Bytes data(100);
    socklen_t size = sizeof client;
    const ssize_t got = ::recvfrom(fd.get(), data.data(), data.size(), 0, reinterpret_cast<sockaddr*>(&client), &size);
    REQUIRE(got > 0);
    data.resize(static_cast<size_t>(got));
    return data;
  }
  void send(const Bytes& data) const {
    REQUIRE(::sendto(fd.get(), data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&client),
                     sizeof client) == static_cast<ssize_t>(data.size()));
  }
};

}  // namespace

TEST_CASE("an echo over UDP is told with who sent it, and by which interface it came") {
  Lab lab;
  Server server;
  REQUIRE(lab.sockets.send(lab.request(EchoProtocol::udp, "127.0.0.1", server.port)));
  server.send(server.receive());
  const auto heard = lab.heard();
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].protocol == EchoProtocol::udp);
  CHECK(heard[0].link == lab.loopback);
  CHECK(heard[0].from == Endpoint{*IpAddress::parse("127.0.0.1"), server.port});
  CHECK(heard[0].sequence == 77);
  CHECK(heard[0].token == Bytes(token.begin(), token.end()));
}

TEST_CASE("what is no echo of ours is not heard") {
  Lab lab;
  Server server;
  REQUIRE(lab.sockets.send(lab.request(EchoProtocol::udp, "127.0.0.1", server.port)));
  const Bytes echo = server.receive();
  REQUIRE(echo.size() == 20);
  Bytes other = echo;
  other[0] ^= 1;  // the mark
  server.send(other);
  server.send({});
  server.send({echo[0]});
  server.send(Bytes(echo.begin(), echo.end() - 1));
  Bytes longer = echo;
  longer.push_back(0);
  server.send(longer);
  longer.resize(1000);
  server.send(longer);
  server.send(echo);
  std::vector<Heard> all;
  while (all.empty()) {
    all = lab.heard();
    REQUIRE(all.size() <= 1);
  }
  CHECK(all[0].token.size() == token.size());
  CHECK(lab.now().empty());
}

TEST_CASE("the kernel's answer to an ICMP echo is heard, of both families") {
  if (::geteuid() != 0) {
    WARN("raw sockets need root");
    return;
  }
  Lab lab;
  for (const char* target : {"127.0.0.1", "::1"}) {
    INFO(target);
    const auto sent = lab.sockets.send(lab.request(EchoProtocol::icmp, target));
    if (!sent && std::string(target) == "::1") {
      WARN(sent.error().text());
      continue;
    }
    REQUIRE(sent);
    const auto heard = lab.heard();
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].protocol == EchoProtocol::icmp);
    CHECK(heard[0].link == lab.loopback);
    CHECK(heard[0].from == Endpoint{*IpAddress::parse(target), 0});
    CHECK(heard[0].sequence == 77);
    CHECK(heard[0].token == Bytes(token.begin(), token.end()));
  }
  // The answer to somebody else's request does not wake this one.
  Lab other;
  REQUIRE(other.sockets.send(other.request(EchoProtocol::icmp, "127.0.0.1")));
  REQUIRE(other.heard().size() == 1);
  CHECK(lab.now().empty());
}

TEST_CASE("what cannot be sent says why") {
  Lab lab;
  auto request = lab.request(EchoProtocol::udp, "127.0.0.1", 9);
  request.link = 1 << 30;
  CHECK_FALSE(lab.sockets.send(request));
  request = lab.request(EchoProtocol::udp, "127.0.0.1", 9);
  request.source = *IpAddress::parse("192.0.2.77");
  const auto sent = lab.sockets.send(request);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().detail.find("127.0.0.1") != std::string::npos);
}
