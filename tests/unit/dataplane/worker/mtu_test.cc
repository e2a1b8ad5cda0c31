// What does not fit into a tunnel: fragments before sealing, the outer DF, and the MSS of TCP. Two gateways, back to
// back in memory.
#include <rte_mbuf.h>

#include <catch2/catch.hpp>

#include "base/esp_size.h"
#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane::test {
namespace {

using ipc::DfPolicy, ipc::DropReason;

constexpr uint16_t dont_fragment = 0x4000, more_fragments = 0x2000;

uint16_t at16(ByteView bytes, size_t offset) { return ByteReader(bytes.subspan(offset)).u16(); }

// Gateway 0 seals towards gateway 1.
struct Lab {
  explicit Lab(EspSuite suite = EspSuite::aes128gcm16, bool in_udp = false, Family outer = Family::ipv4)
      : sa(make_sa(a, b, suite, outer)) {
    for (ipc::SaAdd* side : {&sa.outbound, &sa.inbound}) {
      side->udp_encapsulation = in_udp;
      side->source_port = side->destination_port = in_udp ? 4500 : 0;
    }
    REQUIRE(a.add(sa.outbound));
    REQUIRE(b.add(sa.inbound));
  }
  void set(Gateway& gateway, uint16_t mtu, DfPolicy df = DfPolicy::copy, MssLimits mss = {}) {
    gateway.tunnels().set(tunnel, {&gateway == &a ? outbound_id : ipc::no_sa, mtu, false, df}, {}, mss);
  }
  // What b's LAN port sends of it: IP packets without their Ethernet header.
  std::vector<Bytes> across(const std::vector<Bytes>& packets) {
    std::vector<Bytes> frames;
    for (const Bytes& packet : packets) frames.push_back(ethernet(a.mac(lan_port), a.neighbour(lan_port), packet));
    a.receive_frames(lan_port, frames);
    wire = a.sent(wan_port);
    b.receive_frames(wan_port, wire);
    std::vector<Bytes> out = b.sent(lan_port);
    for (Bytes& frame : out) frame.erase(frame.begin(), frame.begin() + 14);
    return out;
  }
  Gateway a{0}, b{1};
  SaPair sa;
  std::vector<Bytes> wire;
};

Bytes datagram(size_t size, uint16_t fragment = 0) {
  return ip({.source = "10.1.0.1", .destination = "10.2.0.2", .fragment = fragment}, udp(5, 6, text(size - 28)));
}

// The payload that fragments make together, which must lie next to each other in order, from `start` on.
Bytes joined(const std::vector<Bytes>& fragments, size_t start = 0) {
  Bytes payload;
  for (const Bytes& fragment : fragments) {
    CHECK((at16(fragment, 6) & 0x1fffu) * 8 == start + payload.size());
    payload.insert(payload.end(), fragment.begin() + 20, fragment.end());
  }
  return payload;
}

// A TCP segment with these options; its checksum is right.
Bytes tcp(uint8_t flags, Bytes options, bool v6 = false) {
  while (options.size() % 4 != 0) options.push_back(0);
  ByteWriter out;
  out.u16(40000);
  out.u16(443);
  out.u32(1);
  out.u32(0);
  out.u8(static_cast<uint8_t>((20 + options.size()) / 4 << 4));
  out.u8(flags);
  out.u16(65535);
  out.u16(0);
  out.u16(0);
  out.bytes(options);
  const Bytes segment = std::move(out).take();
  return v6 ? ip({.source = "fd00:1::1", .destination = "fd00:2::2", .protocol = 6}, segment)
            : ip({.source = "10.1.0.1", .destination = "10.2.0.2", .protocol = 6}, segment);
}

// The TCP checksum of an IP packet with its pseudo header; 0 where the segment holds a right one. The plain way.
uint16_t tcp_checksum(ByteView packet) {
  const bool v6 = packet[0] >> 4 == 6;
  const size_t header = v6 ? 40 : 20;
  Bytes covered(packet.begin() + (v6 ? 8 : 12), packet.end());  // both addresses, then the segment
  covered.insert(covered.end(), {0, 6, 0, static_cast<uint8_t>(packet.size() - header)});
  uint32_t sum = 0;
  for (size_t i = 0; i < covered.size(); i += 2) sum += static_cast<uint32_t>(covered[i] << 8 | covered[i + 1]);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

Bytes with_checksum(Bytes packet) {
  const size_t at = (packet[0] >> 4 == 6 ? 40u : 20u) + 16;
  const uint16_t sum = tcp_checksum(packet);
  packet[at] = static_cast<uint8_t>(sum >> 8);
  packet[at + 1] = static_cast<uint8_t>(sum);
  return packet;
}

constexpr uint8_t syn = 0x02, ack = 0x10;

}  // namespace

TEST_CASE("mtu: what is too big for a tunnel and may be fragmented arrives in fragments that fit, in its place") {
  Lab lab;
  lab.set(lab.a, 1446);
  for (const size_t size : {1447u, 1448u, 1455u, 1500u}) {
    const Bytes whole = datagram(size), small = datagram(100);
    const auto out = lab.across({small, whole, small});
    REQUIRE(out.size() == 4);
    CHECK(out[0].size() == 100);
    CHECK(out[3].size() == 100);
    const std::vector<Bytes> fragments(out.begin() + 1, out.begin() + 3);
    CHECK(joined(fragments) == Bytes(whole.begin() + 20, whole.end()));
    CHECK((at16(fragments[0], 6) & more_fragments) != 0);
    CHECK((at16(fragments[1], 6) & more_fragments) == 0);
    for (const Bytes& fragment : fragments) {
      CHECK(at16(fragment, 4) == at16(whole, 4));
      CHECK(fragment[8] == 62);
      Bytes fixed = fragment;
      fix_checksum(fixed, 0);
      CHECK(fixed == fragment);
    }
    for (const Bytes& frame : lab.wire) CHECK(frame.size() <= 1514);
  }
  CHECK(lab.across({datagram(1446)}).size() == 1);
  CHECK(lab.a.all_drops() + lab.b.all_drops() == 0);
  CHECK(lab.a.punted().empty());
}

TEST_CASE("mtu: fragments of fragments keep their place") {
  Lab lab;
  lab.set(lab.a, 600);
  const Bytes middle = datagram(1500, more_fragments | 185), last = datagram(1500, 370);
  for (const Bytes& whole : {middle, last}) {
    const auto out = lab.across({whole});
    REQUIRE(out.size() == 3);
    CHECK(joined(out, (at16(whole, 6) & 0x1fffu) * 8) == Bytes(whole.begin() + 20, whole.end()));
    CHECK((at16(out[2], 6) & more_fragments) == (at16(whole, 6) & more_fragments));
  }
}

TEST_CASE("mtu: fragments that may not be fragmented but are keep what tells where they belong") {
  Lab lab;
  lab.set(lab.a, 600, DfPolicy::clear);
  for (const uint16_t place :
       {static_cast<uint16_t>(more_fragments | 0), static_cast<uint16_t>(more_fragments | 185), uint16_t{370}}) {
    Bytes whole = datagram(1500, dont_fragment | place);
    whole[4] = 0xab;
    whole[5] = static_cast<uint8_t>(place);
    fix_checksum(whole, 0);
    const auto out = lab.across({whole});
    REQUIRE(out.size() == 3);
    for (const Bytes& fragment : out) CHECK(at16(fragment, 4) == at16(whole, 4));
  }
}

TEST_CASE("mtu: two workers never give the same identification to what they fragment") {
  Lab lab;
  lab.set(lab.a, 1400, DfPolicy::clear);
  auto counters = std::make_unique<ipc::WriterCounters>();
  const auto second = lab.a.another_worker(*counters);
  second->set_ports(&lab.a.ports());
  const Bytes packet = datagram(1500, dont_fragment);
  for (Worker* worker : {&lab.a.worker(), second.get()}) {
    lab.a.port(lan_port).deliver(ethernet(lab.a.mac(lan_port), lab.a.neighbour(lan_port), packet));
    while (worker->poll() != 0) {
    }
  }
  lab.b.receive_frames(wan_port, lab.a.sent(wan_port));
  const auto out = lab.b.sent(lan_port);
  REQUIRE(out.size() == 4);
  CHECK(at16(out[0], 14 + 4) == at16(out[1], 14 + 4));
  CHECK(at16(out[2], 14 + 4) == at16(out[3], 14 + 4));
  CHECK(at16(out[0], 14 + 4) != at16(out[2], 14 + 4));
}

TEST_CASE("mtu: a fragment that ends behind the longest packet is not fragmented further") {
  Lab lab;
  lab.set(lab.a, 600);
  CHECK(lab.across({datagram(1500, more_fragments | 0x1fff)}).empty());
  CHECK(lab.across({datagram(1500, 8005)}).empty());  // at octet 65,540
  CHECK(lab.a.drops(DropReason::malformed_ip) == 2);
  CHECK(lab.across({datagram(1500, 8004)}).size() == 3);
  CHECK(lab.across({datagram(500, more_fragments | 0x1fff)}).size() ==
        1);  // fits: nobody's business but the receiver's
}

TEST_CASE("mtu: what was put together of fragments is opened, and goes wherever it is to go") {
  const auto before = packets_in_use();
  {
    Lab lab;
    for (Gateway* gateway : {&lab.a, &lab.b})
      for (const ipc::PortId port : {wan_port, lan_port}) gateway->ports().ports[port.value()].mtu = 9000;
    lab.set(lab.a, 9000);
    // a's seal of a packet, as b's reassembly hands it over.
    const auto open = [&](const Bytes& inner) {
      lab.a.from_kernel(Via::tunnel, tunnel.value(), inner);
      const auto sealed = lab.a.sent(wan_port);
      REQUIRE(sealed.size() == 1);
      REQUIRE(sealed[0].size() > 5000);
      lab.b.from_kernel(Via::reassembled, wan_port.value(), sealed[0]);
    };
    const Bytes whole = datagram(5000);

    open(whole);
    const auto out = lab.b.sent(lan_port);
    REQUIRE(out.size() == 1);
    CHECK(Bytes(out[0].begin() + 34, out[0].end()) == Bytes(whole.begin() + 20, whole.end()));

    lab.b.ports().ports[lan_port.value()].mtu = 1500;
    open(whole);  // for the kernel to fragment
    auto punted = lab.b.punted();
    REQUIRE(punted.size() == 1);
    CHECK(punted[0].via == Via::tunnel);
    CHECK(punted[0].bytes == whole);

    const Bytes local = ip({"10.1.0.1", "10.2.0.254"}, udp(5, 6, text(4972)));
    open(local);
    punted = lab.b.punted();
    REQUIRE(punted.size() == 1);
    CHECK(punted[0].bytes == local);

    // Into another tunnel in fragments, though no other large packet could be had.
    lab.b.set_next_hop(ipc::NextHopId(3), ipc::NextHopKind::tunnel, tunnel_without_sa.value());
    SaPair onward = make_sa(lab.a, lab.b);
    onward.outbound.id = ipc::SaId(11);
    onward.outbound.tunnel = tunnel_without_sa;
    std::swap(onward.outbound.source, onward.outbound.destination);
    REQUIRE(lab.b.add(onward.outbound));
    std::vector<rte_mbuf*> taken;
    lab.a.from_kernel(Via::tunnel, tunnel.value(), whole);
    const auto sealed = lab.a.sent(wan_port);
    REQUIRE(sealed.size() == 1);
    while (rte_mempool_avail_count(large_pool()) > 1) taken.push_back(rte_pktmbuf_alloc(large_pool()));
    lab.b.from_kernel(Via::reassembled, wan_port.value(), sealed[0]);
    for (rte_mbuf* mbuf : taken) rte_pktmbuf_free(mbuf);
    CHECK(lab.b.sent(wan_port).size() == 4);  // of 1400 octets at most
    CHECK(lab.b.all_drops() == 0);
    lab.b.set_next_hop(ipc::NextHopId(3), ipc::NextHopKind::adjacency, lan_port.value());
  }
  CHECK(packets_in_use() == before);
}

TEST_CASE("mtu: a full burst of packets, each in several fragments") {
  Lab lab;
  lab.set(lab.a, 600);
  const std::vector<Bytes> whole(64, datagram(1500));
  const auto out = lab.across(whole);
  REQUIRE(out.size() == 64 * 3);
  for (size_t i = 0; i < 64; ++i)
    CHECK(joined({out.begin() + static_cast<long>(3 * i), out.begin() + static_cast<long>(3 * i + 3)}) ==
          Bytes(whole[i].begin() + 20, whole[i].end()));
  CHECK(lab.a.count(outbound_id, ipc::SaCounter::packets) == 64 * 3);
}

TEST_CASE("mtu: what may not be fragmented is the kernel's to answer, as it came") {
  Lab lab;
  lab.set(lab.a, 1400);
  const Bytes df = datagram(1401, dont_fragment), v6 = ip({"fd00:1::1", "fd00:2::2"}, udp(5, 6, text(1400)));
  for (const Bytes& packet : {df, v6}) {
    lab.a.receive(lan_port, packet);
    const auto punted = lab.a.punted();
    REQUIRE(punted.size() == 1);
    CHECK(punted[0].bytes == ethernet(lab.a.mac(lan_port), lab.a.neighbour(lan_port), packet));
  }
  CHECK(lab.a.sent(wan_port).empty());
  // Out of the twin there is nobody to tell any more: the kernel knows the MTU itself.
  lab.a.from_kernel(Via::tunnel, tunnel.value(), df);
  CHECK(lab.a.drops(DropReason::too_big) == 1);
  lab.a.from_kernel(Via::tunnel, tunnel.value(), datagram(1401));
  CHECK(lab.a.sent(wan_port).size() == 2);
}

TEST_CASE("mtu: the policy on DF decides about the outer header, and with clear about the inner packet") {
  struct Case {
    DfPolicy policy;
    bool plain, with_df, v6;
  };
  for (const Case& expected : {Case{DfPolicy::copy, false, true, false}, Case{DfPolicy::clear, false, false, false},
                               Case{DfPolicy::set, true, true, true}}) {
    Lab lab;
    lab.set(lab.a, 1400, expected.policy);
    REQUIRE(
        lab.across({datagram(100), datagram(100, dont_fragment), ip({"fd00:1::1", "fd00:2::2"}, text(50))}).size() ==
        3);
    CHECK(((at16(lab.wire[0], 20) & dont_fragment) != 0) == expected.plain);
    CHECK(((at16(lab.wire[1], 20) & dont_fragment) != 0) == expected.with_df);
    CHECK(((at16(lab.wire[2], 20) & dont_fragment) != 0) == expected.v6);
    for (Bytes frame : lab.wire) {
      const Bytes before = frame;
      fix_checksum(frame);
      CHECK(frame == before);
    }
  }
  Lab lab;
  lab.set(lab.a, 1400, DfPolicy::clear);
  const Bytes whole = datagram(1500, dont_fragment);
  const auto first = lab.across({whole}), second = lab.across({whole});
  REQUIRE(first.size() == 2);
  REQUIRE(second.size() == 2);
  CHECK(joined(first) == Bytes(whole.begin() + 20, whole.end()));
  CHECK((at16(first[0], 6) & dont_fragment) == 0);
  // Packets that were not to be fragmented may share an identification; their fragments may not.
  CHECK(at16(first[0], 4) == at16(first[1], 4));
  CHECK(at16(first[0], 4) != at16(second[0], 4));
}

TEST_CASE("mtu: the computed MTU of each suite is what the way out takes, to the octet") {
  for (size_t i = 0; i < esp_suite_count; ++i)
    for (const Family outer : {Family::ipv4, Family::ipv6})
      for (const bool in_udp : {false, true})
        for (const uint16_t outer_mtu : {1500, 1454, 600}) {
          const auto suite = static_cast<EspSuite>(i);
          Lab lab(suite, in_udp, outer);
          lab.a.ports().ports[wan_port.value()].mtu = outer_mtu;
          const uint16_t largest = largest_inner(suite, outer, in_udp, outer_mtu);
          INFO(info(suite).name << " udp " << in_udp << " outer " << outer_mtu << " inner " << largest);
          lab.set(lab.a, 1500);  // so that nothing but the port's MTU is in the way
          CHECK(lab.across({datagram(largest)}).size() == 1);
          REQUIRE(lab.wire.size() == 1);
          CHECK(lab.wire[0].size() - 14 == esp_size(suite, outer, in_udp, largest).total());
          CHECK(lab.a.all_drops() == 0);
          CHECK(lab.across({datagram(largest + 1u)}).empty());
          CHECK(lab.a.drops(DropReason::too_big) == 1);
        }
}

TEST_CASE("mss: a SYN in either direction announces no more than fits; the checksum stays right") {
  Lab lab;
  const MssLimits limits{.ipv4 = 1398, .ipv6 = 1378};
  for (const bool outbound : {true, false})
    for (const bool v6 : {false, true})
      for (const uint8_t flags : {syn, static_cast<uint8_t>(syn | ack)})
        for (const Bytes& options : {Bytes{2, 4, 0x05, 0xb4},     // 1460, as it is usual
                                     Bytes{1, 2, 4, 0x05, 0xb4},  // at an odd place
                                     Bytes{4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 2, 4, 0xff, 0xff},  // the last one
                                     Bytes{2, 4, 0x05, 0xb4, 1, 1, 2, 4, 0x23, 0x00}}) {            // twice
          lab.set(lab.a, 1500, DfPolicy::copy, outbound ? limits : MssLimits{});
          lab.set(lab.b, 1500, DfPolicy::copy, outbound ? MssLimits{} : limits);
          const Bytes sent = with_checksum(tcp(flags, options, v6));
          const auto out = lab.across({sent});
          REQUIRE(out.size() == 1);
          CHECK(tcp_checksum(out[0]) == 0);
          const size_t start = v6 ? 60 : 40;
          size_t found = 0;
          for (size_t at = start; at < out[0].size() && out[0][at] != 0; at += out[0][at] == 1 ? 1u : out[0][at + 1])
            if (out[0][at] == 2) {
              CHECK(at16(out[0], at + 2) == (v6 ? 1378 : 1398));
              ++found;
            }
          CHECK(found >= 1);
        }
}

TEST_CASE("mss: nothing else is touched") {
  Lab lab;
  lab.set(lab.a, 1500, DfPolicy::copy, {.ipv4 = 1398, .ipv6 = 1378});
  const auto untouched = [&](const Bytes& packet) {
    const auto out = lab.across({packet});
    REQUIRE(out.size() == 1);
    return Bytes(out[0].begin() + 20, out[0].end()) == Bytes(packet.begin() + 20, packet.end());
  };
  CHECK(untouched(with_checksum(tcp(syn, {2, 4, 0x05, 0x00}))));  // 1280: small enough, never raised
  CHECK(untouched(with_checksum(tcp(syn, {}))));
  CHECK(untouched(with_checksum(tcp(ack, {2, 4, 0x05, 0xb4}))));  // no SYN
  // Under TCP-AO, whose authentication covers the other options.
  CHECK(untouched(with_checksum(tcp(syn, {2, 4, 0x05, 0xb4, 29, 8, 1, 1, 9, 9, 9, 9}))));
  CHECK(untouched(with_checksum(tcp(syn, {1, 29, 8, 1, 1, 9, 9, 9, 9, 2, 4, 0x05, 0xb4}))));
  CHECK(untouched(tcp(syn, {2, 0, 0x05, 0xb4})));     // an option of no length
  CHECK(untouched(tcp(syn, {2, 1, 0x05, 0xb4})));     // shorter than itself
  CHECK(untouched(tcp(syn, {2, 40, 0x05, 0xb4})));    // longer than all options
  CHECK(untouched(tcp(syn, {2, 3, 0x05, 0xb4})));     // of another length than an MSS
  CHECK(untouched(tcp(syn, {1, 1, 1, 2})));           // cut short
  CHECK(untouched(tcp(syn, {0, 2, 4, 0x05, 0xb4})));  // behind the end of the options
  Bytes beyond = tcp(syn, {2, 4, 0x05, 0xb4});
  beyond[20 + 12] = 0xf0;  // options said to go past the packet
  CHECK(untouched(beyond));
  Bytes negative = tcp(syn, {2, 4, 0x05, 0xb4});
  negative[20 + 12] = 0x10;  // said to end before they begin
  CHECK(untouched(negative));
  CHECK(untouched(ip({.source = "10.1.0.1", .destination = "10.2.0.2", .protocol = 6}, text(19))));
  CHECK(untouched(ip({.source = "10.1.0.1", .destination = "10.2.0.2", .protocol = 6, .fragment = 9}, text(40))));
  lab.set(lab.a, 1500);
  CHECK(untouched(with_checksum(tcp(syn, {2, 4, 0x05, 0xb4}))));  // no limit
}

}  // namespace sekisho::dataplane::test
