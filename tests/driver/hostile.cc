// hostile-control SOCKET MESSAGES SEED: a control gone wrong. It sends so many messages of random type, length and
// content, in and out of transactions, and connects again whenever it is thrown out. Between, it connects without
// introducing itself properly. It succeeds when the dataplane has taken all of it and still answers a sound
// transaction.
//
// What it sends is meant to be refused. The few commands that happen to be sound must not take away what a test
// forwards through, so ids of ports and tunnels are kept high, and nothing replaces all routes.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <random>

#include "tests/driver/driver.h"

namespace sekisho {
namespace {

using Rng = std::mt19937_64;

template <size_t Size>
struct Garbage {
  static inline uint16_t type = 0;
  std::array<uint8_t, Size> bytes;
};

class Hostile {
 public:
  Hostile(std::string path, uint64_t seed) : path_(std::move(path)), rng_(seed) {}

  // False where the dataplane is not to be reached at all.
  bool run(unsigned messages) {
    while (sent_ < messages) {
      if (below(8) == 0) rude_greeting();
      auto channel = driver::connect(path_);
      if (!channel) {
        if (++unreachable_ > 50) return false;
        poll(nullptr, 0, 20);  // the old session is being ended
        continue;
      }
      unreachable_ = 0;
      ++sessions_;
      abuse(**channel, messages);
    }
    std::cout << sent_ << " messages in " << sessions_ << " sessions\n";
    return true;
  }

 private:
  uint64_t below(uint64_t bound) { return rng_() % bound; }

  template <typename T>
  T random() {
    T value;
    // Small numbers get further than large ones.
    const uint64_t mask = below(2) ? 0xff : below(2) ? 0x03 : 0x00;
    std::array<uint8_t, sizeof(T)> bytes;
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng_() & mask);
    std::memcpy(static_cast<void*>(&value), bytes.data(), sizeof value);
    return value;
  }

  template <typename T>
  bool send(ipc::Channel& channel, const T& message) {
    ++sent_;
    return channel.send(message);
  }

  template <size_t Size>
  bool send_garbage(ipc::Channel& channel) {
    auto garbage = random<Garbage<Size>>();
    Garbage<Size>::type = static_cast<uint16_t>(below(4) ? below(16) : rng_());
    return send(channel, garbage);
  }

  bool send_begin(ipc::Channel& channel) {
    open_ = ipc::TransactionId(static_cast<uint32_t>(rng_()));
    return send(channel, ipc::TransactionBegin{.id = open_, .replace_routes = static_cast<uint8_t>(below(64) ? 0 : 2)});
  }

  // One that the dataplane is likely to have.
  ipc::NextHopId any_known() { return ipc::NextHopId(static_cast<uint16_t>(below(4))); }

  bool send_command(ipc::Channel& channel) {
    switch (below(11)) {
      case 0: {
        auto set = random<ipc::PortSet>();
        set.id = ipc::PortId(static_cast<uint16_t>(16 + below(32)));
        return send(channel, set);
      }
      case 1:
        return send(channel, ipc::PortRemove{.id = ipc::PortId(static_cast<uint16_t>(16 + below(32)))});
      case 2: {
        auto set = random<ipc::TunnelSet>();
        set.id = ipc::TunnelId(static_cast<uint16_t>(64 + below(20000)));
        return send(channel, set);
      }
      case 3:
        return send(channel, ipc::TunnelRemove{.id = ipc::TunnelId(static_cast<uint16_t>(64 + below(20000)))});
      case 4:
        return send(channel, ipc::SaRemove{.id = ipc::SaId(static_cast<uint32_t>(64 + below(40000)))});
      case 5:
        return send(channel, random<ipc::SaAdd>());
      case 6:
        return send(channel, random<ipc::NextHopSet>());
      case 7:
        return send(channel, random<ipc::RouteSet>());
      case 8:
        return send(channel, random<ipc::SaMove>());
      case 9: {
        auto set = random<ipc::NextHopGroupSet>();
        set.id = ipc::group_id(static_cast<uint16_t>(below(ipc::max_next_hop_groups + 2)));
        if (below(2))
          for (ipc::NextHopId& member : set.buckets) member = any_known();
        return send(channel, set);
      }
      default:
        return send(channel, random<ipc::RouteRemove>());
    }
  }

  // Until it is thrown out, or leaves.
  void abuse(ipc::Channel& channel, unsigned messages) {
    ipc::ReceivedMessage message;
    while (sent_ < messages) {
      bool room = true;
      switch (below(400)) {
        case 0:
          room = send_garbage<1>(channel);
          break;
        case 1:
          room = send_garbage<24>(channel);
          break;
        case 2:
          room = send_garbage<sizeof(ipc::SaAdd)>(channel);
          break;
        case 3:
          room = send(channel, ipc::TransactionCommit{.id = ipc::TransactionId(1)});
          break;
        case 4:
          room = send_begin(channel);
          break;
        case 5:
          return;
        default:
          room = transaction(channel);
          break;
      }
      channel.flush();
      // A full ring is waited for now and then only: the rest is a flood.
      const auto got = driver::receive(channel, message, std::chrono::milliseconds(room || below(4) ? 0 : 5));
      if (!got) return;
    }
  }

  bool transaction(ipc::Channel& channel) {
    bool room = send_begin(channel);
    for (uint64_t i = below(6); i > 0 && room; --i) room = send_command(channel);
    while (!send(channel, ipc::TransactionCommit{.id = open_})) {
      pollfd fds[2] = {{channel.wake_fd(), POLLIN, 0}, {channel.socket_fd(), POLLIN | POLLRDHUP, 0}};
      channel.flush();
      poll(fds, 2, 100);
      if (fds[1].revents != 0) return false;
      channel.drain();
    }
    return room;
  }

  // Bytes that are no greeting, or none at all.
  void rude_greeting() {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
    const auto bytes = random<std::array<uint8_t, 64>>();
    if (below(2)) static_cast<void>(::send(socket.get(), bytes.data(), 1 + below(bytes.size()), MSG_NOSIGNAL));
  }

  std::string path_;
  Rng rng_;
  ipc::TransactionId open_;
  unsigned sent_ = 0, sessions_ = 0, unreachable_ = 0;
};

bool answers(const std::string& path) {
  for (int tries = 0; tries < 50; ++tries) {
    if (auto channel = driver::connect(path)) {
      const auto result = driver::transact(**channel, 1, false, "", [](const auto&) {});
      return result && result->status == ipc::TransactionStatus::applied;
    }
    poll(nullptr, 0, 20);
  }
  return false;
}

}  // namespace
}  // namespace sekisho

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "hostile-control SOCKET MESSAGES SEED\n";
    return 2;
  }
  const std::string path = argv[1];
  sekisho::Hostile hostile(path, std::strtoull(argv[3], nullptr, 10));
  if (!hostile.run(static_cast<unsigned>(std::atoi(argv[2])))) {
    std::cerr << "the dataplane is gone\n";
    return 1;
  }
  if (!sekisho::answers(path)) {
    std::cerr << "the dataplane no longer answers\n";
    return 1;
  }
  return 0;
}
