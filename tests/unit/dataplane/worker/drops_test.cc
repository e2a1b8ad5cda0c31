// Every way a packet can end, under its own name; and that none of them leaks a buffer or lets a packet through.
#include <catch2/catch.hpp>
#include <cstring>

#include "dataplane/stage/esp_packet.h"
#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane::test {
namespace {

using ipc::DropReason, ipc::SaCounter;

const Bytes sample = ip({"10.1.0.1", "10.2.0.2"}, udp(5, 6, text(60)));

// Gateway 0 seals towards gateway 1.
struct Lab {
  explicit Lab(EspSuite suite = EspSuite::aes128gcm16, Family outer = Family::ipv4) : sa(make_sa(a, b, suite, outer)) {}
  void install() {
    REQUIRE(a.add(sa.outbound));
    REQUIRE(b.add(sa.inbound));
  }
  Bytes sealed(const Bytes& packet = sample) {
    a.receive(lan_port, packet);
    return a.sent(wan_port).at(0);
  }
  // Nothing came out of b, and that under this name alone.
  bool dropped_only(DropReason reason, uint64_t times = 1) {
    const auto punted = b.punted();
    return b.sent(lan_port).empty() && b.sent(wan_port).empty() && punted.empty() && b.drops(reason) == times &&
           b.all_drops() == times;
  }
  // An ESP packet of the SA with any content, as only a peer that holds the key can make it.
  Bytes forged(ByteView plain, uint32_t sequence = 1) {
    const EspSuiteInfo& suite = info(sa.inbound.suite);
    ByteWriter esp;
    esp.u32(sa.inbound.spi);
    esp.u32(sequence);
    esp.zeros(suite.iv);
    esp.bytes(plain);
    esp.zeros(suite.icv);
    Bytes packet = std::move(esp).take();
    const auto crypto = crypto::EspCrypto::create(crypto::EspBackend::openssl);
    const auto key = crypto->make_key(sa.inbound.suite, false, {sa.inbound.key.data(), suite.key_material()});
    crypto::EspJob job{.key = key.get(), .esp = packet.data(), .length = static_cast<uint32_t>(packet.size())};
    crypto->seal({&job, 1});
    REQUIRE(job.ok);
    return ip({"192.0.2.1", "192.0.2.2", 50}, packet);
  }

  Gateway a{0}, b{1};
  SaPair sa;
};

// Payload, padding 1, 2, 3, ... and trailer.
Bytes with_trailer(Bytes payload, uint8_t next_header, uint8_t block = 4) {
  const uint8_t padding = padding_for(payload.size(), block);
  const size_t length = payload.size();
  payload.resize(length + trailer_room);
  write_trailer(payload.data() + length, padding, next_header);
  payload.resize(length + padding + 2);
  return payload;
}

}  // namespace

TEST_CASE("Ethernet: what is not ours is dropped, what is not IP is the kernel's") {
  Lab lab;
  const auto good = ethernet(lab.b.mac(wan_port), lab.b.neighbour(wan_port), sample);
  lab.b.receive_frame(wan_port, ByteView(good).first(13));
  CHECK(lab.dropped_only(DropReason::malformed_ethernet));
  Bytes foreign = good;
  foreign[5] ^= 0x40;
  lab.b.receive_frame(wan_port, foreign);
  CHECK(lab.b.drops(DropReason::foreign_mac) == 1);
  const MacAddress broadcast{{255, 255, 255, 255, 255, 255}};
  for (const Bytes& frame :
       {ethernet(broadcast, lab.b.neighbour(wan_port), 0x0806, text(28)),
        ethernet(lab.b.mac(wan_port), lab.b.neighbour(wan_port), 0x0806, text(28)),
        ethernet(lab.b.mac(wan_port), lab.b.neighbour(wan_port), 0x8100, text(50)),
        ethernet({{0x33, 0x33, 0, 0, 0, 1}}, lab.b.neighbour(wan_port), ip({"fe80::1", "ff02::1", 58}, text(8))),
        ethernet(lab.b.mac(wan_port), lab.b.neighbour(wan_port), ip({"fe80::1", "fe80::2", 58}, text(8)))}) {
    lab.b.receive_frame(wan_port, frame);
    const auto punted = lab.b.punted();
    REQUIRE(punted.size() == 1);
    CHECK(punted[0].via == Via::port);
    CHECK(punted[0].id == wan_port.value());
    CHECK(punted[0].bytes == frame);  // as it came
  }
  CHECK(lab.b.all_drops() == 2);
  CHECK(lab.b.count(wan_port, ipc::PortCounter::punted) == 5);
}

