#include "dataplane/manager/staging.h"

#include <catch2/catch.hpp>
#include <functional>

#include "ipc/convert.h"

namespace sekisho::dataplane {
namespace {

const crypto::EspCrypto& crypto() {
  static const auto backend = crypto::EspCrypto::create(crypto::EspBackend::openssl);
  return *backend;
}

Staging begin() { return Staging({.id = ipc::TransactionId(7)}, crypto()); }

ipc::PortSet port(uint16_t id, const char* name = "wan", const char* device = "net_null0") {
  return {.id = ipc::PortId(id), .name = ipc::to_text<16>(name), .device = ipc::to_text<240>(device)};
}

ipc::TunnelSet tunnel(uint16_t id, const char* name = "vti0", ipc::SaId tx = ipc::no_sa) {
  return {.id = ipc::TunnelId(id),
          .tx_count = static_cast<uint8_t>(tx == ipc::no_sa ? 0 : 1),
          .tx_sas = {tx},
          .name = ipc::to_text<16>(name)};
}

ipc::SaAdd sa(uint32_t id, ipc::Direction direction) {
  ipc::SaAdd add{.id = ipc::SaId(id),
                 .spi = 0x12340000 | id,
                 .tunnel = ipc::TunnelId(1),
                 .direction = direction,
                 .suite = EspSuite::aes128gcm16,
                 .selector_pairs = 1,
                 .replay_window = 256,
                 .source = ipc::from_address(*IpAddress::parse("10.9.1.1")),
                 .destination = ipc::from_address(*IpAddress::parse("10.9.2.2"))};
  add.selectors[0].source.last = add.selectors[0].destination.last =
      ipc::from_address(*IpAddress::parse("255.255.255.255"));
  return add;
}

ipc::NextHopSet adjacency(uint16_t id, uint16_t port) {
  return {.id = ipc::NextHopId(id), .kind = ipc::NextHopKind::adjacency, .port = ipc::PortId(port), .mac = {2}};
}

ipc::NextHopGroupSet group(uint16_t id, uint16_t member) {
  ipc::NextHopGroupSet set{.id = ipc::NextHopId(id)};
  set.buckets.fill(ipc::NextHopId(member));
  return set;
}

ipc::RouteSet route(const char* prefix, uint8_t length, uint16_t next_hop) {
  return {
      .prefix = ipc::from_address(*IpAddress::parse(prefix)), .length = length, .next_hop = ipc::NextHopId(next_hop)};
}

Holdings holdings() {
  Holdings held;
  held.ports[ipc::PortId(1)] = {"wan", "net_null0", 1500};
  held.tunnels[ipc::TunnelId(1)] = {"vti0", 1400, {ipc::SaId(2)}};
  held.sas[ipc::SaId(2)] = {0x12340002, ipc::TunnelId(1), ipc::Direction::outbound};
  return held;
}

// The refusal of a transaction of this one command, or "".
template <typename T>
std::string reason(const T& command, const Holdings& held = holdings()) {
  Staging staging = begin();
  REQUIRE(staging.add(command));
  const auto refused = staging.check(held);
  if (refused) CHECK(refused->command == T::type);
  return refused ? refused->reason : "";
}

template <typename T>
std::string changed(T command, const std::function<void(T&)>& change) {
  change(command);
  return reason(command);
}

}  // namespace

TEST_CASE("sound commands pass") {
  CHECK(reason(port(2, "lan", "net_af_packet1,iface=lan-wire")) == "");
  CHECK(reason(port(1)) == "");
  CHECK(reason(tunnel(2, "vti1")) == "");
  CHECK(reason(tunnel(1, "vti0", ipc::SaId(2))) == "");
  CHECK(reason(sa(5, ipc::Direction::inbound)) == "");
  CHECK(reason(sa(6, ipc::Direction::outbound)) == "");
  CHECK(reason(adjacency(1, 1)) == "");
  CHECK(reason(route("10.0.0.0", 8, 1)) == "");
  CHECK(reason(group(ipc::max_next_hops, 1)) == "");
  CHECK(reason(group(ipc::max_route_targets - 1, ipc::max_next_hops - 1)) == "");
  CHECK(reason(route("10.0.0.0", 8, ipc::max_next_hops)) == "");
  CHECK(reason(route("fd00::", 8, 1)) == "");
}

TEST_CASE("ports: every field is checked") {
  using P = ipc::PortSet;
  CHECK(changed<P>(port(2, "x"), [](P& p) { p.id = ipc::PortId(ipc::max_ports); }) != "");
  CHECK(changed<P>(port(2, "x"), [](P& p) { p.mtu = 100; }) != "");
  CHECK(changed<P>(port(2, "x"), [](P& p) { p.filtered = 2; }) != "");
  CHECK(changed<P>(port(2, "x"), [](P& p) { p.mtu = 9000; }) != "");
  CHECK(changed<P>(port(2, "x"), [](P& p) { p.name.chars.fill('n'); }) != "");
  CHECK(changed<P>(port(2, "x"), [](P& p) { p.device.chars.fill('d'); }) != "");
  CHECK(reason(port(2, "")) != "");
  CHECK(reason(port(2, "vti%d")) != "");
  CHECK(reason(port(2, "../x")) != "");
  CHECK(reason(port(2, "x", "")) != "");
  CHECK(reason(port(2, "x", "net_null0, iface=a b")) != "");
  // A device string names a device; it runs no command.
  CHECK(reason(port(2, "x", "net_failsafe0,exec(/tmp/x)")) != "");
  CHECK(reason(port(2, "x", "bus=vdev,name=net_failsafe0,execute(/tmp/x)")) != "");
  CHECK(reason(port(2, "x", "net_failsafe0,dev(net_failsafe1,fd(3))")) != "");
  CHECK(reason(port(2, "x", "net_failsafe0,dev(net_null0)")) == "");
  CHECK(reason(ipc::PortRemove{.id = ipc::PortId(ipc::max_ports)}) != "");
}

TEST_CASE("tunnels: sizes and the policy on DF are checked") {
  using T = ipc::TunnelSet;
  const T sound = tunnel(5, "vti5");
  CHECK(reason(sound) == "");
  CHECK(changed<T>(sound, [](T& t) { t.mtu = ipc::least_tunnel_mtu - 1; }) != "");
  CHECK(changed<T>(sound, [](T& t) { t.filtered = 2; }) != "");
  CHECK(changed<T>(sound, [](T& t) { t.mtu = ipc::most_mtu + 1; }) != "");
  CHECK(changed<T>(sound, [](T& t) { t.mtu = ipc::least_tunnel_mtu; }) == "");
  CHECK(changed<T>(sound, [](T& t) { t.df = static_cast<ipc::DfPolicy>(3); }) != "");
  CHECK(changed<T>(sound, [](T& t) { t.mss_ipv4 = ipc::least_mss - 1; }) != "");
  CHECK(changed<T>(sound, [](T& t) { t.mss_ipv6 = 1; }) != "");
  CHECK(changed<T>(sound, [](T& t) { t.mss_ipv4 = t.mss_ipv6 = ipc::least_mss; }) == "");
}

TEST_CASE("an SA moves only where it is held, and to addresses that can be") {
  using M = ipc::SaMove;
  const M move{.id = ipc::SaId(2),
               .spi = 0x12340002,
               .source = ipc::from_address(*IpAddress::parse("10.9.1.1")),
               .destination = ipc::from_address(*IpAddress::parse("10.9.2.3"))};
  CHECK(reason(move) == "");
  CHECK(changed<M>(move, [](M& m) { m.id = ipc::SaId(ipc::max_sas); }) != "");
  CHECK(changed<M>(move, [](M& m) { m.id = ipc::SaId(3); }) != "");
  CHECK(changed<M>(move, [](M& m) { m.spi += 1; }) != "");
  CHECK(changed<M>(move, [](M& m) { m.udp_encapsulation = 2; }) != "");
  CHECK(changed<M>(move, [](M& m) { m.udp_encapsulation = 1; }) != "");
  CHECK(changed<M>(move, [](M& m) { m.source.family = 6; }) != "");
  CHECK(changed<M>(move, [](M& m) { m.destination = {}; }) != "");
  Staging staging = begin();
  REQUIRE(staging.add(move));
  REQUIRE(staging.add(ipc::SaRemove{.id = move.id}));
  CHECK(staging.check(holdings()));
}

TEST_CASE("SAs: every field is checked") {
  using S = ipc::SaAdd;
  const S in = sa(5, ipc::Direction::inbound), out = sa(6, ipc::Direction::outbound);
  CHECK(changed<S>(out, [](S& s) { s.id = ipc::SaId(ipc::max_sas); }) != "");
  CHECK(changed<S>(out, [](S& s) { s.spi = 255; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.spi ^= 1; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.tunnel = ipc::TunnelId(ipc::max_tunnels); }) != "");
  CHECK(changed<S>(in, [](S& s) { s.tunnel = ipc::TunnelId(9); }) != "");
  CHECK(changed<S>(in, [](S& s) { s.direction = static_cast<ipc::Direction>(2); }) != "");
  CHECK(changed<S>(in, [](S& s) { s.suite = static_cast<EspSuite>(esp_suite_count); }) != "");
  CHECK(changed<S>(in, [](S& s) { s.esn = 2; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.udp_encapsulation = 2; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.udp_encapsulation = 1; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.selector_pairs = 0; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.selector_pairs = 9; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.replay_window = 32; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.replay_window = 4160; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.replay_window = 100; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.esn = 1, s.replay_window = 0; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.source.family = 5; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.destination = {}; }) != "");
  CHECK(changed<S>(in, [](S& s) { s.selectors[0].source.first.family = 6; }) != "");
  CHECK(changed<S>(in, [](S& s) { std::swap(s.selectors[0].source.first, s.selectors[0].source.last); }) != "");
  CHECK(reason(ipc::SaRemove{.id = ipc::SaId(ipc::max_sas)}) != "");
}

TEST_CASE("routes and next hops: every field is checked") {
  using N = ipc::NextHopSet;
  CHECK(changed<N>(adjacency(1, 1), [](N& n) { n.id = ipc::NextHopId(0); }) != "");
  CHECK(changed<N>(adjacency(1, 1), [](N& n) { n.id = ipc::NextHopId(ipc::max_next_hops); }) != "");
  CHECK(changed<N>(adjacency(1, 1), [](N& n) { n.kind = ipc::NextHopKind::group; }) != "");
  CHECK(changed<N>(adjacency(1, 1), [](N& n) { n.kind = static_cast<ipc::NextHopKind>(6); }) != "");
  CHECK(changed<N>(adjacency(1, 1), [](N& n) { n.mac = {}; }) != "");
  CHECK(reason(adjacency(1, 3)).find("port 3") != std::string::npos);
  CHECK(reason(adjacency(1, ipc::max_ports)) != "");
  CHECK(reason(N{.id = ipc::NextHopId(1), .kind = ipc::NextHopKind::tunnel, .tunnel = ipc::TunnelId(8)}) != "");
  CHECK(reason(route("10.0.0.1", 8, 1)) != "");
  CHECK(reason(route("10.0.0.0", 33, 1)) != "");
  CHECK(reason(route("10.0.0.0", 8, ipc::max_route_targets)) != "");
  using G = ipc::NextHopGroupSet;
  for (const uint16_t id : {0, 1, ipc::max_next_hops - 1, int{ipc::max_route_targets}, UINT16_MAX})
    CHECK(reason(group(id, 1)) != "");
  for (const uint16_t member : {ipc::max_next_hops, ipc::max_route_targets, uint16_t{UINT16_MAX}})
    for (const size_t bucket : {size_t{0}, size_t{ipc::group_buckets - 1}})
      CHECK(changed<G>(group(ipc::max_next_hops, 1), [&](G& g) { g.buckets[bucket] = ipc::NextHopId(member); }) != "");
  auto family = route("10.0.0.0", 8, 1);
  family.prefix.family = 0;
  CHECK(reason(family) != "");
}

TEST_CASE("a VRF is below the bound, wherever it is named") {
  for (const uint8_t bad : {ipc::max_vrfs, uint8_t{255}}) {
    const ipc::VrfId vrf(bad);
    CHECK(changed<ipc::PortSet>(port(2, "x"), [&](auto& p) { p.vrf = vrf; }) != "");
    CHECK(changed<ipc::TunnelSet>(tunnel(5, "vti5"), [&](auto& t) { t.vrf = vrf; }) != "");
    CHECK(changed<ipc::RouteSet>(route("10.0.0.0", 8, 1), [&](auto& r) { r.vrf = vrf; }) != "");
    CHECK(reason(ipc::RouteRemove{.prefix = route("10.0.0.0", 8, 1).prefix, .length = 8, .vrf = vrf}) != "");
  }
  const ipc::VrfId last(ipc::max_vrfs - 1);
  CHECK(changed<ipc::PortSet>(port(1), [&](auto& p) { p.vrf = last; }) == "");
  CHECK(changed<ipc::TunnelSet>(tunnel(1), [&](auto& t) { t.vrf = last; }) == "");
  CHECK(changed<ipc::RouteSet>(route("10.0.0.0", 8, 1), [&](auto& r) { r.vrf = last; }) == "");
  CHECK(reason(ipc::RouteRemove{.prefix = route("10.0.0.0", 8, 1).prefix, .length = 8, .vrf = last}) == "");
}

TEST_CASE("a transaction remembers which VRFs need tables, and which command said so first") {
  Staging staging = begin();
  auto lan = port(2, "lan");
  auto vti = tunnel(5, "vti5");
  auto net = route("10.0.0.0", 8, 1);
  lan.vrf = vti.vrf = ipc::VrfId(3);
  net.vrf = ipc::VrfId(4);
  REQUIRE(staging.add(net));
  REQUIRE(staging.add(vti));
  REQUIRE(staging.add(lan));
  // What only goes needs none.
  REQUIRE(staging.add(ipc::RouteRemove{.prefix = net.prefix, .length = 8, .vrf = ipc::VrfId(5)}));
  REQUIRE_FALSE(staging.check(holdings()));
  REQUIRE(staging.vrfs.size() == 2);
  CHECK(staging.vrfs.at(ipc::VrfId(3)).index == 1);
  CHECK(staging.vrfs.at(ipc::VrfId(3)).command == ipc::CommandType::tunnel_set);
  CHECK(staging.vrfs.at(ipc::VrfId(4)).index == 0);
  CHECK(staging.vrfs.at(ipc::VrfId(4)).command == ipc::CommandType::route_set);
  CHECK(staging.ports.at(ipc::PortId(2)).value.vrf == ipc::VrfId(3));
  CHECK(staging.tunnels.at(ipc::TunnelId(5)).value.vrf == ipc::VrfId(3));
  CHECK(staging.routes.at(0).vrf == ipc::VrfId(4));
  CHECK(staging.routes.at(1).vrf == ipc::VrfId(5));
}

TEST_CASE("a refusal names the first bad command, and the rest changes nothing about it") {
  Staging staging = begin();
  REQUIRE(staging.add(port(2, "lan")));
  REQUIRE(staging.add(adjacency(0, 1)));
  REQUIRE(staging.add(port(99, "x")));
  const auto refused = staging.check(holdings());
  REQUIRE(refused);
  CHECK(refused->command_index == 1);
  CHECK(refused->command == ipc::CommandType::next_hop_set);
  CHECK(staging.count() == 3);
}

TEST_CASE("what counts is the state after the transaction") {
  Staging staging = begin();
  // The tunnel, its new SA and the switch to it, in an order that is wrong taken literally.
  REQUIRE(staging.add(tunnel(1, "vti0", ipc::SaId(6))));
  REQUIRE(staging.add(ipc::SaRemove{.id = ipc::SaId(2)}));
  REQUIRE(staging.add(sa(6, ipc::Direction::outbound)));
  CHECK_FALSE(staging.check(holdings()));

  Staging removal = begin();
  REQUIRE(removal.add(ipc::TunnelRemove{.id = ipc::TunnelId(1)}));
  const auto refused = removal.check(holdings());
  REQUIRE(refused);
  CHECK(refused->reason.find("still has SA 2") != std::string::npos);
  REQUIRE(removal.add(ipc::SaRemove{.id = ipc::SaId(2)}));
  CHECK_FALSE(removal.check(holdings()));
}

TEST_CASE("references must hold") {
  CHECK(reason(sa(2, ipc::Direction::outbound)).find("in use") != std::string::npos);
  CHECK(reason(tunnel(1, "vti0", ipc::SaId(3))) != "");
  CHECK(reason(tunnel(1, "other")) != "");
  CHECK(reason(tunnel(2, "wan")).find("taken") != std::string::npos);
  CHECK(reason(port(1, "wan", "net_null1")).find("another device") != std::string::npos);
  CHECK(reason(port(3, "wan", "net_null1")).find("taken") != std::string::npos);
  Holdings held = holdings();
  held.sas[ipc::SaId(3)] = {0x12340003, ipc::TunnelId(1), ipc::Direction::inbound};
  held.sas[ipc::SaId(4)] = {0x12340004, ipc::TunnelId(2), ipc::Direction::outbound};
  CHECK(reason(tunnel(1, "vti0", ipc::SaId(3)), held) != "");
  CHECK(reason(tunnel(1, "vti0", ipc::SaId(4)), held) != "");
}

TEST_CASE("one transaction names a port, tunnel or SA once") {
  for (int which = 0; which < 3; ++which) {
    Staging staging = begin();
    if (which == 0) {
      REQUIRE(staging.add(ipc::PortRemove{.id = ipc::PortId(1)}));
      REQUIRE(staging.add(port(1)));
    } else if (which == 1) {
      REQUIRE(staging.add(tunnel(1)));
      REQUIRE(staging.add(tunnel(1)));
    } else {
      REQUIRE(staging.add(ipc::SaRemove{.id = ipc::SaId(6)}));
      REQUIRE(staging.add(sa(6, ipc::Direction::outbound)));
    }
    const auto refused = staging.check(holdings());
    REQUIRE(refused);
    CHECK(refused->command_index == 1);
    CHECK(refused->reason.find("twice") != std::string::npos);
  }
}

TEST_CASE("removing what does not exist is no error") {
  CHECK(reason(ipc::PortRemove{.id = ipc::PortId(9)}) == "");
  CHECK(reason(ipc::TunnelRemove{.id = ipc::TunnelId(9)}) == "");
  CHECK(reason(ipc::SaRemove{.id = ipc::SaId(9)}) == "");
}

TEST_CASE("filters: every field is checked, and whatever belongs to none is refused") {
  using R = ipc::FilterRuleAdd;
  const ipc::FilterAdd filter{.id = ipc::FilterId(3), .identity = 9};
  const ipc::FilterAttach attachment{.filter = ipc::FilterId(3), .interface = ipc::to_text<16>("wan")};
  R rule{.filter = ipc::FilterId(3), .family = 4, .remote_length = 8};
  rule.remote = ipc::from_address(*IpAddress::parse("10.0.0.0"));
  rule.local = ipc::from_address(*IpAddress::parse("0.0.0.0"));
  const auto with = [&](auto... commands) -> std::string {
    Staging staging = begin();
    staging.add(ipc::FiltersReplace{});
    staging.add(filter);
    (staging.add(commands), ...);
    const auto refused = staging.check(holdings());
    return refused ? refused->reason : "";
  };
  const auto spoilt = [&](const std::function<void(R&)>& change) {
    R changed = rule;
    change(changed);
    return with(changed);
  };
  CHECK(with(rule, attachment) == "");
  CHECK(reason(filter) != "");  // outside of a replacement
  CHECK(reason(rule) != "");
  CHECK(reason(attachment) != "");
  CHECK(with(ipc::FiltersReplace{}) != "");
  CHECK(with(filter) != "");
  CHECK(with(attachment, attachment) != "");
  CHECK(with(ipc::FilterAdd{.id = ipc::FilterId(ipc::max_filters)}) != "");
  CHECK(with(ipc::FilterAttach{.filter = ipc::FilterId(4), .interface = attachment.interface}) != "");
  CHECK(with(ipc::FilterAttach{.filter = ipc::FilterId(3), .interface = ipc::to_text<16>("../x")}) != "");
  ipc::FilterAttach endless = attachment;
  endless.interface.chars.fill('x');
  CHECK(with(endless) != "");
  CHECK(spoilt([](R& r) { r.filter = ipc::FilterId(4); }) != "");
  CHECK(spoilt([](R& r) { r.filter = ipc::FilterId(ipc::max_filters); }) != "");
  CHECK(spoilt([](R& r) { r.direction = static_cast<ipc::Direction>(2); }) != "");
  CHECK(spoilt([](R& r) { r.family = 5; }) != "");
  CHECK(spoilt([](R& r) { r.family = 6; }) != "");
  CHECK(spoilt([](R& r) { r.local.family = 6; }) != "");
  CHECK(spoilt([](R& r) { r.remote.family = 7; }) != "");
  CHECK(spoilt([](R& r) { r.remote_length = 33; }) != "");
  CHECK(spoilt([](R& r) { r.remote_length = 4; }) != "");  // host bits
  CHECK(spoilt([](R& r) { r.has_icmp_type = 2; }) != "");
  CHECK(spoilt([](R& r) { r.first_port = 5, r.last_port = 4; }) != "");
  CHECK(spoilt([](R& r) { r = {.filter = ipc::FilterId(3)}; }) == "");

  Staging full = begin();
  full.add(ipc::FiltersReplace{});
  full.add(filter);
  for (unsigned i = 0; i < ipc::max_filter_rules; ++i) full.add(rule);
  R outbound = rule;
  outbound.direction = ipc::Direction::outbound;
  full.add(outbound);
  CHECK_FALSE(full.check(holdings()));
  full.add(rule);
  CHECK(full.check(holdings()));
}

}  // namespace sekisho::dataplane
