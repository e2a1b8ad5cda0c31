// The mirror and the configurator against a real kernel, in a network namespace that this process alone is in.
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "base/unique_fd.h"
#include "control/kernel/apply.h"
#include "control/kernel/configurator.h"
#include "control/kernel/decode.h"
#include "control/kernel/mirror.h"

using namespace sekisho;
using namespace sekisho::kernel;

namespace {

// A TAP or TUN that lives as long as its descriptor.
UniqueFd make_twin(const char* name, short kind) {
  UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request = {};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = static_cast<short>(kind | IFF_NO_PI);
  REQUIRE(::ioctl(fd.get(), TUNSETIFF, &request) == 0);
  return fd;
}

// Waits for an ARP request on the TAP and answers it (RFC 826): the reply is the request, turned around.
void answer_arp(int tap, const MacAddress& mac) {
  std::array<uint8_t, 1600> frame;
  for (;;) {
    pollfd poll{tap, POLLIN, 0};
    REQUIRE(::poll(&poll, 1, 5000) == 1);
    const ssize_t size = ::read(tap, frame.data(), frame.size());
    if (size < 42 || frame[12] != 0x08 || frame[13] != 0x06 || frame[21] != 1) continue;
    std::array<uint8_t, 42> reply;
    std::copy_n(frame.begin(), reply.size(), reply.begin());
    std::copy_n(&frame[6], 6, &reply[0]);  // to who asked
    std::copy_n(mac.bytes.begin(), 6, &reply[6]);
    reply[21] = 2;
    std::copy_n(mac.bytes.begin(), 6, &reply[22]);
    std::copy_n(&frame[38], 4, &reply[28]);  // the address that was asked for
    std::copy_n(&frame[22], 10, &reply[32]);
    REQUIRE(::write(tap, reply.data(), reply.size()) == static_cast<ssize_t>(reply.size()));
    return;
  }
}

struct Namespace {
  Namespace() { REQUIRE(::unshare(CLONE_NEWNET) == 0); }
};

// The namespace comes first: everything else is opened in it.
struct Lab : Namespace {
  UniqueFd wan = make_twin("wan", IFF_TAP);
  UniqueFd vti = make_twin("vti0", IFF_TUN);
  Configurator configurator = std::move(*Configurator::open());
  std::unique_ptr<Mirror> mirror = std::move(*Mirror::open());

  const State& state() const { return mirror->state(); }
  int link(std::string_view name) const { return state().find_link(name)->index; }
  // Takes in events until the state is as wished; the kernel's notifications arrive by themselves.
  bool becomes(const std::function<bool()>& condition) {
    while (!condition()) {
      pollfd poll{mirror->fd(), POLLIN, 0};
      if (::poll(&poll, 1, 5000) != 1) return false;
      REQUIRE(mirror->process());
    }
    return true;
  }
  const Route* main_route(const char* prefix, uint32_t metric) const {
    const auto found = state().routes.find({RT_TABLE_MAIN, *Prefix::parse(prefix), 0, metric});
    return found == state().routes.end() ? nullptr : &found->second.front();
  }
};

}  // namespace

