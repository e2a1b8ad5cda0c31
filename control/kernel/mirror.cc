#include "control/kernel/mirror.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/messages/system.h"
#include "control/kernel/apply.h"
#include "control/kernel/decode.h"

namespace sekisho::kernel {
namespace {

constexpr unsigned max_datagrams_per_turn = 256;
constexpr int receive_buffer = 64 << 20;  // a full routing table may change at once; taken only while it does
constexpr unsigned dump_attempts = 20;

}  // namespace

Result<std::unique_ptr<Mirror>> Mirror::open(UniqueFd monitor_socket, UniqueFd request_socket) {
  constexpr std::array<unsigned, 7> groups = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                              RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_NEIGH,
                                              RTNLGRP_NEXTHOP};
  auto monitor = open_netlink(groups, std::move(monitor_socket));
  if (!monitor) return std::unexpected(monitor.error());
  const int fd = mnl_socket_get_fd(monitor->get());
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) < 0)
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  auto requests = Netlink::open(std::move(request_socket));
  if (!requests) return std::unexpected(requests.error());
  std::unique_ptr<Mirror> mirror(new Mirror(std::move(*monitor), std::move(*requests)));
  if (auto read = mirror->read_all(); !read) return std::unexpected(read.error());
  return mirror;
}

int Mirror::fd() const { return mnl_socket_get_fd(monitor_.get()); }

void Mirror::take(const nlmsghdr& message, Update& update) {
  const auto change = decode(message);
  if (!change) return;
  const Effect effect = apply(state_, *change);
  update.changed |= effect.changed;
  routes_suspect_ |= effect.routes_suspect;
  if (effect.turned_stale) update.turned_stale.push_back(*effect.turned_stale);
}

bool Mirror::receive(std::vector<char>& buffer, Update& update) {
  const ssize_t size = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && errno == ENOBUFS) {
    lost_ = true;
    return false;
  }
  if (size < 0) return errno != EINTR;
  int left = static_cast<int>(size);
  for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left);
       message = mnl_nlmsg_next(message, &left))
    take(*message, update);
  return false;
}

Result<Mirror::Update> Mirror::process() {
  Update update;
  std::vector<char> buffer(65536);
  drained_ = false;
  for (unsigned i = 0; i < max_datagrams_per_turn && !drained_; ++i) drained_ = receive(buffer, update);
  // Once it has lost some, the kernel tells nothing more until all it has told was received.
  if (lost_ && !drained_) return update;
  if (!lost_ && !routes_suspect_) return update;
  update.changed = true;
  const auto read = lost_ ? read_all() : read_routes();
  if (!read) return std::unexpected(read.error());
  return update;
}

// A dump that changes overtook may be inconsistent; it is begun again.
Result<void> Mirror::dump(State& into, uint16_t type, uint8_t family) {
  for (unsigned i = 0; i < dump_attempts; ++i) {
    State part;
    const auto complete = requests_.dump(type, family, [&part](const nlmsghdr& message) {
      if (const auto change = decode(message)) apply(part, *change);
    });
    if (!complete) return std::unexpected(complete.error());
    if (!*complete) continue;
    into.links.merge(part.links);
    into.addresses.merge(part.addresses);
    into.routes.merge(part.routes);
    for (const auto& [id, uses] : part.next_hop_objects) into.next_hop_objects[id] += uses;
    into.neighbours.merge(part.neighbours);
    return {};
  }
  return fail(messages::system_call_failed, "the kernel's tables change faster than they can be read");
}

Result<void> Mirror::read_all() {
  constexpr std::array<std::pair<uint16_t, uint8_t>, 7> parts = {{{RTM_GETLINK, AF_UNSPEC},
                                                                  {RTM_GETADDR, AF_INET},
                                                                  {RTM_GETADDR, AF_INET6},
                                                                  {RTM_GETROUTE, AF_INET},
                                                                  {RTM_GETROUTE, AF_INET6},
                                                                  {RTM_GETNEIGH, AF_INET},
                                                                  {RTM_GETNEIGH, AF_INET6}}};
  State fresh;
  for (const auto& [type, family] : parts)
    if (auto read = dump(fresh, type, family); !read) return read;
  state_ = std::move(fresh);
  lost_ = routes_suspect_ = false;
  return {};
}

Result<void> Mirror::read_routes() {
  State fresh;
  for (const uint8_t family : {AF_INET, AF_INET6})
    if (auto read = dump(fresh, RTM_GETROUTE, family); !read) return read;
  state_.routes = std::move(fresh.routes);
  state_.next_hop_objects = std::move(fresh.next_hop_objects);
  routes_suspect_ = false;
  return {};
}

}  // namespace sekisho::kernel
