#include "control/kernel/decode.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <span>

namespace sekisho::kernel {
namespace {

// Attribute types of all four kinds of message are small numbers; one table serves them all.
class Attributes {
 public:
  Attributes(const nlmsghdr& message, size_t header_size) {
    mnl_attr_parse(&message, static_cast<unsigned>(header_size), &Attributes::store, this);
  }
  Attributes(const void* payload, size_t size) { mnl_attr_parse_payload(payload, size, &Attributes::store, this); }

  std::optional<uint32_t> u32(unsigned type) const {
    const nlattr* attribute = table_[type];
    if (!attribute || mnl_attr_get_payload_len(attribute) != sizeof(uint32_t)) return {};
    return mnl_attr_get_u32(attribute);
  }
  ByteView bytes(unsigned type) const {
    const nlattr* attribute = table_[type];
    if (!attribute) return {};
    return {static_cast<const uint8_t*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute)};
  }
  std::optional<IpAddress> address(unsigned type) const { return IpAddress::from_bytes(bytes(type)); }
  std::optional<MacAddress> mac(unsigned type) const {
    const ByteView raw = bytes(type);
    MacAddress mac;
    if (raw.size() != mac.bytes.size()) return {};
    std::ranges::copy(raw, mac.bytes.begin());
    return mac;
  }

 private:
  static int store(const nlattr* attribute, void* self) {
    const unsigned type = mnl_attr_get_type(attribute);
    if (type < table_size) static_cast<Attributes*>(self)->table_[type] = attribute;
    return MNL_CB_OK;
  }
  static constexpr size_t table_size = 128;
  static_assert(table_size > IFLA_MAX && table_size > IFA_MAX && table_size > RTA_MAX && table_size > NDA_MAX);
  std::array<const nlattr*, table_size> table_{};
};

bool known_family(uint8_t family) { return family == AF_INET || family == AF_INET6; }
Family to_family(uint8_t family) { return family == AF_INET ? Family::ipv4 : Family::ipv6; }

template <typename Header>
const Header* header_of(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(Header)) return nullptr;
  return static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
}

std::optional<Link> decode_link(const nlmsghdr& message) {
  const auto* header = header_of<ifinfomsg>(message);
  if (!header || header->ifi_family != AF_UNSPEC) return {};
  const Attributes attributes(message, sizeof *header);
  Link link;
  link.index = header->ifi_index;
  link.up = header->ifi_flags & IFF_UP;
  const std::string_view name = as_text(attributes.bytes(IFLA_IFNAME));
  link.name = name.substr(0, name.find('\0'));
  link.mtu = attributes.u32(IFLA_MTU).value_or(0);
  link.mac = attributes.mac(IFLA_ADDRESS);
  return link;
}

std::optional<LinkAddress> decode_address(const nlmsghdr& message) {
  const auto* header = header_of<ifaddrmsg>(message);
  if (!header || !known_family(header->ifa_family)) return {};
  const Attributes attributes(message, sizeof *header);
  // On a point-to-point link IFA_ADDRESS is the peer's and IFA_LOCAL ours; IPv6 has IFA_ADDRESS alone.
  auto own = attributes.address(IFA_LOCAL);
  if (!own) own = attributes.address(IFA_ADDRESS);
  if (!own || own->family() != to_family(header->ifa_family)) return {};
  return LinkAddress{static_cast<int>(header->ifa_index), {*own, header->ifa_prefixlen}};
}

RouteType to_type(uint8_t type) {
  switch (type) {
    case RTN_UNICAST:
      return RouteType::unicast;
    case RTN_LOCAL:
    case RTN_ANYCAST:
      return RouteType::local;
    case RTN_BROADCAST:
      return RouteType::broadcast;
    case RTN_MULTICAST:
      return RouteType::multicast;
    case RTN_BLACKHOLE:
      return RouteType::blackhole;
    case RTN_UNREACHABLE:
    case RTN_PROHIBIT:
      return RouteType::unreachable;
    default:
      return RouteType::other;
  }
}

// RTA_VIA (RFC 5549: an IPv4 route by an IPv6 gateway) is a family and an address.
std::optional<IpAddress> gateway(const Attributes& attributes) {
  if (const auto plain = attributes.address(RTA_GATEWAY)) return plain;
  const ByteView via = attributes.bytes(RTA_VIA);
  if (via.size() <= sizeof(uint16_t)) return {};
  return IpAddress::from_bytes(via.subspan(sizeof(uint16_t)));
}

// Of a hop that the kernel puts something around the packet for (MPLS, segments, a tunnel's header) it is the kernel
// that knows the way.
bool encapsulates(const Attributes& attributes) { return !attributes.bytes(RTA_ENCAP_TYPE).empty(); }