TEST_CASE("IP: malformed, blackholed, punted, local, expiring and too big packets") {
  Lab lab;
  lab.install();
  Bytes malformed = sample;
  malformed[10] ^= 1;
  lab.b.receive(wan_port, malformed);
  CHECK(lab.dropped_only(DropReason::malformed_ip));
  lab.b.receive(wan_port, ip({"10.1.0.1", "198.51.100.1"}, {}));  // a blackhole route
  lab.b.receive(wan_port, ip({"10.1.0.1", "8.8.8.8"}, {}));       // no route
  lab.b.receive(wan_port, ip({"fd00:1::1", "fd00:9::1"}, {}));
  CHECK(lab.b.drops(DropReason::blackhole) == 3);
  const auto punts = [&](Gateway& gateway, ipc::PortId port, const Bytes& packet) {
    gateway.receive(port, packet);
    const auto punted = gateway.punted();
    return punted.size() == 1 && punted[0].via == Via::port && punted[0].id == port.value() &&
           punted[0].bytes == ethernet(gateway.mac(port), gateway.neighbour(port), packet);
  };
  CHECK(punts(lab.b, wan_port, ip({"10.1.0.1", "203.0.113.5"}, {})));  // the kernel resolves and forwards
  CHECK(punts(lab.b, wan_port, ip({"192.0.2.1", "192.0.2.2"}, udp(500, 500, text(28)))));
  CHECK(punts(lab.b, wan_port, ip({"192.0.2.1", "192.0.2.2"}, udp(4500, 4500, Bytes(32)))));  // IKE behind its marker
  CHECK(punts(lab.b, wan_port, ip({"192.0.2.1", "192.0.2.2"}, udp(4500, 4500, Bytes{0xff}))));
  CHECK(punts(lab.b, wan_port, ip({"fd00:1::1", "fd00:2::fe", 58}, text(8))));
  CHECK(punts(lab.b, wan_port, ip({.source = "192.0.2.1", .destination = "10.2.0.1", .options = true}, {})));
  CHECK(punts(lab.b, wan_port, ip({.source = "192.0.2.1", .destination = "10.2.0.1", .ttl = 1}, {})));
  CHECK(punts(lab.b, wan_port, ip({.source = "192.0.2.1", .destination = "10.2.0.1", .ttl = 0}, {})));
  CHECK(punts(lab.b, wan_port, ip({.source = "fd00:9::1", .destination = "fd00:2::1", .ttl = 1}, {})));
  CHECK(punts(lab.b, wan_port, ip({"192.0.2.1", "10.2.0.1"}, text(1481))));  // over the port's MTU
  CHECK(punts(lab.a, lan_port,
              ip({.source = "10.1.0.1", .destination = "10.2.0.1", .fragment = 0x4000}, text(tunnel_mtu))));
  CHECK(lab.a.all_drops() == 0);
  CHECK(lab.a.count(outbound_id, SaCounter::packets) == 0);
  lab.b.receive(wan_port, ip({"192.0.2.1", "10.2.0.1"}, text(1480)));
  CHECK(lab.b.sent(lan_port).size() == 1);
}

