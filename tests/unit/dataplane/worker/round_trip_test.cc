// Two gateways, back to back in memory: what one seals, the other opens.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane::test {
namespace {

struct Lab {
  explicit Lab(crypto::EspBackend left = crypto::EspCrypto::fastest(),
               crypto::EspBackend right = crypto::EspCrypto::fastest())
      : a(0, left), b(1, right) {}
  // The packet enters a's LAN port; what b's LAN port sends.
  std::vector<Bytes> across(const Bytes& packet) {
    a.receive(lan_port, packet);
    wire = a.sent(wan_port);
    b.receive_frames(wan_port, wire);
    return b.sent(lan_port);
  }
  Gateway a, b;
  std::vector<Bytes> wire;
};

}  // namespace

TEST_CASE("every suite, plain and in UDP, with and without ESN, carries IPv4 and IPv6 of any size") {
  for (const auto& backends : {std::pair{crypto::EspCrypto::fastest(), crypto::EspCrypto::fastest()},
                               std::pair{crypto::EspBackend::openssl, crypto::EspCrypto::fastest()}})
    for (size_t suite = 0; suite < esp_suite_count; ++suite)
      for (const bool in_udp : {false, true}) {
        Lab lab(backends.first, backends.second);
        SaPair sa = make_sa(lab.a, lab.b, static_cast<EspSuite>(suite));
        for (ipc::SaAdd* side : {&sa.outbound, &sa.inbound}) {
          side->udp_encapsulation = in_udp;
          side->source_port = side->destination_port = in_udp ? 4500 : 0;
          side->esn = suite % 2 == 0;
        }
        REQUIRE(lab.a.add(sa.outbound));
        REQUIRE(lab.b.add(sa.inbound));
        for (const bool v6 : {false, true})
          for (const size_t size : {1u, 2u, 3u, 4u, 5u, 15u, 16u, 17u, 63u, 512u, 1332u}) {
            INFO(esp_suites[suite].name << " udp " << in_udp << " v6 " << v6 << " size " << size);
            const Bytes payload = udp(5, 6, text(size));
            const Bytes packet = v6 ? ip({"fd00:1::1", "fd00:2::2"}, payload) : ip({"10.1.0.1", "10.2.0.2"}, payload);
            const auto out = lab.across(packet);
            REQUIRE(out.size() == 1);
            CHECK(out[0] == ethernet(lab.b.neighbour(lan_port), lab.b.mac(lan_port), after_hops(packet, 2)));
            REQUIRE(lab.wire.size() == 1);
            const Bytes& wire = lab.wire[0];
            if (size > 8) CHECK_FALSE(contains(wire, ByteView(payload).subspan(8)));
            CHECK(ByteView(wire).first(6).back() == 0);
            CHECK(wire[14 + 8] == 64);
            CHECK(wire[14 + 9] == (in_udp ? 17 : 50));
            CHECK((wire[14 + 2] << 8 | wire[14 + 3]) == static_cast<int>(wire.size()) - 14);
            Bytes fixed = wire;
            fix_checksum(fixed);
            CHECK(wire == fixed);
          }
        CHECK(lab.a.all_drops() + lab.b.all_drops() == 0);
        CHECK(lab.a.count(outbound_id, ipc::SaCounter::packets) == 22);
        CHECK(lab.b.count(inbound_id, ipc::SaCounter::packets) == 22);
        CHECK(lab.a.count(outbound_id, ipc::SaCounter::bytes) == lab.b.count(inbound_id, ipc::SaCounter::bytes));
      }
  CHECK(packets_in_use() == 0);
}