TEST_CASE("addresses, links and routes are made, seen, and gone again") {
  Lab lab;
  const int wan = lab.link("wan");
  const int vti = lab.link("vti0");
  const InterfaceAddress address = *InterfaceAddress::parse("10.9.1.1/24");
  const InterfaceAddress address6 = *InterfaceAddress::parse("2001:db8::1/64");

  REQUIRE(lab.configurator.add_address(wan, address));
  REQUIRE(lab.configurator.add_address(wan, address));  // is there already
  REQUIRE(lab.configurator.add_address(wan, address6));
  REQUIRE(lab.configurator.set_mtu(wan, 1400));
  REQUIRE(lab.configurator.set_up(wan, true));
  REQUIRE(lab.configurator.set_up(vti, true));
  REQUIRE(lab.becomes([&] {
    const Link& link = lab.state().links.at(wan);
    return link.up && link.mtu == 1400 && link.mac && lab.state().addresses.contains({wan, address}) &&
           lab.state().addresses.contains({wan, address6});
  }));

  const RouteSpec by_gateway{
      .prefix = *Prefix::parse("10.5.0.0/16"), .link = 0, .via = *IpAddress::parse("10.9.1.254")};
  const RouteSpec by_tunnel{.prefix = *Prefix::parse("10.2.0.0/24"), .metric = 20, .link = vti};
  const RouteSpec guard{.prefix = *Prefix::parse("10.2.0.0/24"), .metric = 4294967294, .blackhole = true};
  const RouteSpec by_tunnel6{.prefix = *Prefix::parse("fd00:2::/64"), .metric = 20, .link = vti};
  const RouteSpec guard6{.prefix = *Prefix::parse("fd00:2::/64"), .metric = 4294967294, .blackhole = true};
  for (const RouteSpec& route : {by_gateway, by_tunnel, guard, by_tunnel6, guard6}) {
    const auto set = lab.configurator.set_route(route);
    INFO(route.prefix.text() << (set ? "" : " " + set.error().text()));
    REQUIRE(set);
    REQUIRE(lab.configurator.set_route(route));
  }
  REQUIRE(lab.becomes([&] { return lab.main_route("fd00:2::/64", 4294967294) && lab.main_route("10.2.0.0/24", 20); }));
  CHECK(lab.main_route("10.5.0.0/16", 0)->hops.front() == Hop{wan, *IpAddress::parse("10.9.1.254")});
  CHECK(lab.main_route("10.5.0.0/16", 0)->protocol == own_protocol);
  CHECK(lab.main_route("10.2.0.0/24", 20)->hops.front() == Hop{vti, {}});
  CHECK(lab.main_route("10.2.0.0/24", 4294967294)->type == RouteType::blackhole);
  CHECK(lab.main_route("fd00:2::/64", 4294967294)->type == RouteType::blackhole);

  // The link's end takes its routes along without a word; the guards stay.
  REQUIRE(lab.configurator.set_up(vti, false));
  REQUIRE(lab.becomes([&] { return !lab.main_route("10.2.0.0/24", 20) && !lab.main_route("fd00:2::/64", 20); }));
  CHECK(lab.main_route("10.2.0.0/24", 4294967294));
  CHECK(lab.main_route("fd00:2::/64", 4294967294));

  REQUIRE(lab.configurator.remove_route(guard));
  REQUIRE(lab.configurator.remove_route(guard));  // is gone already
  REQUIRE(lab.configurator.remove_route(by_gateway));
  REQUIRE(lab.configurator.remove_address(wan, address));
  REQUIRE(lab.configurator.remove_address(wan, address));
  REQUIRE(lab.becomes([&] {
    return !lab.main_route("10.5.0.0/16", 0) && !lab.main_route("10.2.0.0/24", 4294967294) &&
           !lab.state().addresses.contains({wan, address});
  }));
  lab.wan.reset();
  REQUIRE(lab.becomes([&] { return !lab.state().find_link("wan"); }));
}

TEST_CASE("a refused change says what and why") {
  Lab lab;
  const auto refused =
      lab.configurator.set_route({.prefix = *Prefix::parse("10.5.0.0/16"), .via = *IpAddress::parse("10.9.1.254")});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text().find("10.5.0.0/16") != std::string::npos);
  CHECK_FALSE(lab.configurator.set_mtu(9999, 1500));
}

TEST_CASE("a neighbour is resolved on request") {
  Lab lab;
  const int wan = lab.link("wan");
  REQUIRE(lab.configurator.add_address(wan, *InterfaceAddress::parse("10.9.1.1/24")));
  REQUIRE(lab.configurator.set_up(wan, true));
  const NeighbourKey key{wan, *IpAddress::parse("10.9.1.254")};
  REQUIRE(lab.configurator.probe(key));
  const MacAddress mac{{2, 0, 0, 0, 0, 7}};
  answer_arp(lab.wan.get(), mac);
  REQUIRE(lab.becomes([&] {
    const auto found = lab.state().neighbours.find(key);
    return found != lab.state().neighbours.end() && found->second.usable();
  }));
  CHECK(lab.state().neighbours.at(key).mac == mac);
  CHECK(name(lab.state().neighbours.at(key).state) == "reachable");
}