TEST_CASE("no SA, no packet: nothing leaves in clear") {
  Lab lab;
  for (int i = 0; i < 3; ++i) lab.a.receive(lan_port, sample);
  CHECK(lab.a.drops(DropReason::no_outbound_sa) == 3);
  lab.a.receive(lan_port, ip({"10.1.0.1", "172.16.0.1"}, text(20)));
  CHECK(lab.a.drops(DropReason::no_outbound_sa) == 4);
  lab.install();
  CHECK(lab.sealed().size() > sample.size());
  // An id that has moved on to another tunnel is not this tunnel's SA.
  lab.a.remove(outbound_id);
  lab.sa.outbound.tunnel = tunnel_without_sa;
  REQUIRE(lab.a.add(lab.sa.outbound));
  lab.a.receive(lan_port, sample);
  CHECK(lab.a.drops(DropReason::no_outbound_sa) == 5);
  lab.a.remove(outbound_id);
  lab.a.receive(lan_port, sample);
  CHECK(lab.a.drops(DropReason::no_outbound_sa) == 6);
  CHECK(lab.a.sent(wan_port).empty());
  CHECK(lab.a.punted().empty());
}

TEST_CASE("ESP that is replayed, corrupted or cut short") {
  for (const EspSuite suite : {EspSuite::aes256gcm16, EspSuite::aes256_sha256}) {
    Lab lab(suite);
    lab.install();
    const Bytes frame = lab.sealed();
    // Every byte from the sequence number on is authenticated; the SPI leads to the SA.
    for (const size_t at : {size_t{14 + 20 + 7}, size_t{14 + 20 + 8}, frame.size() - 20, frame.size() - 1}) {
      Bytes corrupted = frame;
      corrupted[at] ^= 0x10;
      lab.b.receive_frame(wan_port, corrupted);
    }
    CHECK(lab.dropped_only(DropReason::esp_integrity, 4));
    CHECK(lab.b.count(inbound_id, SaCounter::integrity) == 4);
    CHECK(lab.b.sad().inbound(inbound_id)->replay.highest() == 0);  // nothing forged moves the window
    CHECK_FALSE(lab.b.event());
    lab.b.receive_frame(wan_port, frame);
    CHECK(lab.b.sent(lan_port).size() == 1);
    lab.b.receive_frame(wan_port, frame);
    lab.b.receive_frames(wan_port, {frame, frame});
    CHECK(lab.b.sent(lan_port).empty());
    CHECK(lab.b.drops(DropReason::esp_replay) == 3);
    CHECK(lab.b.count(inbound_id, SaCounter::replay) == 3);
    const Bytes fresh = lab.sealed();
    lab.b.receive_frames(wan_port, {fresh, fresh, fresh});  // within one burst
    CHECK(lab.b.sent(lan_port).size() == 1);
    CHECK(lab.b.drops(DropReason::esp_replay) == 5);

    const uint64_t before = lab.b.all_drops();
    const Bytes whole(frame.begin() + 14, frame.end());
    for (size_t length = 20; length < whole.size(); ++length) {
      Bytes shortened(whole.begin(), whole.begin() + static_cast<long>(length));
      shortened[2] = static_cast<uint8_t>(length >> 8);
      shortened[3] = static_cast<uint8_t>(length);
      if (length >= 28) shortened[27] = 77;  // a fresh number
      fix_checksum(shortened, 0);
      lab.b.receive(wan_port, shortened);
    }
    CHECK(lab.b.sent(lan_port).empty());
    CHECK(lab.b.punted().empty());
    CHECK(lab.b.all_drops() == before + whole.size() - 20);
    CHECK(lab.b.drops(DropReason::esp_truncated) >= size_t{8} + info(suite).iv + info(suite).icv);
    CHECK(lab.b.count(inbound_id, SaCounter::truncated) > 0);
  }
}

TEST_CASE("an SA without a window takes the same number again") {
  Lab lab;
  lab.sa.inbound.replay_window = 0;
  lab.install();
  const Bytes frame = lab.sealed();
  lab.b.receive_frames(wan_port, {frame, frame});
  CHECK(lab.b.sent(lan_port).size() == 2);
}