TEST_CASE("bursts of mixed traffic keep their order, and each takes its own way") {
  Lab lab;
  const SaPair sa = make_sa(lab.a, lab.b);
  REQUIRE(lab.a.add(sa.outbound));
  REQUIRE(lab.b.add(sa.inbound));
  std::vector<Bytes> in, expected;
  for (uint8_t i = 0; i < 100; ++i) {
    const bool v6 = i % 3 == 0;
    const Bytes payload = udp(i, 6, text(i * 10u));
    const Bytes packet = i % 5 == 4 ? ip({"10.1.0.1", "10.1.0.9"}, payload)
                         : v6       ? ip({"fd00:1::1", "fd00:2::2"}, payload)
                                    : ip({"10.1.0.1", "10.2.0.2"}, payload);
    in.push_back(ethernet(lab.a.mac(lan_port), lab.a.neighbour(lan_port), packet));
    if (i % 5 != 4) expected.push_back(ethernet(lab.b.neighbour(lan_port), lab.b.mac(lan_port), after_hops(packet, 2)));
  }
  lab.a.receive_frames(lan_port, in);
  CHECK(lab.a.sent(lan_port).size() == 20);  // back out where it came from: the LAN's own
  lab.b.receive_frames(wan_port, lab.a.sent(wan_port));
  auto out = lab.b.sent(lan_port);
  REQUIRE(out.size() == expected.size());
  // In order within a family; the families of one burst may change places.
  const auto is_v6 = [](const Bytes& frame) { return frame[12] == 0x86; };
  std::ranges::stable_partition(out, is_v6);
  std::ranges::stable_partition(expected, is_v6);
  CHECK(out == expected);
  CHECK(lab.a.count(lan_port, ipc::PortCounter::rx_packets) == 100);
  CHECK(lab.a.count(wan_port, ipc::PortCounter::tx_packets) == 80);
}

TEST_CASE("sequence numbers count up from 1, the high half stays home") {
  Lab lab;
  SaPair sa = make_sa(lab.a, lab.b);
  sa.outbound.esn = sa.inbound.esn = 1;
  REQUIRE(lab.a.add(sa.outbound));
  REQUIRE(lab.b.add(sa.inbound));
  const Bytes packet = ip({"10.1.0.1", "10.2.0.2"}, udp(5, 6, text(40)));
  const auto sequence = [&] { return ByteReader(ByteView(lab.wire.at(0)).subspan(14 + 20 + 4)).u32(); };
  CHECK(lab.across(packet).size() == 1);
  CHECK(sequence() == 1);
  // Both ends near the turn of the low half.
  lab.a.sad().outbound(outbound_id)->sequence.store(0xfffffffe);
  lab.b.sad().inbound(inbound_id)->replay.advance(0xfffffffe);
  for (const uint32_t expected : {0xffffffffu, 0u, 1u}) {
    CHECK(lab.across(packet).size() == 1);
    CHECK(sequence() == expected);
  }
  CHECK(lab.b.all_drops() == 0);
}

