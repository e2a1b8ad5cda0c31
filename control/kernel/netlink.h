// An rtnetlink socket for requests: a change that the kernel acknowledges, or a dump. Both block only as long as the
// kernel works on them.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/message.h"
#include "base/unique_fd.h"

struct mnl_socket;
struct nlmsghdr;

namespace sekisho::kernel {

struct CloseNetlink {
  void operator()(mnl_socket* socket) const;
};
using NetlinkHandle = std::unique_ptr<mnl_socket, CloseNetlink>;

// By which another network namespace is worked in: a descriptor of it, and bound netlink sockets that were opened
// there.
struct NamespaceSockets {
  UniqueFd space, monitor, requests, changes;
};

// A bound socket; member of the multicast groups RTNLGRP_*. Taken over, where one is given.
Result<NetlinkHandle> open_netlink(std::span<const unsigned> groups, UniqueFd given = {});

// A request under construction, in a buffer of its own.
class Request {
 public:
  // flags beside NLM_F_REQUEST and NLM_F_ACK.
  Request(uint16_t type, uint16_t flags);
  // Puts the family's header (rtmsg, ifaddrmsg, ...) in place; attributes follow it.
  template <typename Header>
  Header& header() {
    return *static_cast<Header*>(extra_header(sizeof(Header)));
  }
  nlmsghdr& message() { return *message_; }

 private:
  void* extra_header(size_t size);
  std::unique_ptr<char[]> buffer_;
  nlmsghdr* message_;
};

class Netlink {
 public:
  static Result<Netlink> open(UniqueFd given = {});

  // 0, or the errno that the kernel answered with.
  Result<int> change(Request& request);
  // Calls `each` for every message of the answer. False where the dump was overtaken by a change and is to be repeated.
  Result<bool> dump(uint16_t type, uint8_t family, const std::function<void(const nlmsghdr&)>& each);

 private:
  explicit Netlink(NetlinkHandle socket) : socket_(std::move(socket)) {}
  Result<int> transact(nlmsghdr& message, const std::function<void(const nlmsghdr&)>& each, bool& interrupted);

  NetlinkHandle socket_;
  uint32_t sequence_ = 0;
};

}  // namespace sekisho::kernel
