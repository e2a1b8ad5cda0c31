// Which of its SAs a tunnel sends on, and what becomes of a packet where it has none.
#include <catch2/catch.hpp>

#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane::test {
namespace {

using ipc::DropReason, ipc::SaCounter;

const Bytes sample = ip({"10.1.0.1", "10.2.0.2"}, udp(5, 6, text(60)));

// Gateway 0 seals towards gateway 1.
struct Lab {
  void install() {
    REQUIRE(a.add(sa.outbound));
    REQUIRE(b.add(sa.inbound));
  }
  Gateway a{0}, b{1};
  SaPair sa = make_sa(a, b);
};

}  // namespace

TEST_CASE("a tunnel with several SAs takes the first whose selectors fit") {
  Lab lab;
  lab.install();
  SaPair second = lab.sa;
  for (ipc::SaAdd* add : {&second.outbound, &second.inbound}) {
    add->id = ipc::SaId(add->id.value() + 1);
    add->spi += 1;
    add->key.fill(9);
    add->selectors[0].destination.first.bytes = {172, 16, 0, 0};
    add->selectors[0].destination.last.bytes = {172, 16, 255, 255};
    add->selector_pairs = 1;
  }
  REQUIRE(lab.a.add(second.outbound));
  REQUIRE(lab.b.add(second.inbound));
  const ipc::SaId other[] = {second.outbound.id};
  const auto set = [&](std::span<const ipc::SaId> further) {
    lab.a.tunnels().set(tunnel, {outbound_id, tunnel_mtu}, further);
  };
  lab.a.set_next_hop(ipc::NextHopId(6), ipc::NextHopKind::tunnel, tunnel.value());
  const Bytes for_second = ip({"10.1.0.1", "172.16.0.1"}, text(20));
  const auto spis = [&](const std::vector<Bytes>& packets) {
    std::vector<Bytes> frames;
    for (const Bytes& packet : packets)
      frames.push_back(ethernet(lab.a.mac(lan_port), lab.a.neighbour(lan_port), packet));
    lab.a.receive_frames(lan_port, frames);
    std::vector<uint32_t> all;
    for (const Bytes& frame : lab.a.sent(wan_port)) all.push_back(ByteReader(ByteView(frame).subspan(34)).u32());
    return all;
  };
  const uint32_t one = lab.sa.outbound.spi, two = second.outbound.spi;
  set(other);
  CHECK(spis({sample, for_second, sample, for_second}) == std::vector{one, two, one, two});
  CHECK(lab.a.all_drops() == 0);
  CHECK(lab.a.count(second.outbound.id, SaCounter::packets) == 2);
  // None fits: the first one's drop, as always.
  CHECK(spis({ip({"10.9.0.1", "10.2.0.2"}, {})}).empty());
  CHECK(lab.a.drops(DropReason::selector_outbound) == 1);
  CHECK(lab.a.count(outbound_id, SaCounter::selector) == 1);
  set({});
  CHECK(spis({for_second}).empty());
  CHECK(lab.a.drops(DropReason::selector_outbound) == 2);
  // An id in the list that has moved on to another tunnel is not taken.
  set(other);
  lab.a.remove(second.outbound.id);
  CHECK(spis({for_second}).empty());
  second.outbound.tunnel = tunnel_without_sa;
  REQUIRE(lab.a.add(second.outbound));
  set(other);
  CHECK(spis({for_second}).empty());
  CHECK(lab.a.drops(DropReason::selector_outbound) == 4);
  lab.a.set_next_hop(ipc::NextHopId(6), ipc::NextHopKind::tunnel, tunnel_without_sa.value());
}

TEST_CASE("a tunnel that traffic wakes keeps the first packet and says so, once in a while") {
  Lab lab;
  lab.a.tunnels().set(tunnel, {.mtu = tunnel_mtu, .on_traffic = true});
  // What the kernel sends on every interface wakes nobody.
  lab.a.from_kernel(Via::tunnel, tunnel.value(), ip({"fd00:1::fe", "ff02::2", 58}, text(8)));
  lab.a.from_kernel(Via::tunnel, tunnel.value(), ip({"10.1.0.254", "224.0.0.5", 89}, text(8)));
  CHECK(lab.a.drops(DropReason::no_outbound_sa) == 2);
  CHECK_FALSE(lab.a.event());
  for (int i = 0; i < 3; ++i) lab.a.receive(lan_port, sample);
  CHECK(lab.a.drops(DropReason::no_outbound_sa) == 4);
  const auto event = lab.a.event();
  REQUIRE(event);
  CHECK(event->kind == PathEventKind::traffic_waiting);
  CHECK(event->tunnel == tunnel);
  CHECK_FALSE(lab.a.event());
  auto waiting = lab.a.punted();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].via == Via::waiting);
  CHECK(waiting[0].id == tunnel.value());
  // With the SA there, the slow path gives it back, and it goes on as if it had met the SA at once.
  lab.install();
  lab.a.from_kernel(Via::tunnel, tunnel.value(), waiting[0].bytes);
  lab.b.receive_frames(wan_port, lab.a.sent(wan_port));
  const auto out = lab.b.sent(lan_port);
  REQUIRE(out.size() == 1);
  CHECK(out[0][14 + 8] == sample[8] - 2);
  // Without it again, and the tunnel is as before: the next packet waits, also one of the kernel's own.
  lab.a.tunnels().set(tunnel, {.mtu = tunnel_mtu, .on_traffic = true});
  lab.a.from_kernel(Via::tunnel, tunnel.value(), sample);
  CHECK(lab.a.punted().size() == 1);
  CHECK(lab.a.event());
  // What does not fit is the kernel's to answer, as ever.
  lab.a.receive(lan_port, ip({.source = "10.1.0.1", .destination = "10.2.0.1", .fragment = 0x4000}, text(tunnel_mtu)));
  CHECK(lab.a.punted().at(0).via == Via::port);
}

}  // namespace sekisho::dataplane::test