TEST_CASE("ESP nobody knows: unknown SPI, wrong address or encapsulation, fragments; transit passes") {
  Lab lab;
  lab.install();
  const Bytes frame = lab.sealed();
  Bytes unknown = frame;
  unknown[14 + 20] ^= 1;  // high bits of the SPI: same index
  lab.b.receive_frame(wan_port, unknown);
  CHECK(lab.dropped_only(DropReason::esp_unknown_spi));
  const auto event = lab.b.event();
  REQUIRE(event);
  CHECK(event->kind == PathEventKind::unknown_spi);
  CHECK(event->spi == (lab.sa.inbound.spi ^ 0x01000000));
  CHECK(event->source == IpAddress::parse("192.0.2.1"));
  lab.b.receive_frame(wan_port, unknown);
  CHECK_FALSE(lab.b.event());  // at most a few a second

  Bytes elsewhere = frame;
  elsewhere[14 + 15] = 7;  // from another address
  fix_checksum(elsewhere);
  lab.b.receive_frame(wan_port, elsewhere);
  Bytes other_local = frame;  // to another address of ours
  std::memcpy(&other_local[14 + 16], Bytes{10, 2, 0, 254}.data(), 4);
  fix_checksum(other_local);
  lab.b.receive_frame(wan_port, other_local);
  const Bytes esp(frame.begin() + 34, frame.end());
  lab.b.receive(wan_port, ip({"192.0.2.1", "192.0.2.2"}, udp(4500, 4500, esp)));  // in UDP, but the SA is not
  CHECK(lab.b.drops(DropReason::esp_wrong_address) == 3);
  CHECK(lab.b.count(inbound_id, SaCounter::wrong_address) == 3);

  // What may be ESP once it is whole goes to be put together; what is and is not for us any more comes back.
  for (const uint8_t protocol : {50, 17})
    for (const uint16_t fragment : {0x2000, 0x0010}) {
      const Bytes packet =
          ip({.source = "192.0.2.1", .destination = "192.0.2.2", .protocol = protocol, .fragment = fragment}, esp);
      lab.b.receive(wan_port, packet);
      const auto punted = lab.b.punted();
      REQUIRE(punted.size() == 1);
      CHECK(punted[0].via == Via::fragment);
      CHECK(punted[0].bytes == ethernet(lab.b.mac(wan_port), lab.b.neighbour(wan_port), packet));
    }
  lab.b.from_kernel(Via::reassembled, wan_port.value(), unknown);
  CHECK(lab.b.drops(DropReason::esp_unknown_spi) == 3);
  lab.b.from_kernel(Via::reassembled, wan_port.value(), Bytes(20));
  CHECK(lab.b.drops(DropReason::malformed_ip) == 1);
  lab.b.receive(wan_port, ip({"192.0.2.1", "192.0.2.2", 50}, Bytes{1, 2, 3}));
  CHECK(lab.b.drops(DropReason::esp_truncated) == 1);
  CHECK(lab.b.sent(lan_port).empty());

  // Other people's ESP, even with an SPI of ours, is just a packet.
  Bytes transit = frame;
  std::memcpy(&transit[14 + 16], Bytes{10, 2, 0, 9}.data(), 4);
  fix_checksum(transit);
  lab.b.receive_frame(wan_port, transit);
  CHECK(lab.b.sent(lan_port).size() == 1);
  CHECK(lab.b.punted().empty());
}

TEST_CASE("authentic ESP with a content that cannot be") {
  Lab lab;
  lab.install();
  auto receive = [&, sequence = 0u](const Bytes& plain) mutable {
    lab.b.receive(wan_port, lab.forged(plain, ++sequence));
  };
  receive(with_trailer(sample, 4));
  CHECK(lab.b.sent(lan_port).size() == 1);  // the forger works

  Bytes padding = with_trailer(Bytes(sample.begin(), sample.end() - 1), 4);
  padding[padding.size() - 3] ^= 1;
  receive(padding);
  Bytes too_much(8, 0xfe);  // more padding than bytes
  receive(too_much);
  CHECK(lab.b.count(inbound_id, SaCounter::padding) == 2);
  CHECK(lab.dropped_only(DropReason::esp_padding, 2));

  receive(with_trailer(sample, 59));  // a dummy packet, RFC 4303 section 2.6
  receive(with_trailer(sample, 6));   // transport mode
  CHECK(lab.b.drops(DropReason::esp_next_header) == 2);
  CHECK(lab.b.count(inbound_id, SaCounter::next_header) == 2);

  receive(with_trailer(sample, 41));  // IPv4 said to be IPv6
  receive(with_trailer({}, 4));
  receive(with_trailer(Bytes(sample.begin(), sample.end() - 4), 4));  // shorter than its header says
  CHECK(lab.b.drops(DropReason::esp_inner_malformed) == 3);
  CHECK(lab.b.all_drops() == 7);

  Bytes confidential = sample;  // more than its header says: traffic flow confidentiality, RFC 4303 section 2.7
  confidential.resize(sample.size() + 40, 0xaa);
  receive(with_trailer(confidential, 4));
  const auto out = lab.b.sent(lan_port);
  REQUIRE(out.size() == 1);
  CHECK(out[0].size() == 14 + sample.size());
}

