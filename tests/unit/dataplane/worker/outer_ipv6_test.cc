// Tunnels whose outer addresses are IPv6. Two gateways, back to back in memory: what is on the wire between them is
// read here anew, octet by octet.
#include <catch2/catch.hpp>
#include <set>

#include "ipc/convert.h"
#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane::test {
namespace {

using ipc::DropReason, ipc::SaCounter;

constexpr size_t ethernet_size = 14, ipv6_size = 40;

ipc::Address address(const char* text) { return ipc::from_address(IpAddress::parse(text).value()); }

// Gateway 0 seals towards gateway 1.
struct Lab {
  explicit Lab(EspSuite suite = EspSuite::aes128gcm16, bool in_udp = false) : sa(make_sa(a, b, suite, Family::ipv6)) {
    for (ipc::SaAdd* side : {&sa.outbound, &sa.inbound}) set_udp(*side, in_udp);
    REQUIRE(a.add(sa.outbound));
    REQUIRE(b.add(sa.inbound));
  }
  static void set_udp(auto& command, bool in_udp) {
    command.udp_encapsulation = in_udp;
    command.source_port = in_udp ? 4501 : 0;
    command.destination_port = in_udp ? 4500 : 0;
  }
  Bytes sealed(const Bytes& packet) {
    a.receive(lan_port, packet);
    return a.sent(wan_port).at(0);
  }
  // The packet enters a's LAN port; what b's LAN port sends.
  std::vector<Bytes> across(const Bytes& packet) {
    a.receive(lan_port, packet);
    wire = a.sent(wan_port);
    b.receive_frames(wan_port, wire);
    return b.sent(lan_port);
  }
  // Both ends of the SA have these addresses from now on.
  void move(const char* source, const char* destination, bool in_udp) {
    ipc::SaMove move{
        .id = outbound_id, .spi = sa.outbound.spi, .source = address(source), .destination = address(destination)};
    set_udp(move, in_udp);
    REQUIRE(a.move(move));
    move.id = inbound_id;
    REQUIRE(b.move(move));
  }
  Gateway a{0}, b{1};
  SaPair sa;
  std::vector<Bytes> wire;
};

const Bytes sample4 = ip({"10.1.0.1", "10.2.0.2"}, udp(5, 6, text(60)));
const Bytes sample6 = ip({"fd00:1::1", "fd00:2::2"}, udp(5, 6, text(60)));

uint16_t at16(ByteView bytes, size_t offset) { return ByteReader(bytes.subspan(offset)).u16(); }
uint32_t at32(ByteView bytes, size_t offset) { return ByteReader(bytes.subspan(offset)).u32(); }

// RFC 8200 section 8.1, the plain way: 0xffff where the checksum of what stands behind the IPv6 header is right.
uint32_t transport_sum(ByteView packet) {
  const ByteView payload = packet.subspan(ipv6_size);
  uint32_t sum = packet[6] + static_cast<uint32_t>(payload.size());
  for (size_t i = 8; i < ipv6_size; i += 2) sum += at16(packet, i);
  for (size_t i = 0; i < payload.size(); i += 2)
    sum += static_cast<uint32_t>(payload[i] << 8) + (i + 1 < payload.size() ? payload[i + 1] : 0u);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

// What the frame's outer header is to be, but for the flow label.
void check_header(ByteView frame, const Lab& lab, bool in_udp, uint8_t traffic_class) {
  CHECK(at16(frame, 12) == 0x86dd);
  const ByteView packet = frame.subspan(ethernet_size);
  CHECK(at32(packet, 0) >> 28 == 6);
  CHECK((at32(packet, 0) >> 20 & 0xff) == traffic_class);
  CHECK(at16(packet, 4) == packet.size() - ipv6_size);
  CHECK(packet[6] == (in_udp ? 17 : 50));
  CHECK(packet[7] == 64);
  CHECK(IpAddress::from_bytes(packet.subspan(8, 16)) == IpAddress::parse(lab.a.wan_address(Family::ipv6)));
  CHECK(IpAddress::from_bytes(packet.subspan(24, 16)) == IpAddress::parse(lab.b.wan_address(Family::ipv6)));
  CHECK(at32(packet, ipv6_size + (in_udp ? 8 : 0)) == lab.sa.outbound.spi);
  if (!in_udp) return;
  CHECK(at16(packet, 40) == 4501);
  CHECK(at16(packet, 42) == 4500);
  CHECK(at16(packet, 44) == packet.size() - ipv6_size);
  CHECK(at16(packet, 46) != 0);
  CHECK(transport_sum(packet) == 0xffff);
}

// ESP of an SA's SPI with nothing behind it that would open.
Bytes esp_of(uint32_t spi, size_t size = 60) {
  ByteWriter esp;
  esp.u32(spi);
  esp.u32(7);
  esp.bytes(text(size - 8));
  return std::move(esp).take();
}

// The payload of a packet behind a fragment header.
Bytes with_fragment_header(uint8_t protocol, uint16_t offset_and_more, ByteView payload) {
  ByteWriter out;
  out.u8(protocol);
  out.u8(0);
  out.u16(offset_and_more);
  out.u32(0x1234);
  out.bytes(payload);
  return std::move(out).take();
}

}  // namespace

TEST_CASE("outer IPv6: every suite, plain and in UDP, carries IPv4 and IPv6 of any size") {
  for (size_t suite = 0; suite < esp_suite_count; ++suite)
    for (const bool in_udp : {false, true}) {
      Lab lab(static_cast<EspSuite>(suite), in_udp);
      std::set<uint32_t> flow_labels;
      for (const bool v6 : {false, true})
        for (const size_t size : {1u, 2u, 3u, 4u, 5u, 15u, 16u, 17u, 63u, 512u, 1332u}) {
          INFO(esp_suites[suite].name << " udp " << in_udp << " v6 " << v6 << " size " << size);
          const Bytes payload = udp(5, 6, text(size));
          const Bytes packet = v6 ? ip({.source = "fd00:1::1", .destination = "fd00:2::2", .tos = 0xb9}, payload)
                                  : ip({.source = "10.1.0.1", .destination = "10.2.0.2", .tos = 0xb9}, payload);
          const auto out = lab.across(packet);
          REQUIRE(out.size() == 1);
          CHECK(out[0].size() == packet.size() + ethernet_size);
          CHECK(contains(out[0], payload));
          REQUIRE(lab.wire.size() == 1);
          check_header(lab.wire[0], lab, in_udp, 0xb9);
          if (size > 8) CHECK_FALSE(contains(lab.wire[0], ByteView(payload).subspan(8)));
          flow_labels.insert(at32(lab.wire[0], ethernet_size) & 0xfffff);
        }
      CHECK(flow_labels.size() == 1);
      CHECK(*flow_labels.begin() != 0);
      CHECK(lab.a.all_drops() + lab.b.all_drops() == 0);
      CHECK(lab.b.count(inbound_id, SaCounter::packets) == 22);
      CHECK(lab.b.event()->sa_event == ipc::SaEventKind::first_packet);
      CHECK_FALSE(lab.b.event());
    }
  CHECK(packets_in_use() == 0);
}

TEST_CASE("outer IPv6: a burst for SAs of both families, in UDP and not, each in its own header") {
  Lab lab(EspSuite::aes128gcm16, true);
  // IPv4 goes by another SA of the tunnel, over IPv4.
  SaPair other = make_sa(lab.a, lab.b);
  for (ipc::SaAdd* side : {&other.outbound, &other.inbound}) {
    side->id = ipc::SaId(side->id.value() + 1);
    side->selector_pairs = 1;
  }
  other.outbound.spi = other.inbound.spi = 0x5eca << 15 | other.inbound.id.value();
  REQUIRE(lab.a.add(other.outbound));
  REQUIRE(lab.b.add(other.inbound));
  const std::array further{outbound_id};
  lab.a.tunnels().set(tunnel, {other.outbound.id, tunnel_mtu}, further);
  std::vector<Bytes> frames;
  for (const Bytes& packet : {sample4, sample6, sample6, sample4, sample6})
    frames.push_back(ethernet(lab.a.mac(lan_port), lab.a.neighbour(lan_port), packet));
  lab.a.receive_frames(lan_port, frames);
  const auto wire = lab.a.sent(wan_port);
  REQUIRE(wire.size() == 5);
  for (const Bytes& frame : wire)
    if (at16(frame, 12) == 0x86dd) check_header(frame, lab, true, 0);
  CHECK(std::ranges::count_if(wire, [](const Bytes& frame) { return at16(frame, 12) == 0x86dd; }) == 3);
  lab.b.receive_frames(wan_port, wire);
  CHECK(lab.b.sent(lan_port).size() == 5);
  CHECK(lab.a.all_drops() + lab.b.all_drops() == 0);
  lab.a.remove(other.outbound.id);
}

TEST_CASE("outer IPv6: DSCP and ECN go out, congestion comes in, to either family") {
  Lab lab;
  for (const bool v6 : {false, true}) {
    IpFields fields{v6 ? "fd00:1::1" : "10.1.0.1", v6 ? "fd00:2::2" : "10.2.0.2"};
    fields.tos = 0xb8 | 2;
    Bytes frame = lab.sealed(ip(fields, text(20)));
    CHECK((at32(frame, ethernet_size) >> 20 & 0xff) == (0xb8 | 2));
    frame[ethernet_size + 1] |= 0x30;  // congestion experienced
    lab.b.receive_frame(wan_port, frame);
    const auto out = lab.b.sent(lan_port);
    REQUIRE(out.size() == 1);
    CHECK((v6 ? at32(out[0], ethernet_size) >> 20 & 0xff : out[0][ethernet_size + 1]) == (0xb8 | 3));

    fields.tos = 0;
    frame = lab.sealed(ip(fields, text(20)));
    CHECK((at32(frame, ethernet_size) >> 20 & 0xff) == 0);
    frame[ethernet_size + 1] |= 0x30;
    lab.b.receive_frame(wan_port, frame);
    CHECK(lab.b.sent(lan_port).empty());
  }
  CHECK(lab.b.drops(DropReason::esp_ecn) == 2);
}

TEST_CASE("outer IPv6: an SA moves between the families, into UDP and out of it") {
  Lab lab;
  uint32_t expected = 0;
  for (const auto& [v6, in_udp] : {std::pair{false, false}, {true, true}, {false, true}, {true, false}, {true, true}}) {
    const Family family = v6 ? Family::ipv6 : Family::ipv4;
    const Bytes before = lab.sealed(sample4);
    lab.move(lab.a.wan_address(family), lab.b.wan_address(family), in_udp);
    lab.b.receive_frame(wan_port, before);  // of another family, or encapsulated otherwise
    CHECK(lab.b.sent(lan_port).empty());
    for (const Bytes& packet : {sample4, sample6}) {
      REQUIRE(lab.across(packet).size() == 1);
      CHECK(at16(lab.wire[0], 12) == (v6 ? 0x86dd : 0x0800));
      if (v6) check_header(lab.wire[0], lab, in_udp, 0);
    }
    expected += 3;
    CHECK(at32(lab.wire[0], ethernet_size + (v6 ? 40 : 20) + (in_udp ? 8 : 0) + 4) == expected);
  }
  CHECK(lab.b.drops(DropReason::esp_wrong_address) == 5);
}

TEST_CASE("outer IPv6: an unresolved way to the peer: the sealed packet goes to the kernel, with its checksum") {
  for (const bool in_udp : {false, true}) {
    Lab lab(EspSuite::aes256_sha256, in_udp);
    lab.a.set_next_hop(ipc::NextHopId(2), ipc::NextHopKind::punt);
    lab.a.receive(lan_port, sample4);
    const auto punted = lab.a.punted();
    REQUIRE(punted.size() == 1);
    CHECK(punted[0].via == Via::route);
    check_header(ethernet(lab.b.mac(wan_port), lab.a.mac(wan_port), punted[0].bytes), lab, in_udp, 0);
    lab.b.receive(wan_port, punted[0].bytes);
    CHECK(lab.b.sent(lan_port).size() == 1);
  }
}

TEST_CASE("outer IPv6: an SA of one family takes nothing of the other, whatever the SPI") {
  Lab lab;
  const Bytes frame = lab.sealed(sample4);
  const Bytes esp(frame.begin() + ethernet_size + ipv6_size, frame.end());
  lab.b.receive(wan_port, ip({"192.0.2.1", "192.0.2.2", 50}, esp));
  lab.b.receive(wan_port, ip({"192.0.2.1", "192.0.2.2"}, udp(4501, 4500, esp)));
  CHECK(lab.b.drops(DropReason::esp_wrong_address) == 2);
  lab.move("192.0.2.1", "192.0.2.2", false);
  lab.b.receive_frame(wan_port, frame);
  CHECK(lab.b.drops(DropReason::esp_wrong_address) == 3);
  // 0.0.0.0 and :: are what an SA has in the place of the other family's addresses, and no packet's.
  for (const Bytes& packet : {ip({"0.0.0.0", "0.0.0.0", 50}, esp), ip({"192.0.2.1", "0.0.0.0", 50}, esp),
                              ip({"::", "::", 50}, esp), ip({"2001:db8::1", "::", 50}, esp)})
    lab.b.receive(wan_port, packet);
  CHECK(lab.b.drops(DropReason::malformed_ip) == 3);
  CHECK(lab.b.punted().size() == 1);  // IPv4 to 0.0.0.0: not ours to judge
  CHECK(lab.b.sent(lan_port).empty());
  CHECK(lab.b.count(inbound_id, SaCounter::packets) == 0);
  CHECK(lab.b.sad().inbound(inbound_id)->replay.highest() == 0);
}

TEST_CASE("outer IPv6: ESP nobody knows, from elsewhere, or for somebody else") {
  Lab lab;
  const Bytes frame = lab.sealed(sample4);
  const Bytes esp(frame.begin() + ethernet_size + ipv6_size, frame.end());
  Bytes unknown = frame;
  unknown[ethernet_size + ipv6_size] ^= 1;  // high bits of the SPI: same index
  lab.b.receive_frame(wan_port, unknown);
  CHECK(lab.b.drops(DropReason::esp_unknown_spi) == 1);
  const auto event = lab.b.event();
  REQUIRE(event);
  CHECK(event->kind == PathEventKind::unknown_spi);
  CHECK(event->source == IpAddress::parse("2001:db8::1"));
  CHECK(event->spi == (lab.sa.inbound.spi ^ 0x01000000));

  // Each word of the addresses counts.
  for (const size_t at : {8u, 15u, 16u, 23u}) {
    Bytes elsewhere = frame;
    elsewhere[ethernet_size + at] ^= 1;
    lab.b.receive_frame(wan_port, elsewhere);
  }
  lab.b.receive(wan_port, ip({"2001:db8::1", "fd00:2::fe", 50}, esp));                // another address of ours
  lab.b.receive(wan_port, ip({"2001:db8::1", "2001:db8::2"}, udp(4501, 4500, esp)));  // in UDP, but the SA is not
  CHECK(lab.b.drops(DropReason::esp_wrong_address) == 6);
  CHECK(lab.b.count(inbound_id, SaCounter::wrong_address) == 6);
  CHECK(lab.b.sent(lan_port).empty());

  lab.b.receive(wan_port, ip({"2001:db8::1", "fd00:2::2", 50}, esp));  // for a host behind us: transit
  CHECK(lab.b.sent(lan_port).size() == 1);
  lab.b.receive_frame(wan_port, frame);
  CHECK(lab.b.sent(lan_port).size() == 1);
}

TEST_CASE("outer IPv6: cut short anywhere, corrupted, replayed") {
  for (const bool in_udp : {false, true}) {
    Lab lab(EspSuite::aes128gcm16, in_udp);
    const Bytes frame = lab.sealed(sample6);
    const Bytes whole(frame.begin() + ethernet_size, frame.end());
    const size_t header = ipv6_size + (in_udp ? 8 : 0);
    for (size_t length = 1; length < whole.size(); ++length) {
      Bytes shortened(whole.begin(), whole.begin() + static_cast<long>(length));
      lab.b.receive(wan_port, shortened);  // the header says more than there is
      if (length < header) continue;
      shortened[4] = static_cast<uint8_t>((length - ipv6_size) >> 8);
      shortened[5] = static_cast<uint8_t>(length - ipv6_size);
      lab.b.receive(wan_port, shortened);
    }
    CHECK(lab.b.sent(lan_port).empty());
    CHECK(lab.b.drops(DropReason::malformed_ip) == whole.size() - 1);
    // UDP too short for ESP and IKE's marker is the control's.
    CHECK(lab.b.punted().size() == (in_udp ? 4 : 0));
    CHECK(lab.b.all_drops() == 2 * whole.size() - 1 - header - (in_udp ? 4 : 0));
    const uint64_t integrity = lab.b.drops(DropReason::esp_integrity);
    for (const size_t at : {header + 7, header + 8, whole.size() - 20, whole.size() - 1}) {
      Bytes corrupted = whole;
      corrupted[at] ^= 0x10;
      lab.b.receive(wan_port, corrupted);
    }
    CHECK(lab.b.drops(DropReason::esp_integrity) == integrity + 4);
    lab.b.receive(wan_port, whole);
    CHECK(lab.b.sent(lan_port).size() == 1);
    lab.b.receive(wan_port, whole);
    CHECK(lab.b.drops(DropReason::esp_replay) == 1);
  }
}

TEST_CASE("outer IPv6: IKE and what is no ESP is the control's; a UDP checksum is not looked at") {
  Lab lab(EspSuite::aes128gcm16, true);
  for (const Bytes& payload :
       {udp(500, 500, text(28)), udp(4500, 4500, Bytes(32)), udp(4501, 4500, Bytes{0xff}), udp(4500, 4501, text(40))}) {
    lab.b.receive(wan_port, ip({"2001:db8::1", "2001:db8::2"}, payload));
    CHECK(lab.b.punted().size() == 1);
  }
  Bytes frame = lab.sealed(sample4);
  frame[ethernet_size + ipv6_size + 6] = frame[ethernet_size + ipv6_size + 7] = 0;
  lab.b.receive_frame(wan_port, frame);  // the ICV says what the checksum would
  CHECK(lab.b.sent(lan_port).size() == 1);
}

TEST_CASE("outer IPv6: fragments for us that may be ESP go to be put together, and what is whole is opened") {
  Lab lab(EspSuite::aes128gcm16, true);
  const Bytes esp = esp_of(lab.sa.inbound.spi);
  const auto goes = [&](const Bytes& payload) {
    const Bytes packet = ip({"2001:db8::1", "2001:db8::2", 44}, payload);
    lab.b.receive(wan_port, packet);
    const auto punted = lab.b.punted();
    REQUIRE(punted.size() == 1);
    CHECK(punted[0].bytes == ethernet(lab.b.mac(wan_port), lab.b.neighbour(wan_port), packet));
    return punted[0].via;
  };
  for (const uint8_t protocol : {50, 17})
    for (const uint16_t place : {0x0001, 0x0040, 0x0041, 0x0000})  // the first, the last, between, and all there is
      CHECK(goes(with_fragment_header(protocol, place, esp)) == Via::fragment);
  CHECK(goes(with_fragment_header(6, 0x0001, esp)) == Via::port);
  CHECK(goes(Bytes{50, 0, 0, 1, 1, 2, 3}) == Via::port);  // half a fragment header
  CHECK(goes({}) == Via::port);

  const Bytes frame = lab.sealed(sample6);
  lab.b.from_kernel(Via::reassembled, wan_port.value(), frame);
  CHECK(lab.b.sent(lan_port).size() == 1);
  CHECK(lab.b.all_drops() == 0);
  lab.b.from_kernel(Via::reassembled, wan_port.value(), ByteView(frame).first(40));
  CHECK(lab.b.drops(DropReason::malformed_ip) == 1);
}

TEST_CASE("outer IPv6: ESP behind other extension headers is the kernel's") {
  Lab lab;
  Bytes payload{50, 0, 1, 4, 0, 0, 0, 0};  // destination options: padding
  const Bytes esp = esp_of(lab.sa.inbound.spi);
  payload.insert(payload.end(), esp.begin(), esp.end());
  lab.b.receive(wan_port, ip({"2001:db8::1", "2001:db8::2", 60}, payload));
  CHECK(lab.b.punted().size() == 1);
  CHECK(lab.b.all_drops() == 0);
}

TEST_CASE("outer IPv6: a peer behind a NAT that moved is served, and reported once, with all of its address") {
  Lab lab(EspSuite::aes128gcm16, true);
  const auto moved = [&](size_t at) {
    Bytes frame = lab.sealed(sample4);
    frame[ethernet_size + at] ^= 0x40;
    return frame;
  };
  lab.b.receive_frame(wan_port, lab.sealed(sample4));
  CHECK(lab.b.event()->sa_event == ipc::SaEventKind::first_packet);
  CHECK_FALSE(lab.b.event());
  lab.b.receive_frame(wan_port, moved(23));
  lab.b.receive_frame(wan_port, moved(8));
  CHECK(lab.b.sent(lan_port).size() == 3);
  const auto event = lab.b.event();
  REQUIRE(event);
  CHECK(event->sa_event == ipc::SaEventKind::source_changed);
  CHECK(event->source == IpAddress::parse("2001:db8::41"));
  CHECK(event->source_port.host() == 4501);
  CHECK_FALSE(lab.b.event());
}

TEST_CASE("outer IPv6: addresses that no outer header can have are refused") {
  Lab lab;
  const auto refused = [&](const char* source, const char* destination) {
    ipc::SaAdd add = lab.sa.outbound;
    add.source = address(source);
    add.destination = address(destination);
    const ipc::SaMove move{.id = add.id, .spi = add.spi, .source = add.source, .destination = add.destination};
    CHECK(check(add).has_value() == check(move).has_value());
    return !check(add);
  };
  CHECK_FALSE(refused("2001:db8::1", "2001:db8::2"));
  CHECK_FALSE(refused("fd00::1", "2001:db8::2"));
  CHECK_FALSE(refused("192.0.2.1", "192.0.2.2"));
  CHECK(refused("192.0.2.1", "2001:db8::2"));
  CHECK(refused("2001:db8::1", "192.0.2.2"));
  CHECK(refused("::", "2001:db8::2"));
  CHECK(refused("2001:db8::1", "::"));
  CHECK(refused("2001:db8::1", "::1"));
  CHECK(refused("2001:db8::1", "ff0e::1"));
  CHECK(refused("ff02::1", "2001:db8::2"));
  CHECK(refused("fe80::1", "fe80::2"));
  CHECK(refused("2001:db8::1", "febf::2"));
  CHECK(refused("192.0.2.1", "224.0.0.1"));
  CHECK(refused("0.0.0.0", "192.0.2.2"));
  CHECK(refused("0.1.2.3", "192.0.2.2"));
  CHECK(refused("192.0.2.1", "127.0.0.9"));
  CHECK(refused("192.0.2.1", "240.0.0.1"));
  CHECK(refused("192.0.2.1", "255.255.255.255"));
  CHECK(refused("::ffff:192.0.2.1", "2001:db8::2"));
  CHECK(refused("2001:db8::1", "::ffff:192.0.2.2"));
}

}  // namespace sekisho::dataplane::test
