// VRFs with the same prefixes: what comes in by a port or out of a tunnel goes by its own VRF's routes, and ESP is
// opened in the front door alone. Two gateways, back to back in memory.
#include <catch2/catch.hpp>

#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane::test {
namespace {

using ipc::DropReason, ipc::SaCounter;

constexpr ipc::VrfId red{1};
constexpr ipc::PortId red_port{2};
constexpr ipc::TunnelId red_tunnel = tunnel_without_sa;
constexpr ipc::NextHopId local{1}, wan{2}, into_red_tunnel{6}, red_lan{7};

// A gateway whose third port and second tunnel are in VRF 1, with the prefixes that the front door has too.
class Side {
 public:
  explicit Side(unsigned index) : gateway(index), fib_(tables(index).fib()) {
    WorkerPort& settings = gateway.ports().ports[red_port.value()];
    settings.device = wire_.device();
    settings.mtu = 1500;
    settings.vrf = red;
    settings.mac = gateway.mac(red_port).bytes;
    gateway.ports().rx.push_back({red_port, settings.device, 0});
    gateway.tunnels().set_vrf(red_tunnel, red);
    if (!fib_.has_vrf(red)) REQUIRE(fib_.add_vrf(red));
    const bool first = index == 0;
    change([&] {
      REQUIRE(
          fib_.set_next_hop(red_lan, {ipc::NextHopKind::adjacency, red_port, {}, gateway.neighbour(red_port).bytes}));
      set("10.1.0.0/16", first ? red_lan : into_red_tunnel);
      set("10.2.0.0/16", first ? into_red_tunnel : red_lan);
      set("fd00:1::/64", first ? red_lan : into_red_tunnel);
      set("fd00:2::/64", first ? into_red_tunnel : red_lan);
      set(first ? "10.1.0.254/32" : "10.2.0.254/32", local);
    });
  }

  // Routes of VRF 1.
  void set(const char* prefix, ipc::NextHopId next_hop) {
    REQUIRE(fib_.set_route(Prefix::parse(prefix).value(), next_hop, red));
  }
  void remove(const char* prefix) { REQUIRE(fib_.remove_route(Prefix::parse(prefix).value(), red)); }
  template <typename Stage>
  void change(const Stage& stage) {
    fib_.begin(false);
    stage();
    REQUIRE(fib_.commit());
    REQUIRE(fib_.poll());
  }

  Bytes frame(ipc::PortId port, ByteView packet) {
    return ethernet(gateway.mac(port), gateway.neighbour(port), packet);
  }
  void receive(ipc::PortId port, const std::vector<Bytes>& packets) {
    for (const Bytes& packet : packets) (port == red_port ? wire_ : gateway.port(port)).deliver(frame(port, packet));
    while (gateway.worker().poll() != 0) {
    }
  }
  // IP packets without their Ethernet header.
  std::vector<Bytes> sent(ipc::PortId port) {
    std::vector<Bytes> packets = port == red_port ? wire_.sent() : gateway.sent(port);
    for (Bytes& packet : packets) packet.erase(packet.begin(), packet.begin() + 14);
    return packets;
  }
  // The one packet that was punted is this, as it came by the port.
  bool punted_as_it_came(ipc::PortId port, const Bytes& packet) {
    const auto punted = gateway.punted();
    return punted.size() == 1 && punted[0].via == Via::port && punted[0].id == port.value() &&
           punted[0].bytes == frame(port, packet);
  }
  bool heard_of_unknown_spi() {
    while (const auto event = gateway.event())
      if (event->kind == PathEventKind::unknown_spi) return true;
    return false;
  }

  Gateway gateway;

 private:
  Fib& fib_;
  MemoryPort wire_;
};

// The SAs of tunnel 0 one way, and those of VRF 1's tunnel.
SaPair plain_sa(const Side& from, const Side& to) { return make_sa(from.gateway, to.gateway); }
SaPair red_sa(const Side& from, const Side& to) {
  SaPair pair = make_sa(from.gateway, to.gateway);
  for (ipc::SaAdd* add : {&pair.outbound, &pair.inbound}) {
    add->id = ipc::SaId(add->id.value() + 1);
    add->spi += 1;
    add->tunnel = red_tunnel;
    add->key.fill(9);
  }
  return pair;
}

void install(Side& from, Side& to, const SaPair& pair) {
  REQUIRE(from.gateway.add(pair.outbound));
  REQUIRE(to.gateway.add(pair.inbound));
}

uint32_t spi(const Bytes& packet) { return ByteReader(ByteView(packet).subspan(20)).u32(); }

Bytes packet(size_t size, const char* from = "10.1.0.1", const char* to = "10.2.0.2") {
  return ip({from, to}, udp(5, 6, text(size)));
}

std::vector<Bytes> all_after_hops(std::vector<Bytes> packets, uint8_t count) {
  for (Bytes& packet : packets) packet = after_hops(std::move(packet), count);
  return packets;
}

}  // namespace