TEST_CASE("what comes out of a tunnel and is the kernel's goes to the tunnel's twin") {
  Lab lab;
  lab.install();
  uint32_t sequence = 0;
  for (const Bytes& inner : {ip({"10.1.0.1", "10.2.0.254", 1}, text(16)),
                             ip({.source = "10.1.0.1", .destination = "10.2.0.2", .ttl = 1}, text(16)),
                             ip({.source = "10.1.0.1", .destination = "10.2.0.2", .options = true}, text(16)),
                             ip({"fd00:1::1", "fd00:2::fe", 58}, text(16))}) {
    lab.b.receive(wan_port, lab.forged(with_trailer(inner, inner[0] >> 4 == 4 ? 4 : 41), ++sequence));
    const auto punted = lab.b.punted();
    REQUIRE(punted.size() == 1);
    CHECK(punted[0].via == Via::tunnel);
    CHECK(punted[0].id == tunnel.value());
    CHECK(punted[0].bytes == inner);
  }
  // ESP within the tunnel is nobody's.
  lab.b.receive(wan_port, lab.forged(with_trailer(ip({"10.1.0.1", "10.2.0.254", 50}, text(40)), 4), ++sequence));
  CHECK(lab.dropped_only(DropReason::esp_unknown_spi));
}

TEST_CASE("selectors hold in both directions") {
  Lab lab;
  lab.sa.outbound.selectors[0].destination.last_port = 99;
  lab.install();
  const auto from_lan = [&](const Bytes& packet) {
    lab.a.receive(lan_port, packet);
    return lab.a.sent(wan_port).size();
  };
  CHECK(from_lan(ip({"10.1.0.1", "10.2.0.2"}, udp(1, 99, {}))) == 1);
  CHECK(from_lan(ip({"10.1.0.1", "10.2.0.2"}, udp(1, 100, {}))) == 0);
  CHECK(from_lan(ip({.source = "10.1.0.1", .destination = "10.2.0.2", .fragment = 9}, udp(1, 99, {}))) == 0);
  CHECK(from_lan(ip({"10.77.0.1", "10.2.0.2"}, udp(1, 99, {}))) == 0);
  CHECK(lab.a.drops(DropReason::selector_outbound) == 3);
  CHECK(lab.a.count(outbound_id, SaCounter::selector) == 3);
  // An MLD report of the kernel, and IGMP: dropped as well, and nobody's loss.
  lab.a.from_kernel(Via::tunnel, tunnel.value(), ip({"fe80::1", "ff02::16", 58}, text(8)));
  lab.a.from_kernel(Via::tunnel, tunnel.value(), ip({"10.1.0.254", "224.0.0.22", 2}, text(8)));
  CHECK(lab.a.drops(DropReason::selector_outbound) == 5);
  CHECK(lab.a.count(outbound_id, SaCounter::selector) == 3);
  CHECK(lab.a.sent(wan_port).empty());
  uint32_t sequence = 0;
  for (const Bytes& inner : {ip({"10.77.0.1", "10.2.0.2"}, udp(1, 2, {})), ip({"10.1.0.1", "10.77.0.2"}, udp(1, 2, {})),
                             ip({"fd00:7::1", "fd00:2::2"}, udp(1, 2, {}))})
    lab.b.receive(wan_port, lab.forged(with_trailer(inner, inner[0] >> 4 == 4 ? 4 : 41), ++sequence));
  CHECK(lab.dropped_only(DropReason::selector_inbound, 3));
  CHECK(lab.b.count(inbound_id, SaCounter::selector) == 3);
}