TEST_CASE("an SA moves to other addresses, into UDP and out of it, with its key, numbers and window") {
  Lab lab;
  const SaPair sa = make_sa(lab.a, lab.b);
  REQUIRE(lab.a.add(sa.outbound));
  REQUIRE(lab.b.add(sa.inbound));
  const auto* key = lab.a.sad().outbound(outbound_id)->key;
  ipc::SaMove there{
      .id = outbound_id, .spi = sa.outbound.spi, .source = sa.outbound.source, .destination = sa.outbound.destination};
  const ipc::SaMove home = there;
  there.source.bytes[3] = 77;  // 192.0.2.77
  there.udp_encapsulation = 1;
  there.source_port = 4501;
  there.destination_port = 4500;
  const auto other_end = [](ipc::SaMove move) {
    move.id = inbound_id;
    return move;
  };
  const Bytes packet = ip({"10.1.0.1", "10.2.0.2"}, udp(5, 6, text(40)));
  const auto sequence = [&](size_t esp) { return ByteReader(ByteView(lab.wire.at(0)).subspan(14 + esp + 4)).u32(); };

  REQUIRE(lab.across(packet).size() == 1);
  const Bytes first = lab.wire[0];
  for (uint32_t round = 0; round < 6; ++round) {
    const bool away = round % 2 == 0;
    const ipc::SaMove& to = away ? there : home;
    REQUIRE(lab.a.move(to));
    CHECK(lab.across(packet).empty());  // b has not moved yet
    CHECK(lab.b.drops(ipc::DropReason::esp_wrong_address) == round + 1);
    REQUIRE(lab.b.move(other_end(to)));
    REQUIRE(lab.b.move(other_end(to)));  // once more is no harm
    REQUIRE(lab.across(packet).size() == 1);
    CHECK(sequence(away ? 28 : 20) == 3 + 2 * round);
    Bytes fixed = lab.wire[0];
    CHECK(fixed[14 + 9] == (away ? 17 : 50));
    CHECK(fixed[14 + 15] == (away ? 77 : 1));
    if (away) CHECK((fixed[34] << 8 | fixed[35]) == 4501);
    fix_checksum(fixed);
    CHECK(lab.wire[0] == fixed);
  }
  CHECK(lab.a.sad().outbound(outbound_id)->key == key);
  lab.b.receive_frame(wan_port, first);  // at home again: the window still knows it
  CHECK(lab.b.drops(ipc::DropReason::esp_replay) == 1);

  // To where no route leads, nothing goes.
  there.destination = {.family = 4, .bytes = {8, 8, 8, 8}};
  REQUIRE(lab.a.move(there));
  CHECK(lab.across(packet).empty());
  CHECK(lab.a.drops(ipc::DropReason::blackhole) == 1);
}

TEST_CASE("DSCP and ECN go out, congestion comes in; DF is copied; identification moves") {
  Lab lab;
  const SaPair sa = make_sa(lab.a, lab.b);
  REQUIRE(lab.a.add(sa.outbound));
  REQUIRE(lab.b.add(sa.inbound));
  const auto mark = [](Bytes& frame) {
    frame[15] |= 3;
    fix_checksum(frame);
  };
  IpFields fields{.source = "10.1.0.1", .destination = "10.2.0.2", .tos = 0xb8 | 2, .fragment = 0x4000};
  lab.a.receive(lan_port, ip(fields, text(20)));
  auto first = lab.a.sent(wan_port).at(0);
  CHECK(first[15] == (0xb8 | 2));
  CHECK((first[14 + 6] & 0x40) != 0);
  mark(first);
  lab.b.receive_frame(wan_port, first);
  const auto marked = lab.b.sent(lan_port).at(0);
  CHECK(marked[15] == (0xb8 | 3));
  Bytes fixed = marked;
  fix_checksum(fixed);
  CHECK(marked == fixed);

  fields.tos = 0;
  fields.fragment = 0;
  lab.a.receive(lan_port, ip(fields, text(20)));
  auto second = lab.a.sent(wan_port).at(0);
  CHECK(second[15] == 0);
  CHECK((second[14 + 6] & 0x40) == 0);
  CHECK(ByteReader(ByteView(second).subspan(18)).u16() != ByteReader(ByteView(first).subspan(18)).u16());
  mark(second);  // congestion at a packet that knows no ECN
  lab.b.receive_frame(wan_port, second);
  CHECK(lab.b.sent(lan_port).empty());
  CHECK(lab.b.drops(ipc::DropReason::esp_ecn) == 1);
}

TEST_CASE("an unresolved way to the peer: the sealed packet goes to the kernel") {
  Lab lab;
  const SaPair sa = make_sa(lab.a, lab.b);
  REQUIRE(lab.a.add(sa.outbound));
  REQUIRE(lab.b.add(sa.inbound));
  const ipc::NextHopId wan(2);
  lab.a.set_next_hop(wan, ipc::NextHopKind::punt);
  lab.a.receive(lan_port, ip({"10.1.0.1", "10.2.0.2"}, text(20)));
  const auto punted = lab.a.punted();
  REQUIRE(punted.size() == 1);
  CHECK(punted[0].via == Via::route);
  lab.b.receive(wan_port, punted[0].bytes);
  CHECK(lab.b.sent(lan_port).size() == 1);
}

