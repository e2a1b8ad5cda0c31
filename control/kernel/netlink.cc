#include "control/kernel/netlink.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/messages/system.h"

namespace sekisho::kernel {
namespace {

constexpr size_t request_size = 4096;
constexpr size_t answer_size = 65536;  // the kernel fills a dump's messages up to 32 KiB

std::unexpected<Error> system_error(const char* what) {
  return fail(messages::system_call_failed, std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

void CloseNetlink::operator()(mnl_socket* socket) const { mnl_socket_close(socket); }

Result<NetlinkHandle> open_netlink(std::span<const unsigned> groups, UniqueFd given) {
  const bool bound = static_cast<bool>(given);
  NetlinkHandle socket(bound ? mnl_socket_fdopen(given.get()) : mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!socket) return system_error("netlink socket");
  given.release();
  if (!bound && mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0)
    return system_error("bind of a netlink socket");
  for (unsigned group : groups)
    if (mnl_socket_setsockopt(socket.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
      return system_error("netlink group");
  return socket;
}

Request::Request(uint16_t type, uint16_t flags) : buffer_(std::make_unique<char[]>(request_size)) {
  message_ = mnl_nlmsg_put_header(buffer_.get());
  message_->nlmsg_type = type;
  message_->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
}

void* Request::extra_header(size_t size) { return mnl_nlmsg_put_extra_header(message_, size); }

Result<Netlink> Netlink::open(UniqueFd given) {
  auto socket = open_netlink({}, std::move(given));
  if (!socket) return std::unexpected(socket.error());
  return Netlink(std::move(*socket));
}

Result<int> Netlink::transact(nlmsghdr& message, const std::function<void(const nlmsghdr&)>& each, bool& interrupted) {
  message.nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), &message, message.nlmsg_len) < 0) return system_error("netlink request");
  std::vector<char> buffer(answer_size);
  for (;;) {
    const ssize_t size = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return system_error("netlink answer");
    int left = static_cast<int>(size);
    for (const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(answer, left);
         answer = mnl_nlmsg_next(answer, &left)) {
      if (answer->nlmsg_seq != sequence_) continue;
      if (answer->nlmsg_flags & NLM_F_DUMP_INTR) interrupted = true;
      if (answer->nlmsg_type == NLMSG_DONE) return 0;
      if (answer->nlmsg_type == NLMSG_ERROR) return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(answer))->error;
      each(*answer);
    }
  }
}

Result<int> Netlink::change(Request& request) {
  bool interrupted = false;
  return transact(
      request.message(), [](const nlmsghdr&) {}, interrupted);
}

Result<bool> Netlink::dump(uint16_t type, uint8_t family, const std::function<void(const nlmsghdr&)>& each) {
  Request request(type, NLM_F_DUMP);
  switch (type) {
    case RTM_GETLINK:
      request.header<ifinfomsg>().ifi_family = family;
      break;
    case RTM_GETADDR:
      request.header<ifaddrmsg>().ifa_family = family;
      break;
    case RTM_GETNEIGH:
      request.header<ndmsg>().ndm_family = family;
      break;
    default:
      request.header<rtmsg>().rtm_family = family;
  }
  request.message().nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_DUMP);
  bool interrupted = false;
  const auto status = transact(request.message(), each, interrupted);
  if (!status) return std::unexpected(status.error());
  if (*status != 0) {
    errno = *status;
    return system_error("netlink dump");
  }
  return !interrupted;
}

}  // namespace sekisho::kernel