TEST_CASE("packet limits: soft is reported once, hard ends the SA") {
  Lab lab;
  for (ipc::SaAdd* add : {&lab.sa.outbound, &lab.sa.inbound}) {
    add->soft_packets = 3;
    add->hard_packets = 5;
  }
  lab.sa.inbound.hard_packets = 4;
  lab.install();
  std::vector<Bytes> frames;
  for (int i = 0; i < 8; ++i) lab.a.receive(lan_port, sample);
  frames = lab.a.sent(wan_port);
  CHECK(frames.size() == 5);
  CHECK(lab.a.drops(DropReason::sa_expired) == 3);
  CHECK(lab.a.count(outbound_id, SaCounter::expired) == 3);
  const auto expect = [](Gateway& gateway, ipc::SaEventKind kind, ipc::SaId id) {
    const auto event = gateway.event();
    REQUIRE(event);
    CHECK(event->kind == PathEventKind::sa);
    CHECK(event->sa_event == kind);
    CHECK(event->id == id);
  };
  expect(lab.a, ipc::SaEventKind::soft_expired, outbound_id);
  expect(lab.a, ipc::SaEventKind::hard_expired, outbound_id);
  CHECK_FALSE(lab.a.event());
  lab.b.receive_frames(wan_port, frames);
  CHECK(lab.b.sent(lan_port).size() == 4);
  CHECK(lab.b.drops(DropReason::sa_expired) == 1);
  expect(lab.b, ipc::SaEventKind::first_packet, inbound_id);
  expect(lab.b, ipc::SaEventKind::soft_expired, inbound_id);
  expect(lab.b, ipc::SaEventKind::hard_expired, inbound_id);
  lab.b.receive(wan_port, lab.forged(with_trailer(sample, 4), 99));
  CHECK(lab.b.drops(DropReason::sa_expired) == 2);
  CHECK_FALSE(lab.b.event());
}

TEST_CASE("an SA that expired while the ring of events was full is reported by a later packet") {
  Lab lab;
  lab.sa.outbound.hard_packets = 1;
  lab.sa.inbound.hard_packets = 1;
  lab.install();
  lab.a.fill_events();
  lab.b.fill_events();
  lab.b.receive_frame(wan_port, lab.sealed());
  CHECK(lab.b.sent(lan_port).size() == 1);
  const auto told = [](Gateway& gateway) {
    unsigned times = 0;
    while (const auto event = gateway.event()) times += event->sa_event == ipc::SaEventKind::hard_expired;
    return times;
  };
  REQUIRE(told(lab.a) == 0);
  REQUIRE(told(lab.b) == 0);
  for (int i = 0; i < 3; ++i) {
    lab.a.receive(lan_port, sample);
    lab.b.receive(wan_port, lab.forged(with_trailer(sample, 4), 9));
  }
  CHECK(lab.a.drops(DropReason::sa_expired) == 3);
  CHECK(lab.b.drops(DropReason::sa_expired) == 3);
  CHECK(told(lab.a) == 1);
  CHECK(told(lab.b) == 1);
}

TEST_CASE("byte limits count inner packets, and are never exceeded") {
  Lab lab;
  lab.sa.outbound.hard_bytes = 3 * sample.size() + 1;
  lab.sa.inbound.hard_bytes = 2 * sample.size();
  lab.install();
  const Bytes frame = ethernet(lab.a.mac(lan_port), lab.a.neighbour(lan_port), sample);
  lab.a.receive_frames(lan_port, {frame, frame, frame, frame, frame});
  const auto sealed = lab.a.sent(wan_port);
  CHECK(sealed.size() == 3);
  CHECK(lab.a.drops(DropReason::sa_expired) == 2);
  lab.b.receive_frames(wan_port, sealed);
  CHECK(lab.b.sent(lan_port).size() == 2);
  CHECK(lab.b.drops(DropReason::sa_expired) == 1);
}

