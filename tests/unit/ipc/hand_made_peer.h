// A peer made by hand, with every freedom that a hostile process has: it owns its outbox and writes there what it
// likes.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <utility>
#include <vector>

#include "ipc/channel.h"

namespace sekisho::ipc {

inline std::pair<UniqueFd, UniqueFd> socket_pair() {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  return {UniqueFd(pair[0]), UniqueFd(pair[1])};
}

inline void send_with_descriptors(int socket, const void* data, size_t size, const std::vector<int>& descriptors) {
  iovec vector{const_cast<void*>(data), size};
  alignas(cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
  }
  REQUIRE(::sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
}

// A memfd with chosen seals; nothing else is right about it.
inline UniqueFd memfd(size_t size, int seals) {
  UniqueFd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(size)) == 0);
  if (seals) REQUIRE(::fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
  return fd;
}

class HandMadePeer {
 public:
  // Sends a correct hello at once, so that the other side need not wait.
  HandMadePeer(UniqueFd socket, Side side) : socket_(std::move(socket)) {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    doorbell_.reset(pair[0]);
    const UniqueFd for_other(pair[1]);
    Hello hello;
    hello.version = schema_version;
    hello.side = side;
    std::vector<int> descriptors = {own_.fd(), for_other.get()};
    if (side == Side::dataplane) descriptors.push_back(counters_.fd());
    hello.descriptors = static_cast<uint8_t>(descriptors.size());
    send_with_descriptors(socket_.get(), &hello, sizeof hello, descriptors);
  }
  // Takes the other's hello, once it was sent.
  bool accept() {
    Hello hello;
    iovec vector{&hello, sizeof hello};
    alignas(cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {};
    msghdr message = {};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC) != static_cast<ssize_t>(sizeof hello)) return false;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (!header) return false;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::vector<int> descriptors(count);
    std::memcpy(descriptors.data(), CMSG_DATA(header), count * sizeof(int));
    for (size_t i = 1; i < count; ++i) passed_.emplace_back(descriptors[i]);
    auto adopted = SealedMemory::adopt(UniqueFd(descriptors[0]), sizeof(Outbox));
    if (!adopted) return false;
    other_ = std::move(*adopted);
    return true;
  }

  Outbox& own() { return *static_cast<Outbox*>(own_.writable()); }
  const SealedMemory& other() const { return other_; }

 private:
  UniqueFd socket_;
  UniqueFd doorbell_;
  SealedMemory own_ = std::move(*SealedMemory::create("hand-made", sizeof(Outbox)));
  CounterMemory counters_ = std::move(*CounterMemory::create());
  SealedMemory other_;
  std::vector<UniqueFd> passed_;
};

}  // namespace sekisho::ipc
