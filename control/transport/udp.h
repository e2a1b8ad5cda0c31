// IKE's UDP sockets: ports 500 and 4500 of every local address of both families. The kernel is the path: packets for
// these ports reach it through the twins, and what is sent leaves through them.
//
// Attack surface: every datagram is the network's. A turn of the loop takes a bounded number of them, whatever is not
// an IKE message is dropped and counted here, and no ICMP error is ever looked at, since anybody can send one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/message.h"
#include "control/loop/loop.h"
#include "control/transport/framing.h"

namespace sekisho::control {

enum class Fragmentation : uint8_t {
  allowed,
  forbidden  // neither here nor on the way (DF), whatever the kernel believes of the path; too large for the link: lost
};

struct TransportCounters {
  uint64_t received = 0, sent = 0;  // IKE messages
  uint64_t keepalives_received = 0, keepalives_sent = 0;
  uint64_t esp = 0;  // ESP in UDP that the dataplane did not take: an SPI that nobody owns
  uint64_t malformed = 0;
  uint64_t send_failures = 0;
};

class UdpTransport {
 public:
  // The message of a datagram without the non-ESP marker; valid during the call.
  using Receiver = std::function<void(const Endpoint& local, const Endpoint& remote, ByteView message)>;

  // IPv6 sockets are left out where the kernel has no IPv6.
  static Result<std::unique_ptr<UdpTransport>> open(sd_event* loop, Receiver receiver);
  ~UdpTransport();

  // What has come already, of each socket up to 1024 datagrams: for who is about to judge that something has not come.
  void receive_waiting();
  // From a local address and port 500 or 4500; the marker is added here. Failures are counted: IKE sends again.
  void send(const Endpoint& local, const Endpoint& remote, ByteView message,
            Fragmentation fragmentation = Fragmentation::allowed);
  // Keeps a NAT's mapping alive (RFC 3948 section 4).
  void send_keepalive(const Endpoint& local, const Endpoint& remote);
  const TransportCounters& counters() const { return counters_; }

 private:
  struct Socket;
  struct Buffers;
  explicit UdpTransport(Receiver receiver);
  Result<void> add(sd_event* loop, Family family, uint16_t port);
  // How many datagrams.
  size_t receive(const Socket& socket);
  void deliver(const Socket& socket, const void* header, ByteView data);
  // 0, or errno.
  int transmit(const Endpoint& local, const Endpoint& remote, ByteView data,
               Fragmentation fragmentation = Fragmentation::allowed);

  Receiver receiver_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::unique_ptr<Buffers> buffers_;
  TransportCounters counters_;
};

}  // namespace sekisho::control