TEST_CASE("sequence numbers end before they wrap") {
  for (const bool esn : {false, true}) {
    Lab lab;
    lab.sa.outbound.esn = esn;
    lab.install();
    OutboundSa* sa = lab.a.sad().outbound(outbound_id);
    const uint64_t end = esn ? UINT64_MAX - (1 << 20) : UINT32_MAX;
    CHECK(sa->last_sequence == end);
    sa->sequence.store(end - 2);
    const Bytes frame = ethernet(lab.a.mac(lan_port), lab.a.neighbour(lan_port), sample);
    lab.a.receive_frames(lan_port, {frame, frame, frame, frame});
    const auto sent = lab.a.sent(wan_port);
    REQUIRE(sent.size() == 2);
    CHECK(ByteReader(ByteView(sent[1]).subspan(38)).u32() == static_cast<uint32_t>(end));
    for (int i = 0; i < 100; ++i) lab.a.receive_frames(lan_port, {frame, frame, frame, frame});
    CHECK(lab.a.sent(wan_port).empty());
    CHECK(lab.a.drops(DropReason::sa_expired) == 402);
    CHECK(lab.a.event()->sa_event == ipc::SaEventKind::soft_expired);
    CHECK(lab.a.event()->sa_event == ipc::SaEventKind::hard_expired);
  }
}

TEST_CASE("a peer behind a NAT that moved is served, and reported once") {
  Lab lab;
  for (ipc::SaAdd* add : {&lab.sa.outbound, &lab.sa.inbound}) {
    add->udp_encapsulation = 1;
    add->source_port = add->destination_port = 4500;
  }
  lab.install();
  const auto moved = [&](uint8_t port_low) {
    Bytes frame = lab.sealed();
    frame[14 + 15] = 99;
    frame[14 + 21] = port_low;
    fix_checksum(frame);
    return frame;
  };
  Bytes forged = moved(1);
  forged.back() ^= 1;
  lab.b.receive_frame(wan_port, forged);
  CHECK_FALSE(lab.b.event());
  lab.b.receive_frame(wan_port, lab.sealed());
  CHECK(lab.b.event()->sa_event == ipc::SaEventKind::first_packet);
  CHECK_FALSE(lab.b.event());
  lab.b.receive_frame(wan_port, moved(2));
  lab.b.receive_frame(wan_port, moved(3));
  CHECK(lab.b.sent(lan_port).size() == 3);
  const auto event = lab.b.event();
  REQUIRE(event);
  CHECK(event->sa_event == ipc::SaEventKind::source_changed);
  CHECK(event->source == IpAddress::parse("192.0.2.99"));
  CHECK(event->source_port.host() == (4500 & 0xff00) + 2);
  CHECK_FALSE(lab.b.event());
}

TEST_CASE("the way out: sealed packets too big for it, ports that are gone, queues that are full") {
  Lab lab;
  lab.install();
  lab.a.tunnels().set(tunnel, {outbound_id, 1500});
  lab.a.receive(lan_port, ip({"10.1.0.1", "10.2.0.2"}, text(1460)));
  CHECK(lab.a.drops(DropReason::too_big) == 1);
  lab.a.set_next_hop(ipc::NextHopId(2), ipc::NextHopKind::drop);
  lab.a.receive(lan_port, sample);
  CHECK(lab.a.drops(DropReason::blackhole) == 1);
  lab.a.set_next_hop(ipc::NextHopId(2), ipc::NextHopKind::adjacency, 7);  // no such port
  lab.a.receive(lan_port, sample);
  lab.a.receive(lan_port, ip({"10.1.0.1", "192.0.2.99"}, text(10)));
  CHECK(lab.a.drops(DropReason::blackhole) == 3);
  CHECK(lab.a.sent(wan_port).empty());
  CHECK(lab.a.sad().outbound(outbound_id)->sequence.load() == 0);  // no number was spent on them

  lab.b.port(lan_port).fill_up();
  lab.b.receive(wan_port, ip({"192.0.2.1", "10.2.0.1"}, text(10)));
  CHECK(lab.b.drops(DropReason::port_tx_full) == 1);
  const Bytes local = ethernet(lab.b.mac(wan_port), lab.b.neighbour(wan_port), ip({"192.0.2.1", "192.0.2.2"}, {}));
  for (int i = 0; i < 11; ++i) lab.b.receive_frames(wan_port, std::vector<Bytes>(100, local));
  CHECK(lab.b.drops(DropReason::punt_full) == 1100 - 1023);
  CHECK(lab.b.punted().size() == 1023);
}