TEST_CASE("lost notifications lead to a fresh reading") {
  Lab lab;
  const int wan = lab.link("wan");
  REQUIRE(lab.configurator.add_address(wan, *InterfaceAddress::parse("10.9.1.1/24")));
  REQUIRE(lab.configurator.set_up(wan, true));
  const int tiny = 1;
  REQUIRE(::setsockopt(lab.mirror->fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny) == 0);
  for (int i = 1; i <= 200; ++i)
    REQUIRE(
        lab.configurator.set_route({.prefix = *Prefix::parse("10.77." + std::to_string(i) + ".0/24"), .link = wan}));
  REQUIRE(lab.becomes([&] { return lab.main_route("10.77.200.0/24", 0) != nullptr; }));
  for (int i = 1; i <= 200; ++i) CHECK(lab.main_route(("10.77." + std::to_string(i) + ".0/24").c_str(), 0));
}

TEST_CASE("what the kernel did not tell, since too much was untold, is read once it has nothing more to tell") {
  Lab lab;
  const int wan = lab.link("wan");
  REQUIRE(lab.configurator.add_address(wan, *InterfaceAddress::parse("10.9.1.1/24")));
  REQUIRE(lab.configurator.set_up(wan, true));
  REQUIRE(lab.becomes([&] { return lab.state().links.at(wan).up; }));
  // Room for more notifications than are taken in at once.
  const int room = 512 * 1024;
  REQUIRE(::setsockopt(lab.mirror->fd(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0);
  const auto route = [&](int i) {
    const std::string prefix = "10." + std::to_string(64 + i / 250) + "." + std::to_string(i % 250) + ".0/24";
    return RouteSpec{.prefix = *Prefix::parse(prefix), .link = wan};
  };
  constexpr int many = 3000;
  for (int i = 0; i < many; ++i) REQUIRE(lab.configurator.set_route(route(i)));
  REQUIRE(lab.mirror->process());
  CHECK_FALSE(lab.mirror->is_current());
  // Of this the kernel says nothing: what it told before still waits to be received.
  REQUIRE(lab.configurator.remove_route(route(0)));
  REQUIRE(lab.becomes([&] { return lab.mirror->is_current(); }));
  CHECK(lab.main_route("10.64.0.0/24", 0) == nullptr);
  CHECK(lab.main_route("10.64.1.0/24", 0) != nullptr);
  CHECK(lab.state().routes == (*Mirror::open())->state().routes);
}

namespace {

// RTM_NEWROUTE to 10.5.0.0/16 out of link 2, with whatever `more` puts behind that.
struct RouteMessage {
  alignas(nlmsghdr) std::array<char, 512> buffer{};
  nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
  rtmsg* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(rtmsg)));

  RouteMessage() {
    header->nlmsg_type = RTM_NEWROUTE;
    *route = {.rtm_family = AF_INET, .rtm_dst_len = 16, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST};
    const std::array<uint8_t, 4> to = {10, 5, 0, 0};
    mnl_attr_put(header, RTA_DST, to.size(), to.data());
  }
  std::optional<Route> decoded() const {
    const auto change = decode(*header);
    return change ? std::optional(std::get<Route>(change->object)) : std::nullopt;
  }
};

}  // namespace

TEST_CASE("a route for packets from certain sources is none of the mirror's") {
  RouteMessage message;
  mnl_attr_put_u32(message.header, RTA_OIF, 2);
  REQUIRE(message.decoded());
  CHECK(message.decoded()->hops == std::vector<Hop>{{2, {}}});
  message.route->rtm_src_len = 8;
  CHECK_FALSE(message.decoded());
}