TEST_CASE("what the kernel sends: raw out of a port, sealed into a tunnel") {
  Lab lab;
  const SaPair sa = make_sa(lab.a, lab.b);
  REQUIRE(lab.a.add(sa.outbound));
  REQUIRE(lab.b.add(sa.inbound));
  const Bytes arp = ethernet({{255, 255, 255, 255, 255, 255}}, lab.a.mac(wan_port), 0x0806, text(28));
  lab.a.from_kernel(Via::port, wan_port.value(), arp);
  CHECK(lab.a.sent(wan_port) == std::vector<Bytes>{arp});
  const Bytes packet = ip({"10.1.0.254", "10.2.0.2"}, text(30));
  lab.a.from_kernel(Via::tunnel, tunnel.value(), packet);
  lab.b.receive_frames(wan_port, lab.a.sent(wan_port));
  const auto out = lab.b.sent(lan_port);
  REQUIRE(out.size() == 1);
  // The kernel did its own hop.
  CHECK(out[0] == ethernet(lab.b.neighbour(lan_port), lab.b.mac(lan_port), after_hops(packet, 1)));
  lab.a.from_kernel(Via::tunnel, tunnel.value(), text(10));
  CHECK(lab.a.drops(ipc::DropReason::malformed_ip) == 1);
  lab.a.from_kernel(Via::port, 9, arp);
  CHECK(lab.a.drops(ipc::DropReason::blackhole) == 1);
  lab.a.from_kernel(Via::tunnel, tunnel_without_sa.value(), packet);
  CHECK(lab.a.drops(ipc::DropReason::no_outbound_sa) == 1);
}

TEST_CASE("a worker without a TX queue hands its frames to one that has") {
  Lab lab;
  rte_ring* ring = make_ring();
  WorkerPorts without = lab.a.ports();
  without.ports[lan_port.value()].handover = ring;
  lab.a.worker().set_ports(&without);
  lab.a.receive(wan_port, ip({"192.0.2.2", "10.1.0.7"}, text(20)));
  CHECK(lab.a.sent(lan_port).empty());
  CHECK(lab.a.count(lan_port, ipc::PortCounter::tx_packets) == 0);
  lab.a.ports().handover.push_back({lan_port, ring});
  lab.a.worker().set_ports(&lab.a.ports());
  while (lab.a.worker().poll() != 0) {
  }
  CHECK(lab.a.sent(lan_port).size() == 1);
  CHECK(lab.a.count(lan_port, ipc::PortCounter::tx_packets) == 1);
  free_ring(ring);
}

