#include "tests/bench/ike/memory.h"

#include <malloc.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace sekisho::bench {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// A socket pair's end. What is sent together is one message, or several where it travels in fragments: how many, then
// each: the receiver's endpoint, the sender's, and what was sent.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  Wire(const Wire&) = delete;
  ~Wire() { ::close(fd_); }

  void send(const Datagrams& datagrams) {
    write(Bytes{static_cast<uint8_t>(datagrams.size())});
    for (const ike::DatagramReceived& datagram : datagrams) {
      ByteWriter writer;
      for (const Endpoint& end : {datagram.local, datagram.remote}) {
        writer.bytes(end.address.bytes());  // IPv4
        writer.u16(end.port);
      }
      writer.bytes(datagram.data);
      write(writer.view());
    }
  }
  Datagrams receive() {
    Datagrams datagrams(read().at(0));
    for (ike::DatagramReceived& datagram : datagrams) {
      const Bytes message = read();
      ByteReader reader(message);
      for (Endpoint* end : {&datagram.local, &datagram.remote}) {
        end->address = IpAddress::from_bytes(reader.bytes(4)).value();
        end->port = reader.u16();
      }
      const ByteView data = reader.rest();
      datagram.data.assign(data.begin(), data.end());
    }
    return datagrams;
  }

 private:
  void write(ByteView message) {
    require(::send(fd_, message.data(), message.size(), 0) == static_cast<ssize_t>(message.size()), "send");
  }
  Bytes read() {
    Bytes message(4096);
    const ssize_t size = ::recv(fd_, message.data(), message.size(), 0);
    require(size > 0, "the other process is gone");
    message.resize(static_cast<size_t>(size));
    return message;
  }
  int fd_;
};

// How far every peer goes.
enum class Until : uint8_t { half_open, established };
unsigned requests(Until until) { return until == Until::half_open ? 1 : 2; }

void play_peers(Wire& wire, std::vector<ike::Connection> connections, Until until) {
  Party peers(std::move(connections), {});
  for (ike::DatagramReceived& request : peers.initiate()) {
    wire.send({std::move(request)});
    Datagrams answers = wire.receive();
    if (until == Until::half_open) continue;
    wire.send(peers.take(std::move(answers)));
    wire.receive();
  }
}

void answer(Wire& wire, Party& gateway) { wire.send(gateway.take(wire.receive())); }

size_t anonymous_bytes() {
  ::malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  size_t total = 0, resident = 0, of_files = 0;
  statm >> total >> resident >> of_files;
  return (resident - of_files) * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

[[noreturn]] void be_the_peers(int fd, std::vector<ike::Connection> connections, Until until) {
  try {
    Wire wire(fd);
    play_peers(wire, std::move(connections), until);
    std::_Exit(0);
  } catch (const std::exception&) {
    std::_Exit(1);
  }
}

size_t growth(const Suite& suite, unsigned peers, Until until) {
  constexpr unsigned warming_up = 100;
  Connections connections = connect(suite, warming_up + peers);
  std::array<int, 2> ends{};
  require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0, "socketpair");
  const pid_t child = ::fork();
  require(child >= 0, "fork");
  if (child == 0) {
    ::close(ends[0]);
    be_the_peers(ends[1], std::move(connections.of_peers), until);
  }
  ::close(ends[1]);
  Wire wire(ends[0]);
  // Half-open SAs of all peers at once are not an attack here.
  Party gateway(std::move(connections.of_gateway),
                {.cookie_threshold = warming_up + peers + 1, .max_half_open = warming_up + peers + 1});
  for (unsigned i = 0; i < requests(until) * warming_up; ++i) answer(wire, gateway);
  const size_t before = anonymous_bytes();
  for (unsigned i = 0; i < requests(until) * peers; ++i) answer(wire, gateway);
  const size_t after = anonymous_bytes();
  int status = 0;
  ::waitpid(child, &status, 0);
  const size_t expected = until == Until::established ? warming_up + peers : 0;
  require(status == 0 && gateway.child_sas() == expected, "not every peer came so far");
  return (after - before) / peers;
}

}  // namespace

Weight measure_weight(const Suite& suite, unsigned peers) {
  return {growth(suite, peers, Until::half_open), growth(suite, peers, Until::established)};
}

}  // namespace sekisho::bench