TEST_CASE("the way of a route that puts something around its packets is the kernel's to know") {
  RouteMessage message;
  constexpr uint16_t mpls = 1;  // LWTUNNEL_ENCAP_MPLS
  SECTION("its only one") {
    mnl_attr_put_u32(message.header, RTA_OIF, 2);
    mnl_attr_put_u16(message.header, RTA_ENCAP_TYPE, mpls);
  }
  SECTION("one of several") {
    nlattr* const paths = mnl_attr_nest_start(message.header, RTA_MULTIPATH);
    for (const int link : {2, 3}) {
      auto* const hop = static_cast<rtnexthop*>(mnl_nlmsg_get_payload_tail(message.header));
      *hop = {.rtnh_len = sizeof(rtnexthop), .rtnh_ifindex = link};
      message.header->nlmsg_len += sizeof(rtnexthop);
      if (link == 2) continue;
      mnl_attr_put_u16(message.header, RTA_ENCAP_TYPE, mpls);
      hop->rtnh_len += MNL_ALIGN(MNL_ATTR_HDRLEN + sizeof mpls);
    }
    mnl_attr_nest_end(message.header, paths);
  }
  REQUIRE(message.decoded());
  CHECK(message.decoded()->hops.empty());
}

TEST_CASE("an IPv6 route of several hops of which one encapsulates is read anew with each change") {
  State state;
  const Route opaque{.key = {RT_TABLE_MAIN, *Prefix::parse("fd00:2::/64"), 0, 7}};
  CHECK(apply(state, {ChangeKind::present, false, opaque}).routes_suspect);
  CHECK(apply(state, {ChangeKind::gone, false, opaque}).routes_suspect);
  const Route plain{.key = {RT_TABLE_MAIN, *Prefix::parse("fd00:3::/64"), 0, 7}, .hops = {{2, {}}}};
  CHECK_FALSE(apply(state, {ChangeKind::present, false, plain}).routes_suspect);
}

TEST_CASE("forwarding is switched on for a twin") {
  Lab lab;
  REQUIRE(enable_forwarding("wan"));
  REQUIRE(enable_ipv6_forwarding());
  CHECK_FALSE(enable_forwarding("absent"));
}

TEST_CASE("routes with several hops are seen with their weights, however they were made") {
  Lab lab;
  const UniqueFd other = make_twin("wan2", IFF_TAP);
  const auto ip = [](const std::string& arguments) {
    INFO(arguments);
    REQUIRE(std::system(("ip " + arguments).c_str()) == 0);
  };
  for (const char* each :
       {"link set wan up", "link set wan2 up", "address add 10.9.1.1/24 dev wan", "address add 10.9.3.1/24 dev wan2",
        "address add fd00:9:1::1/64 dev wan nodad", "address add fd00:9:3::1/64 dev wan2 nodad"})
    ip(each);
  REQUIRE(lab.becomes([&] { return lab.state().find_link("wan2") && lab.state().find_link("wan2")->up; }));
  const int wan = lab.link("wan"), wan2 = lab.link("wan2");
  const auto hops_become = [&](const char* prefix, uint32_t metric, const std::vector<Hop>& hops) {
    return lab.becomes([&] {
      const Route* route = lab.main_route(prefix, metric);
      return route && route->hops == hops;
    });
  };
  const auto via = [](int link, const char* gateway, uint32_t weight) {
    return Hop{link, *IpAddress::parse(gateway), weight};
  };

  SECTION("IPv4") {
    ip("route add 10.5.0.0/16 nexthop via 10.9.1.9 dev wan weight 3 nexthop via 10.9.3.9 dev wan2 weight 256");
    REQUIRE(hops_become("10.5.0.0/16", 0, {via(wan, "10.9.1.9", 3), via(wan2, "10.9.3.9", 256)}));
    // A hop that dies with its link stays part of the route, and is in use again when the link is back.
    ip("link set wan2 down");
    REQUIRE(lab.becomes([&] { return !lab.state().links.at(wan2).up; }));
    CHECK(hops_become("10.5.0.0/16", 0, {via(wan, "10.9.1.9", 3), via(wan2, "10.9.3.9", 256)}));
    // With the last one all of it goes.
    ip("link set wan down");
    CHECK(lab.becomes([&] { return lab.main_route("10.5.0.0/16", 0) == nullptr; }));
  }
  SECTION("IPv6: hops come and go one by one") {
    ip("-6 route add fd00:2::/64 metric 7 nexthop via fd00:9:1::9 dev wan nexthop via fd00:9:3::9 dev wan2 weight 2");
    REQUIRE(hops_become("fd00:2::/64", 7, {via(wan, "fd00:9:1::9", 1), via(wan2, "fd00:9:3::9", 2)}));
    ip("-6 route append fd00:2::/64 metric 7 via fd00:9:1::8 dev wan");
    CHECK(lab.becomes([&] { return lab.main_route("fd00:2::/64", 7)->hops.size() == 3; }));
    ip("-6 route delete fd00:2::/64 metric 7 via fd00:9:1::9 dev wan");
    CHECK(lab.becomes([&] { return lab.main_route("fd00:2::/64", 7)->hops.size() == 2; }));
    CHECK(lab.state().routes.at({RT_TABLE_MAIN, *Prefix::parse("fd00:2::/64"), 0, 7}).size() == 1);
  }
  SECTION("nexthop objects") {
    ip("nexthop add id 1 via 10.9.1.9 dev wan");
    ip("nexthop add id 2 via 10.9.3.9 dev wan2");
    ip("nexthop add id 10 group 1,3/2");
    ip("route add 10.5.0.0/16 nhid 10");
    REQUIRE(hops_become("10.5.0.0/16", 0, {via(wan, "10.9.1.9", 3), via(wan2, "10.9.3.9", 1)}));
    ip("nexthop replace id 10 group 1/2,7");
    CHECK(hops_become("10.5.0.0/16", 0, {via(wan, "10.9.1.9", 1), via(wan2, "10.9.3.9", 7)}));
    ip("nexthop replace id 2 via 10.9.3.8 dev wan2");
    CHECK(hops_become("10.5.0.0/16", 0, {via(wan, "10.9.1.9", 1), via(wan2, "10.9.3.8", 7)}));
    ip("nexthop delete id 1");
    // Of a hop that is alone the kernel says no weight.
    CHECK(hops_become("10.5.0.0/16", 0, {via(wan2, "10.9.3.8", 1)}));
    ip("link set wan2 down");
    CHECK(lab.becomes([&] { return lab.main_route("10.5.0.0/16", 0) == nullptr; }));
  }
}

