#include "control/kernel/configurator.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/messages/routing.h"

namespace sekisho::kernel {
namespace {

uint8_t af(Family family) { return family == Family::ipv4 ? AF_INET : AF_INET6; }

void put_address(nlmsghdr& message, uint16_t type, const IpAddress& address) {
  mnl_attr_put(&message, type, address.size(), address.bytes().data());
}

Request address_request(uint16_t type, uint16_t flags, int link, const InterfaceAddress& address) {
  Request request(type, flags);
  auto& header = request.header<ifaddrmsg>();
  header.ifa_family = af(address.address.family());
  header.ifa_prefixlen = address.length;
  header.ifa_index = static_cast<uint32_t>(link);
  put_address(request.message(), IFA_LOCAL, address.address);
  put_address(request.message(), IFA_ADDRESS, address.address);
  return request;
}

Request link_request(int link) {
  Request request(RTM_NEWLINK, 0);
  auto& header = request.header<ifinfomsg>();
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = link;
  return request;
}

// RTA_MULTIPATH (rtnetlink(7)): for each way a header, whose length covers the attributes behind it.
void put_ways(nlmsghdr& message, const std::vector<Hop>& ways) {
  nlattr* const all = mnl_attr_nest_start(&message, RTA_MULTIPATH);
  for (const Hop& way : ways) {
    auto* const header = static_cast<char*>(mnl_nlmsg_get_payload_tail(&message));
    message.nlmsg_len += MNL_ALIGN(sizeof(rtnexthop));
    if (way.via) put_address(message, RTA_GATEWAY, *way.via);
    const auto length = static_cast<char*>(mnl_nlmsg_get_payload_tail(&message)) - header;
    const rtnexthop hop{.rtnh_len = static_cast<uint16_t>(length),
                        .rtnh_flags = 0,
                        .rtnh_hops = static_cast<uint8_t>(way.weight - 1),
                        .rtnh_ifindex = way.link};
    std::memcpy(header, &hop, sizeof hop);
  }
  mnl_attr_nest_end(&message, all);
}

Request route_request(uint16_t type, uint16_t flags, const RouteSpec& route) {
  Request request(type, flags);
  auto& header = request.header<rtmsg>();
  header.rtm_family = af(route.prefix.family());
  header.rtm_dst_len = static_cast<uint8_t>(route.prefix.length());
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = own_protocol;
  header.rtm_type = route.blackhole ? RTN_BLACKHOLE : RTN_UNICAST;
  // IPv6 knows no scopes and ignores the field; IPv4 wants a gateway to be behind a link-scope route.
  header.rtm_scope = !route.via && !route.blackhole ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  nlmsghdr& message = request.message();
  put_address(message, RTA_DST, route.prefix.address());
  if (route.metric) mnl_attr_put_u32(&message, RTA_PRIORITY, route.metric);
  if (route.via) put_address(message, RTA_GATEWAY, *route.via);
  if (!route.blackhole && route.link) mnl_attr_put_u32(&message, RTA_OIF, static_cast<uint32_t>(route.link));
  if (!route.ways.empty()) put_ways(message, route.ways);
  return request;
}

std::string text(const RouteSpec& route) {
  if (!route.ways.empty()) return route.prefix.text() + " by " + std::to_string(route.ways.size()) + " ways";
  return route.prefix.text() + (route.blackhole ? " blackhole" : "") + (route.via ? " via " + route.via->text() : "");
}

}  // namespace

Result<Configurator> Configurator::open(UniqueFd given) {
  auto netlink = Netlink::open(std::move(given));
  if (!netlink) return std::unexpected(netlink.error());
  return Configurator(std::move(*netlink));
}

Result<void> Configurator::carry_out(Request& request, int tolerated, std::string_view what) {
  const auto status = netlink_.change(request);
  if (!status) return std::unexpected(status.error());
  if (*status == 0 || *status == tolerated) return {};
  return fail(messages::netlink_failed, std::string(what) + ": " + std::strerror(*status));
}

Result<void> Configurator::add_address(int link, const InterfaceAddress& address) {
  Request request = address_request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, link, address);
  // No duplicate address detection: the address is to serve at once, as IKE binds to it and peers expect it.
  mnl_attr_put_u32(&request.message(), IFA_FLAGS, IFA_F_NODAD);
  return carry_out(request, EEXIST, "address " + address.text());
}

Result<void> Configurator::remove_address(int link, const InterfaceAddress& address) {
  Request request = address_request(RTM_DELADDR, 0, link, address);
  return carry_out(request, EADDRNOTAVAIL, "removal of address " + address.text());
}

Result<void> Configurator::set_up(int link, bool up) {
  Request request(RTM_NEWLINK, 0);
  auto& header = request.header<ifinfomsg>();
  header.ifi_index = link;
  header.ifi_flags = up ? IFF_UP : 0;
  header.ifi_change = IFF_UP;
  return carry_out(request, up ? 0 : ENODEV, up ? "link up" : "link down");
}

Result<void> Configurator::set_mtu(int link, uint32_t mtu) {
  Request request = link_request(link);
  mnl_attr_put_u32(&request.message(), IFLA_MTU, mtu);
  return carry_out(request, 0, "MTU " + std::to_string(mtu));
}

Result<void> Configurator::move(int link, int space, const std::string& what) {
  Request request = link_request(link);
  mnl_attr_put_u32(&request.message(), IFLA_NET_NS_FD, static_cast<uint32_t>(space));
  return carry_out(request, 0, "move of " + what);
}

Result<void> Configurator::set_route(const RouteSpec& route) {
  Request request = route_request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
  return carry_out(request, EEXIST, "route " + text(route));
}

Result<void> Configurator::remove_route(const RouteSpec& route) {
  Request request = route_request(RTM_DELROUTE, 0, route);
  return carry_out(request, ESRCH, "removal of route " + text(route));
}

Result<void> Configurator::probe(const NeighbourKey& neighbour) {
  Request request(RTM_NEWNEIGH, NLM_F_CREATE);
  auto& header = request.header<ndmsg>();
  header.ndm_family = af(neighbour.address.family());
  header.ndm_ifindex = neighbour.link;
  header.ndm_flags = NTF_USE;
  put_address(request.message(), NDA_DST, neighbour.address);
  return carry_out(request, 0, "probe of neighbour " + neighbour.address.text());
}

}  // namespace sekisho::kernel