TEST_CASE("two workers share an SA: no sequence number twice, no packet delivered twice, none lost") {
  constexpr size_t frames_each = 600;
  Lab lab;
  SaPair sa = make_sa(lab.a, lab.b);
  sa.inbound.replay_window = 4096;
  REQUIRE(lab.a.add(sa.outbound));
  REQUIRE(lab.b.add(sa.inbound));
  // Both workers of a gateway get the same frames at the same time; what they sent.
  const auto run_both = [](Gateway& gateway, ipc::PortId in, ipc::PortId out, const std::vector<Bytes>& frames) {
    std::vector<Bytes> sent;
    auto counters = std::make_unique<ipc::WriterCounters>();
    const auto second = gateway.another_worker(*counters);
    MemoryPort second_in, second_out;
    WorkerPorts ports = gateway.ports();
    ports.ports[in.value()].device = second_in.device();
    ports.ports[out.value()].device = second_out.device();
    ports.rx = {{in, second_in.device(), 0}};
    second->set_ports(&ports);
    for (size_t start = 0; start < frames.size(); start += 200) {
      for (size_t i = start; i < std::min(start + 200, frames.size()); ++i) {
        gateway.port(in).deliver(frames[i]);
        second_in.deliver(frames[i]);
      }
      std::thread thread([&] {
        while (second->poll() != 0) {
        }
      });
      while (gateway.worker().poll() != 0) {
      }
      thread.join();
      for (auto* port : {&gateway.port(out), &second_out})
        for (Bytes& frame : port->sent()) sent.push_back(std::move(frame));
    }
    return sent;
  };
  const Bytes packet = ip({"10.1.0.1", "10.2.0.2"}, udp(5, 6, text(64)));
  const Bytes frame = ethernet(lab.a.mac(lan_port), lab.a.neighbour(lan_port), packet);
  const auto sealed = run_both(lab.a, lan_port, wan_port, std::vector<Bytes>(frames_each, frame));
  REQUIRE(sealed.size() == 2 * frames_each);
  std::set<uint32_t> numbers;
  for (const Bytes& out : sealed) numbers.insert(ByteReader(ByteView(out).subspan(38)).u32());
  CHECK(numbers.size() == sealed.size());
  CHECK(*numbers.rbegin() == sealed.size());
  CHECK(run_both(lab.b, wan_port, lan_port, sealed).size() == sealed.size());
}

TEST_CASE("the worker's loop runs on a thread of its own, sleeps, wakes and stops") {
  Lab lab;
  const SaPair sa = make_sa(lab.a, lab.b);
  REQUIRE(lab.a.add(sa.outbound));
  std::atomic<bool> stop{false};
  std::thread thread([&] { lab.a.worker().run(stop); });
  const Bytes frame = ethernet(lab.a.mac(lan_port), lab.a.neighbour(lan_port), ip({"10.1.0.1", "10.2.0.2"}, text(9)));
  for (int i = 0; i < 5; ++i) {
    lab.a.port(lan_port).deliver(frame);
    while (lab.a.port(wan_port).quiet()) std::this_thread::yield();
    CHECK(lab.a.sent(wan_port).size() == 1);
    // A grace period passes whether the worker polls or sleeps.
    Qsbr& qsbr = tables(0).qsbr;
    const auto token = qsbr.start();
    while (!qsbr.passed(token)) std::this_thread::yield();
  }
  stop.store(true);
  thread.join();
}

TEST_CASE("what looks like ESP to us and is not keeps its place") {
  Lab lab;
  const SaPair sa = make_sa(lab.a, lab.b, EspSuite::aes128gcm16);
  REQUIRE(lab.b.add(sa.inbound));
  // Of one datagram to port 4500 only the first fragment shows the port; of ESP all fragments show the protocol, and
  // the SPI has the index of an SA of ours.
  const Bytes datagram = udp(4500, 4500, text(24));
  Bytes esp = text(40);
  for (size_t i = 0; i < 4; ++i) esp[i] = static_cast<uint8_t>((sa.inbound.spi + ipc::max_sas) >> (24 - 8 * i));
  std::vector<Bytes> frames, expected;
  const auto add = [&](uint8_t protocol, uint16_t fragment, ByteView payload) {
    const Bytes packet =
        ip({.source = "198.18.0.1", .destination = "10.2.0.9", .protocol = protocol, .fragment = fragment}, payload);
    frames.push_back(ethernet(lab.b.mac(wan_port), lab.b.neighbour(wan_port), packet));
    expected.push_back(ethernet(lab.b.neighbour(lan_port), lab.b.mac(lan_port), after_hops(packet, 1)));
  };
  for (int i = 0; i < 4; ++i) {
    add(17, 0x2000, ByteView(datagram).first(16));
    add(17, 2, ByteView(datagram).subspan(16));
    add(50, 0, esp);
    add(50, 5, esp);
    add(6, 0, text(20));
  }
  lab.b.receive_frames(wan_port, frames);
  CHECK(lab.b.sent(lan_port) == expected);
}

}  // namespace sekisho::dataplane::test