TEST_CASE("a route of several ways is made, replaced and removed as a whole") {
  Lab lab;
  const UniqueFd other = make_twin("vti1", IFF_TUN);
  REQUIRE(lab.becomes([&] { return lab.state().find_link("vti1") != nullptr; }));
  const int vti0 = lab.link("vti0"), vti1 = lab.link("vti1");
  for (const int link : {vti0, vti1}) REQUIRE(lab.configurator.set_up(link, true));
  REQUIRE(lab.becomes([&] { return lab.state().links.at(vti0).up && lab.state().links.at(vti1).up; }));
  const bool ipv6 = GENERATE(true, false);
  const char* const to = ipv6 ? "fd00:64::/32" : "10.64.0.0/10";
  const auto gateway = ipv6 ? IpAddress::parse("fe80::1") : std::optional<IpAddress>();
  const RouteSpec one{.prefix = *Prefix::parse(to), .metric = 10, .link = vti1};
  RouteSpec several{.prefix = one.prefix, .metric = 10};
  several.ways = {{vti0, gateway, 3}, {vti1, gateway, 256}};
  const auto hops_become = [&](const std::vector<Hop>& hops) {
    return lab.becomes([&] {
      const Route* route = lab.main_route(to, 10);
      return route && std::ranges::is_permutation(route->hops, hops) &&
             lab.state().routes.at({RT_TABLE_MAIN, one.prefix, 0, 10}).size() == 1;
    });
  };
  for (int round = 0; round < 2; ++round) {
    for (const uint32_t weight : {3u, 7u, 7u}) {
      several.ways.front().weight = weight;
      const auto set = lab.configurator.set_route(several);
      INFO((set ? "" : set.error().text()));
      REQUIRE(set);
      CHECK(hops_become(several.ways));
    }
    REQUIRE(lab.configurator.set_route(one));
    CHECK(hops_become({{vti1, {}}}));
  }
  REQUIRE(lab.configurator.set_route(several));
  REQUIRE(hops_become(several.ways));
  REQUIRE(lab.configurator.remove_route({.prefix = one.prefix, .metric = 10}));
  CHECK(lab.becomes([&] { return !lab.main_route(to, 10); }));
}