TEST_CASE("one prefix in two VRFs leads into two tunnels, and out of them to two ports") {
  Side a(0), b(1);
  for (const SaPair& pair : {plain_sa(a, b), red_sa(a, b)}) install(a, b, pair);
  const std::vector<Bytes> plain = {packet(10), packet(11), packet(12, "fd00:1::1", "fd00:2::2"), packet(13)};
  const std::vector<Bytes> coloured = {packet(20), packet(21, "fd00:1::1", "fd00:2::2"), packet(22), packet(23)};
  a.receive(lan_port, plain);
  std::vector<Bytes> sealed = a.sent(wan_port);
  a.receive(red_port, coloured);
  const std::vector<Bytes> more = a.sent(wan_port);
  REQUIRE(sealed.size() == 4);
  REQUIRE(more.size() == 4);
  const uint32_t plain_spi = plain_sa(a, b).outbound.spi;
  for (const Bytes& each : sealed) CHECK(spi(each) == plain_spi);
  for (const Bytes& each : more) CHECK(spi(each) == plain_spi + 1);
  // One burst with both, in turn.
  for (size_t i = 0; i < more.size(); ++i) sealed.insert(sealed.begin() + static_cast<ptrdiff_t>(2 * i), more[i]);
  b.receive(wan_port, sealed);
  CHECK(b.sent(lan_port) == all_after_hops(plain, 2));
  CHECK(b.sent(red_port) == all_after_hops(coloured, 2));
  CHECK(a.gateway.all_drops() == 0);
  CHECK(b.gateway.all_drops() == 0);
}

TEST_CASE("the way back, and without a tunnel") {
  Side a(0), b(1);
  for (const SaPair& pair : {plain_sa(b, a), red_sa(b, a)}) install(b, a, pair);
  const Bytes one = packet(30, "10.2.0.2", "10.1.0.1"), two = packet(31, "10.2.0.2", "10.1.0.1");
  b.receive(red_port, {one});
  b.receive(lan_port, {two});
  a.receive(wan_port, b.sent(wan_port));
  CHECK(a.sent(red_port) == all_after_hops({one}, 2));
  CHECK(a.sent(lan_port) == all_after_hops({two}, 2));

  // In clear from port to port: 192.0.2.99 is behind the WAN in the front door, and behind the LAN in VRF 1.
  const Bytes clear = packet(32, "10.1.0.1", "192.0.2.99");
  a.receive(red_port, {clear});
  CHECK(a.gateway.drops(DropReason::blackhole) == 1);  // no such route yet, whatever the front door has
  a.change([&] { a.set("192.0.2.0/24", red_lan); });
  a.receive(red_port, {clear});
  CHECK(a.sent(red_port) == all_after_hops({clear}, 1));
  CHECK(a.sent(wan_port).empty());
  a.receive(lan_port, {clear});
  CHECK(a.sent(wan_port) == all_after_hops({clear}, 1));
  // A route to what is another VRF's is what control says.
  a.change([&] { a.set("192.0.2.99/32", wan); });
  a.receive(red_port, {clear});
  CHECK(a.sent(wan_port) == all_after_hops({clear}, 1));
  CHECK(a.gateway.all_drops() == 1);
}

TEST_CASE("what comes out of a tunnel falls into no other VRF") {
  Side a(0), b(1);
  install(a, b, red_sa(a, b));
  b.change([&] { b.remove("10.2.0.0/16"); });
  a.receive(red_port, {packet(40)});
  b.receive(wan_port, a.sent(wan_port));
  CHECK(b.gateway.drops(DropReason::blackhole) == 1);
  CHECK(b.sent(lan_port).empty());
  CHECK(b.sent(red_port).empty());
  CHECK(b.gateway.punted().empty());
  // A tunnel that is taken away leaves what a worker still has of it in its VRF.
  b.gateway.tunnels().remove(red_tunnel);
  a.receive(red_port, {packet(41)});
  b.receive(wan_port, a.sent(wan_port));
  CHECK(b.gateway.drops(DropReason::blackhole) == 2);
}

TEST_CASE("a port or a tunnel that changes its VRF goes by the other table from then on") {
  Side a(0), b(1);
  for (const SaPair& pair : {plain_sa(a, b), red_sa(a, b)}) install(a, b, pair);
  a.gateway.ports().ports[lan_port.value()].vrf = red;
  a.receive(lan_port, {packet(50)});
  const auto sealed = a.sent(wan_port);
  REQUIRE(sealed.size() == 1);
  CHECK(spi(sealed[0]) == red_sa(a, b).outbound.spi);
  b.gateway.tunnels().set_vrf(red_tunnel, ipc::front_door);
  b.receive(wan_port, sealed);
  CHECK(b.sent(lan_port).size() == 1);
  CHECK(b.sent(red_port).empty());
}