TEST_CASE("a burst of noise is sorted without a leak") {
  for (const Family outer : {Family::ipv4, Family::ipv6}) {
    Lab lab(EspSuite::aes128gcm16, outer);
    lab.install();
    uint32_t state = 1;
    const auto random = [&state] { return (state = state * 1664525 + 1013904223) >> 8; };
    for (int i = 0; i < 3000; ++i) {
      Bytes frame = i % 3 ? lab.sealed() : ethernet(lab.b.mac(wan_port), lab.b.neighbour(wan_port), sample);
      for (unsigned changes = random() % 3; changes > 0; --changes)
        frame[random() % frame.size()] = static_cast<uint8_t>(random());
      if (frame.size() >= 34 && frame[14] >> 4 == 4 && (frame[14] & 0xf) <= 8) fix_checksum(frame);
      if (random() % 4 == 0) frame.resize(random() % frame.size());
      lab.b.receive_frame(wan_port, frame);
      (void)lab.b.punted();
      (void)lab.b.sent(lan_port);
      (void)lab.b.sent(wan_port);
    }
  }
  CHECK(packets_in_use() == 0);
}

TEST_CASE("an SA that the path cannot work with is refused") {
  Lab lab;
  const auto refused = [&](const auto& change, bool outbound = false) {
    ipc::SaAdd add = outbound ? lab.sa.outbound : lab.sa.inbound;
    change(add);
    return !check(add) || !(outbound ? lab.a : lab.b).add(add);
  };
  CHECK(refused([](ipc::SaAdd& add) { add.id = ipc::SaId(ipc::max_sas); }));
  CHECK(refused([](ipc::SaAdd& add) { add.tunnel = ipc::TunnelId(ipc::max_tunnels); }));
  CHECK(refused([](ipc::SaAdd& add) { add.direction = static_cast<ipc::Direction>(2); }));
  CHECK(refused([](ipc::SaAdd& add) { add.suite = static_cast<EspSuite>(esp_suite_count); }));
  CHECK(refused([](ipc::SaAdd& add) { add.esn = 2; }));
  CHECK(refused([](ipc::SaAdd& add) { add.selector_pairs = 0; }));
  CHECK(refused([](ipc::SaAdd& add) { add.selector_pairs = ipc::max_selector_pairs + 1; }));
  CHECK(refused([](ipc::SaAdd& add) { add.source.family = 6; }));
  CHECK(refused([](ipc::SaAdd& add) { add.destination = {}; }));
  CHECK(refused([](ipc::SaAdd& add) { add.udp_encapsulation = 1; }));  // without ports
  CHECK(refused([](ipc::SaAdd& add) { add.spi = add.id.value(); }));
  CHECK(refused([](ipc::SaAdd& add) { add.spi ^= 1; }));
  CHECK(refused([](ipc::SaAdd& add) { add.replay_window = 65; }));
  CHECK(refused([](ipc::SaAdd& add) { add.replay_window = 4160; }));
  CHECK(refused([](ipc::SaAdd& add) { add.selectors[0].source.first.family = 5; }));
  CHECK(refused([](ipc::SaAdd& add) { add.spi = 255; }, true));
  CHECK_FALSE(refused([](ipc::SaAdd&) {}, true));
  CHECK_FALSE(refused([](ipc::SaAdd&) {}));
}

}  // namespace sekisho::dataplane::test