TEST_CASE("next hop objects matter as long as a route is made by them") {
  State state;
  const auto matters = [&state] { return apply(state, {ChangeKind::present, true, NextHopObject{7}}).routes_suspect; };
  Route one{.key = {RT_TABLE_MAIN, *Prefix::parse("10.5.0.0/16"), 0, 0}, .hops = {{2, {}}}, .next_hop_object = 7};
  Route two = one;
  two.key.prefix = *Prefix::parse("10.6.0.0/16");
  CHECK_FALSE(matters());
  apply(state, {ChangeKind::present, false, one});
  apply(state, {ChangeKind::present, false, one});
  apply(state, {ChangeKind::present, false, two});
  CHECK(matters());
  apply(state, {ChangeKind::gone, false, one});
  CHECK(matters());
  apply(state, {ChangeKind::gone, false, one});
  CHECK(matters());
  two.next_hop_object = 8;
  apply(state, {ChangeKind::present, true, two});
  CHECK_FALSE(matters());
  two.next_hop_object = 7;
  apply(state, {ChangeKind::present, true, two});
  CHECK(matters());
  apply(state, {ChangeKind::gone, false, two});
  CHECK_FALSE(matters());
  CHECK(state.next_hop_objects.empty());
}

TEST_CASE("route changes that say too little make the routes suspect") {
  State state;
  Route first{.key = {RT_TABLE_MAIN, *Prefix::parse("fd00::/64"), 0, 1024}, .hops = {{2, {}}}};
  Route second = first;
  second.hops.front().link = 3;
  CHECK(apply(state, {ChangeKind::present, false, first}).changed);
  CHECK_FALSE(apply(state, {ChangeKind::present, false, first}).changed);
  CHECK_FALSE(apply(state, {ChangeKind::present, false, second}).routes_suspect);
  CHECK(state.routes.begin()->second.size() == 2);
  CHECK(apply(state, {ChangeKind::present, true, second}).routes_suspect);
  Route third = first;
  third.hops.front().link = 4;
  CHECK(apply(state, {ChangeKind::gone, false, third}).routes_suspect);
  Neighbour neighbour{{2, *IpAddress::parse("10.0.0.1")}, NeighbourState::reachable, MacAddress{}};
  CHECK_FALSE(apply(state, {ChangeKind::present, false, neighbour}).turned_stale);
  neighbour.state = NeighbourState::stale;
  CHECK(apply(state, {ChangeKind::present, false, neighbour}).turned_stale == neighbour.key);
  CHECK_FALSE(apply(state, {ChangeKind::present, false, neighbour}).turned_stale);
}

TEST_CASE("of a neighbour it is a change that it can be sent to, or no more, and its MAC", "[kernel]") {
  State state;
  Neighbour neighbour{{2, *IpAddress::parse("10.0.0.1")}, NeighbourState::incomplete, {}};
  const auto changes = [&] { return apply(state, {ChangeKind::present, false, neighbour}).changed; };
  CHECK_FALSE(changes());
  neighbour.mac = MacAddress{};
  neighbour.state = NeighbourState::reachable;
  CHECK(changes());
  for (const auto how :
       {NeighbourState::stale, NeighbourState::delay, NeighbourState::probe, NeighbourState::reachable}) {
    neighbour.state = how;
    CHECK_FALSE(changes());
    CHECK(state.neighbours.at(neighbour.key).state == how);
  }
  neighbour.mac = MacAddress{{2}};
  CHECK(changes());
  neighbour.state = NeighbourState::failed;
  CHECK(changes());
  neighbour.mac = {};
  CHECK_FALSE(changes());
  CHECK_FALSE(apply(state, {ChangeKind::gone, false, neighbour}).changed);
  CHECK(state.neighbours.empty());
  neighbour.mac = MacAddress{{2}};
  neighbour.state = NeighbourState::reachable;
  CHECK(changes());
  CHECK(apply(state, {ChangeKind::gone, false, neighbour}).changed);
}
