// Sockets for echo requests through tunnels: ICMP and UDP of both families, one each for all tunnels. The packet
// information of each message names the interface, so nothing has to be bound to a tunnel that comes later. They are
// opened before the privileges are given up and the sandbox is entered, where raw sockets cannot be opened any more.
//
//      ICMP   | 8 or 128 | 0 | checksum | mark | sequence | token, 16 octets |
//      UDP                              | mark | sequence | token, 16 octets |
//
// Attack surface: whoever may send to one of this gateway's addresses. The mark is random and the kernel drops what
// does not bear it (a filter on each socket), so that a flood of echo replies neither wakes this process nor fills the
// sockets. What passes is told with the interface that it came in by, for the caller to compare. No ICMP error is
// looked at: anybody can send one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/address.h"
#include "base/bytes.h"
#include "base/message.h"
#include "base/random.h"
#include "base/unique_fd.h"

namespace sekisho::control {

enum class EchoProtocol : uint8_t { icmp, udp };

class EchoSockets {
 public:
  struct Request {
    EchoProtocol protocol{};
    int link = 0;  // the interface that it leaves by
    IpAddress target;
    uint16_t port = 0;  // with UDP
    std::optional<IpAddress> source;
    uint16_t sequence = 0;
    ByteView token;
  };
  struct Reply {
    EchoProtocol protocol{};
    int link = 0;   // the interface that it came in by
    Endpoint from;  // the port is 0 with ICMP
    uint16_t sequence = 0;
    ByteView token;  // valid during the call
  };

  // What cannot be opened is left out, and send() says so.
  explicit EchoSockets(Random& random);

  Result<void> send(const Request& request);
  // Takes what has come in, a bounded number of datagrams.
  void receive(const std::function<void(const Reply&)>& take);
  // Those that are open, to be watched.
  std::vector<int> fds() const;

 private:
  struct Socket {
    UniqueFd fd;
    int error = 0;  // why it is not open
  };
  void open(EchoProtocol protocol, Family family);
  Socket& socket(EchoProtocol protocol, Family family);
  void deliver(EchoProtocol protocol, Family family, const void* header, ByteView data,
               const std::function<void(const Reply&)>& take) const;

  uint16_t mark_;
  std::array<Socket, 4> sockets_;
};

}  // namespace sekisho::control