// None where one of them encapsulates.
std::vector<Hop> multipath(ByteView payload) {
  std::vector<Hop> hops;
  while (payload.size() >= sizeof(rtnexthop)) {
    rtnexthop header;
    std::memcpy(&header, payload.data(), sizeof header);
    if (header.rtnh_len < sizeof header || header.rtnh_len > payload.size()) break;
    const Attributes attributes(payload.data() + sizeof header, header.rtnh_len - sizeof header);
    if (encapsulates(attributes)) return {};
    hops.push_back({header.rtnh_ifindex, gateway(attributes), uint32_t{header.rtnh_hops} + 1});
    payload = payload.subspan(std::min<size_t>(payload.size(), RTNH_ALIGN(header.rtnh_len)));
  }
  return hops;
}

std::optional<Route> decode_route(const nlmsghdr& message) {
  const auto* header = header_of<rtmsg>(message);
  if (!header || !known_family(header->rtm_family) || (header->rtm_flags & RTM_F_CLONED)) return {};
  // For packets from certain sources only: the dataplane looks at destinations.
  if (header->rtm_src_len != 0) return {};
  const Attributes attributes(message, sizeof *header);
  Route route;
  route.key.table = attributes.u32(RTA_TABLE).value_or(header->rtm_table);
  if (route.key.table != RT_TABLE_MAIN && route.key.table != RT_TABLE_LOCAL) return {};
  const IpAddress destination = attributes.address(RTA_DST).value_or(IpAddress::any(to_family(header->rtm_family)));
  if (destination.family() != to_family(header->rtm_family) || header->rtm_dst_len > destination.bits()) return {};
  route.key.prefix = Prefix(destination, header->rtm_dst_len);
  route.key.tos = header->rtm_tos;
  route.key.metric = attributes.u32(RTA_PRIORITY).value_or(0);
  route.type = to_type(header->rtm_type);
  route.protocol = header->rtm_protocol;
  route.next_hop_object = attributes.u32(RTA_NH_ID).value_or(0);
  if (const ByteView paths = attributes.bytes(RTA_MULTIPATH); !paths.empty())
    route.hops = multipath(paths);
  else if (const auto link = attributes.u32(RTA_OIF); link && !encapsulates(attributes))
    route.hops.push_back({static_cast<int>(*link), gateway(attributes)});
  return route;
}

std::optional<NextHopObject> decode_next_hop_object(const nlmsghdr& message) {
  const auto* header = header_of<nhmsg>(message);
  if (!header) return {};
  const auto id = Attributes(message, sizeof *header).u32(NHA_ID);
  return id ? std::optional(NextHopObject{*id}) : std::nullopt;
}

NeighbourState to_state(uint16_t state) {
  switch (state) {
    case NUD_INCOMPLETE:
      return NeighbourState::incomplete;
    case NUD_REACHABLE:
      return NeighbourState::reachable;
    case NUD_STALE:
      return NeighbourState::stale;
    case NUD_DELAY:
      return NeighbourState::delay;
    case NUD_PROBE:
      return NeighbourState::probe;
    case NUD_FAILED:
      return NeighbourState::failed;
    case NUD_NOARP:
      return NeighbourState::noarp;
    case NUD_PERMANENT:
      return NeighbourState::permanent;
    default:
      return NeighbourState::none;
  }
}

std::optional<Neighbour> decode_neighbour(const nlmsghdr& message) {
  const auto* header = header_of<ndmsg>(message);
  if (!header || !known_family(header->ndm_family) || (header->ndm_flags & NTF_PROXY)) return {};
  const Attributes attributes(message, sizeof *header);
  const auto address = attributes.address(NDA_DST);
  if (!address) return {};
  return Neighbour{{header->ndm_ifindex, *address}, to_state(header->ndm_state), attributes.mac(NDA_LLADDR)};
}

template <typename T>
std::optional<Change> change(const nlmsghdr& message, std::optional<T> object, uint16_t present_type) {
  if (!object) return {};
  return Change{message.nlmsg_type == present_type ? ChangeKind::present : ChangeKind::gone,
                (message.nlmsg_flags & NLM_F_REPLACE) != 0, std::move(*object)};
}

}  // namespace

std::optional<Change> decode(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return change(message, decode_link(message), RTM_NEWLINK);
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return change(message, decode_address(message), RTM_NEWADDR);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return change(message, decode_route(message), RTM_NEWROUTE);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return change(message, decode_neighbour(message), RTM_NEWNEIGH);
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
      return change(message, decode_next_hop_object(message), RTM_NEWNEXTHOP);
    default:
      return {};
  }
}

}  // namespace sekisho::kernel