TEST_CASE("the way to a peer is the front door's") {
  Side a(0), b(1);
  install(a, b, red_sa(a, b));
  a.change([&] { a.set("192.0.2.2/32", red_lan); });
  a.receive(red_port, {packet(60)});
  CHECK(a.sent(red_port).empty());
  CHECK(a.sent(wan_port).size() == 1);
}

TEST_CASE("ESP by a port of another VRF is not opened") {
  const bool in_udp = GENERATE(false, true);
  Side a(0), b(1);
  SaPair pair = plain_sa(a, b);
  for (ipc::SaAdd* add : {&pair.outbound, &pair.inbound}) {
    add->udp_encapsulation = in_udp;
    add->source_port = add->destination_port = in_udp ? 4500 : 0;
  }
  install(a, b, pair);
  a.receive(lan_port, {packet(70)});
  const Bytes sealed = a.sent(wan_port).at(0);
  // It has no route there,
  b.receive(red_port, {sealed});
  CHECK(b.gateway.drops(DropReason::blackhole) == 1);
  // or one to a neighbour,
  b.change([&] { b.set("192.0.2.2/32", red_lan); });
  b.receive(red_port, {sealed});
  CHECK(b.sent(red_port) == all_after_hops({sealed}, 1));
  // or is for an address of ours there: then it is the kernel's, whatever its SPI, and be it cut short or a fragment.
  b.change([&] { b.set("192.0.2.2/32", local); });
  const size_t start = in_udp ? 28 : 20;
  Bytes unknown = sealed;
  unknown[start] ^= 0x40;
  for (const Bytes& each :
       {sealed, unknown, ip({"192.0.2.1", "192.0.2.2", 50}, text(4)),
        ip({.source = "192.0.2.1", .destination = "192.0.2.2", .protocol = 50, .fragment = 0x2000}, text(64)),
        ip({.source = "192.0.2.1", .destination = "192.0.2.2", .fragment = 5}, text(64))}) {
    b.receive(red_port, {each});
    CHECK(b.punted_as_it_came(red_port, each));
  }
  CHECK_FALSE(b.heard_of_unknown_spi());
  CHECK(b.gateway.all_drops() == 1);
  CHECK(b.gateway.count(inbound_id, SaCounter::packets) == 0);
  CHECK(b.sent(lan_port).empty());
  // The number was not used up: by the front door it is opened.
  b.receive(wan_port, {sealed});
  CHECK(b.sent(lan_port).size() == 1);
  CHECK(b.gateway.count(inbound_id, SaCounter::packets) == 1);
  // There what has no SA is reported.
  b.receive(wan_port, {unknown});
  CHECK(b.gateway.drops(DropReason::esp_unknown_spi) == 1);
  CHECK(b.heard_of_unknown_spi());
}

TEST_CASE("ESP that was put together is opened only if its port is still in the front door") {
  Side a(0), b(1);
  install(a, b, plain_sa(a, b));
  a.receive(lan_port, {packet(80)});
  const Bytes sealed = a.sent(wan_port).at(0);
  b.change([&] { b.set("192.0.2.2/32", local); });
  b.gateway.from_kernel(Via::reassembled, red_port.value(), b.frame(red_port, sealed));
  CHECK(b.punted_as_it_came(red_port, sealed));
  CHECK(b.gateway.count(inbound_id, SaCounter::packets) == 0);
  b.gateway.from_kernel(Via::reassembled, wan_port.value(), b.frame(wan_port, sealed));
  CHECK(b.sent(lan_port).size() == 1);
}

TEST_CASE("ESP within a tunnel to an address of ours is the kernel's, where the tunnel is not in the front door") {
  Side a(0), b(1);
  for (const SaPair& pair : {plain_sa(a, b), red_sa(a, b)}) install(a, b, pair);
  const Bytes inner = ip({"10.1.0.1", "10.2.0.254", 50}, text(60));
  a.receive(red_port, {inner});
  b.receive(wan_port, a.sent(wan_port));
  const auto punted = b.gateway.punted();
  REQUIRE(punted.size() == 1);
  CHECK(punted[0].via == Via::tunnel);
  CHECK(punted[0].id == red_tunnel.value());
  CHECK(punted[0].bytes == after_hops(inner, 1));
  CHECK_FALSE(b.heard_of_unknown_spi());
  a.receive(lan_port, {inner});
  b.receive(wan_port, a.sent(wan_port));
  CHECK(b.gateway.drops(DropReason::esp_unknown_spi) == 1);
  CHECK(b.gateway.punted().empty());
}

}  // namespace sekisho::dataplane::test
