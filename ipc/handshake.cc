#include "ipc/handshake.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include "base/clock.h"
#include "base/messages/dataplane.h"
#include "base/messages/system.h"
#include "ipc/schema.h"

namespace sekisho::ipc {
namespace {

constexpr size_t max_descriptors = 3;
constexpr auto patience = std::chrono::seconds(1);
// The part of Hello that no version changes.
constexpr size_t version_known = offsetof(Hello, side);

union ControlBuffer {
  cmsghdr align;
  std::array<char, CMSG_SPACE(max_descriptors * sizeof(int))> bytes;
};

Result<void> send_hello(int socket, Side side, std::span<const int> descriptors) {
  Hello hello;
  hello.version = schema_version;
  hello.side = side;
  hello.descriptors = static_cast<uint8_t>(descriptors.size());
  iovec vector{&hello, sizeof hello};
  ControlBuffer control = {};
  msghdr message = {};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  // A fresh socket's buffer takes these few bytes without blocking.
  if (::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != static_cast<ssize_t>(sizeof hello))
    return fail(messages::channel_not_opened, std::string("sending the hello: ") + std::strerror(errno));
  return {};
}

// Takes every descriptor that came along, so that none leaks whatever is wrong with the message.
void collect(msghdr& message, std::vector<UniqueFd>& descriptors) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
}

Result<void> wait_readable(int socket, Instant deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - MonotonicClock::now());
    pollfd poll{socket, POLLIN, 0};
    const int ready = left.count() > 0 ? ::poll(&poll, 1, static_cast<int>(left.count())) : 0;
    if (ready > 0) return {};
    if (ready == 0) return fail(messages::channel_not_opened, "no hello came");
    if (errno != EINTR) return fail(messages::system_call_failed, std::string("poll: ") + std::strerror(errno));
  }
}

Result<void> check_magic_and_version(const Hello& hello) {
  if (hello.magic != Hello::hello_magic) return fail(messages::channel_peer_violation, "its hello is none");
  if (hello.version != schema_version)
    return fail(messages::channel_version_differs,
                "ours is " + std::to_string(schema_version) + ", the peer's " + std::to_string(hello.version));
  return {};
}

Result<Hello> receive_hello(int socket, std::vector<UniqueFd>& descriptors) {
  const Instant deadline = MonotonicClock::now() + patience;
  Hello hello;
  size_t have = 0;
  while (have < sizeof hello) {
    if (auto ready = wait_readable(socket, deadline); !ready) return std::unexpected(ready.error());
    iovec vector{reinterpret_cast<uint8_t*>(&hello) + have, sizeof hello - have};
    ControlBuffer control = {};
    msghdr message = {};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail(messages::channel_not_opened, std::string("reading the hello: ") + std::strerror(errno));
    collect(message, descriptors);
    if (got == 0) return fail(messages::channel_not_opened, "the peer closed the connection");
    if ((message.msg_flags & MSG_CTRUNC) || descriptors.size() > max_descriptors)
      return fail(messages::channel_peer_violation, "it passed too many descriptors");
    have += static_cast<size_t>(got);
    if (have < version_known) continue;
    if (auto checked = check_magic_and_version(hello); !checked) return std::unexpected(checked.error());
  }
  return hello;
}

}  // namespace

Result<PeerDescriptors> shake_hands(int socket, Side side, std::span<const int> descriptors) {
  if (auto sent = send_hello(socket, side, descriptors); !sent) return std::unexpected(sent.error());
  std::vector<UniqueFd> received;
  const auto hello = receive_hello(socket, received);
  if (!hello) return std::unexpected(hello.error());
  const Side other = side == Side::control ? Side::dataplane : Side::control;
  if (hello->side != other) return fail(messages::channel_peer_violation, "it claims to be what we are");
  const size_t due = other == Side::dataplane ? 3 : 2;
  if (hello->descriptors != due || received.size() != due)
    return fail(messages::channel_peer_violation, "it passed " + std::to_string(received.size()) +
                                                      " descriptors where " + std::to_string(due) + " are due");
  PeerDescriptors peer;
  peer.outbox = std::move(received[0]);
  peer.doorbell = std::move(received[1]);
  if (due == 3) peer.counters = std::move(received[2]);
  return peer;
}

}  // namespace sekisho::ipc
