// The parsers, on heap buffers of exactly the input's size: an address sanitizer sees every byte read past the end.
#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <random>

#include "dataplane/stage/esp_packet.h"
#include "dataplane/stage/ip_header.h"
#include "tests/unit/dataplane/packets.h"

namespace sekisho::dataplane {
namespace {

using test::ip;
using test::udp;

// A copy with nothing behind it.
struct Exact {
  explicit Exact(ByteView bytes) : size(bytes.size()), data(new uint8_t[bytes.size()]) {
    if (size != 0) std::memcpy(data.get(), bytes.data(), size);
  }
  size_t size;
  std::unique_ptr<uint8_t[]> data;
};

IpVerdict verdict(ByteView packet, IpHeader& header) {
  const Exact exact(packet);
  return check_ip(exact.data.get(), exact.size, header);
}
IpVerdict verdict(ByteView packet) {
  IpHeader header;
  return verdict(packet, header);
}

// Everything a packet goes through that passed check_ip.
void walk(ByteView packet) {
  const Exact exact(packet);
  IpHeader header;
  if (check_ip(exact.data.get(), exact.size, header) == IpVerdict::malformed) return;
  REQUIRE(header.length <= exact.size);
  flow_of(exact.data.get(), header, true);
  EspLocation esp;
  if (find_esp(exact.data.get(), header, esp) == EspFind::found) REQUIRE(esp.offset + esp.length <= header.length);
  (void)find_esp(exact.data.get(), fragment_header(exact.data.get(), header), esp);
  if (hop_limit(exact.data.get(), header.family) > 1) decrement_hop_limit(exact.data.get(), header.family);
  (void)propagate_ecn(3, exact.data.get(), header.family);
}

}  // namespace

TEST_CASE("a sound packet passes, whatever stands behind it") {
  Bytes packet = ip({"10.1.0.1", "10.2.0.1"}, udp(1, 2, test::text(20)));
  packet.resize(packet.size() + 6);  // Ethernet padding
  IpHeader header;
  CHECK(verdict(packet, header) == IpVerdict::forward);
  CHECK(header.length == packet.size() - 6);
  CHECK(header.family == 4);
  CHECK(header.protocol == 17);
  CHECK(verdict(ip({"fd00::1", "fd00::2"}, test::text(5)), header) == IpVerdict::forward);
  CHECK(header.length == 45);
  CHECK(header.family == 6);
}

TEST_CASE("what is wrong with a header is seen") {
  const Bytes good = ip({"10.1.0.1", "10.2.0.1"}, test::text(20));
  const auto changed = [&good](size_t at, uint8_t value, bool fix = true) {
    Bytes packet = good;
    packet[at] = value;
    if (fix) test::fix_checksum(packet, 0);
    return verdict(packet);
  };
  CHECK(changed(8, 63, false) == IpVerdict::malformed);    // checksum
  CHECK(changed(0, 0x44) == IpVerdict::malformed);         // header shorter than a header
  CHECK(changed(0, 0x4b, false) == IpVerdict::malformed);  // header longer than the packet
  CHECK(changed(0, 0x55, false) == IpVerdict::malformed);  // version
  CHECK(changed(3, 41) == IpVerdict::malformed);           // longer than it is
  CHECK(changed(3, 19) == IpVerdict::malformed);           // shorter than its header
  CHECK(changed(12, 127) == IpVerdict::malformed);         // from loopback
  CHECK(changed(12, 0) == IpVerdict::malformed);
  CHECK(changed(12, 224) == IpVerdict::malformed);
  CHECK(changed(16, 127) == IpVerdict::malformed);
  CHECK(changed(16, 224) == IpVerdict::punt);  // multicast
  CHECK(changed(16, 255) == IpVerdict::punt);
  CHECK(verdict(ip({.source = "10.1.0.1", .destination = "10.2.0.1", .options = true}, {})) == IpVerdict::punt);
  CHECK(verdict(ip({"ff02::1", "fd00::1"}, {})) == IpVerdict::malformed);
  CHECK(verdict(ip({"::1", "fd00::1"}, {})) == IpVerdict::malformed);
  CHECK(verdict(ip({"fd00::1", "::"}, {})) == IpVerdict::malformed);
  CHECK(verdict(ip({"fd00::1", "ff02::1"}, {})) == IpVerdict::punt);
  CHECK(verdict(ip({"fe80::1", "fd00::1"}, {})) == IpVerdict::punt);
  CHECK(verdict(ip({"::", "fd00::1"}, {})) == IpVerdict::punt);
  CHECK(verdict(ip({"fd00::1", "fd00::2", 0}, test::text(8))) == IpVerdict::punt);
}

TEST_CASE("a packet cut short anywhere is malformed, and nothing behind it is read") {
  for (const Bytes& packet :
       {ip({"10.1.0.1", "10.2.0.1", 50}, test::text(24)), ip({"10.1.0.1", "10.2.0.1"}, udp(1, 4500, test::text(24))),
        ip({.source = "10.1.0.1", .destination = "10.2.0.1", .options = true}, test::text(24)),
        ip({"fd00::1", "fd00::2"}, test::text(24))})
    for (size_t length = 0; length < packet.size(); ++length)
      CHECK(verdict(ByteView(packet).first(length)) == IpVerdict::malformed);
}

TEST_CASE("no input makes the parsers read out of bounds") {
  std::mt19937 random(1);
  const std::vector<Bytes> seeds{ip({"10.1.0.1", "10.2.0.1", 50}, test::text(40)),
                                 ip({"10.1.0.1", "10.2.0.1"}, udp(1, 4500, test::text(4))),
                                 ip({"fd00::1", "fd00::2", 43}, test::text(24)),
                                 ip({"fd00::1", "fd00::2", 44}, Bytes{6, 0, 0, 0, 0, 0, 0, 0, 1, 2})};
  for (int i = 0; i < 50000; ++i) {
    Bytes packet = seeds[random() % seeds.size()];
    for (unsigned changes = random() % 4; changes > 0; --changes)
      packet[random() % packet.size()] = static_cast<uint8_t>(random());
    if (packet[0] >> 4 == 4 && size_t{4} * (packet[0] & 0xf) <= packet.size()) test::fix_checksum(packet, 0);
    if (random() % 2) packet.resize(random() % packet.size());
    walk(packet);
  }
}

TEST_CASE("decrementing the hop limit keeps the checksum right") {
  for (int ttl = 2; ttl < 256; ++ttl) {
    Bytes packet = ip({.source = "10.1.0.1", .destination = "10.2.0.1", .ttl = static_cast<uint8_t>(ttl)}, {});
    packet[4] = static_cast<uint8_t>(ttl * 31);  // various checksums
    test::fix_checksum(packet, 0);
    decrement_hop_limit(packet.data(), 4);
    CHECK(packet[8] == ttl - 1);
    Bytes fixed = packet;
    test::fix_checksum(fixed, 0);
    CHECK(packet == fixed);
  }
}

TEST_CASE("ECN at decapsulation: the table of RFC 6040 section 4.2") {
  constexpr int drop = -1;
  constexpr int expected[4][4] = {// outer:   not-ECT, ECT(1), ECT(0), CE
                                  /* not-ECT */ {0, 0, 0, drop},
                                  /* ECT(1) */ {1, 1, 1, 3},
                                  /* ECT(0) */ {2, 1, 2, 3},
                                  /* CE */ {3, 3, 3, 3}};
  for (uint8_t inner = 0; inner < 4; ++inner)
    for (uint8_t outer = 0; outer < 4; ++outer)
      for (const char* address : {"10.1.0.1", "fd00::1"}) {
        Bytes packet = ip({.source = address, .destination = address, .tos = static_cast<uint8_t>(0xb8 | inner)}, {});
        const uint8_t family = packet[0] >> 4;
        const bool legal = propagate_ecn(static_cast<uint8_t>(0x10 | outer), packet.data(), family);
        CHECK(legal == (expected[inner][outer] != drop));
        if (!legal) continue;
        CHECK(traffic_class(packet.data(), family) == (0xb8 | expected[inner][outer]));
        CHECK(verdict(packet) == IpVerdict::forward);
      }
}

TEST_CASE("ESP is found by protocol 50 and on UDP port 4500, IKE is not") {
  const auto find = [](const Bytes& packet, EspLocation& esp) {
    const Exact exact(packet);
    IpHeader header;
    REQUIRE(check_ip(exact.data.get(), exact.size, header) == IpVerdict::forward);
    return find_esp(exact.data.get(), header, esp);
  };
  EspLocation esp;
  const Bytes eight{1, 2, 3, 4, 0, 0, 0, 9};
  CHECK(find(ip({"10.0.0.1", "10.0.0.2", 50}, eight), esp) == EspFind::found);
  CHECK(esp.offset == 20);
  CHECK(esp.length == 8);
  CHECK(esp.spi == 0x01020304);
  CHECK_FALSE(esp.udp);
  CHECK(find(ip({"10.0.0.1", "10.0.0.2"}, udp(1111, 4500, eight)), esp) == EspFind::found);
  CHECK(esp.offset == 28);
  CHECK(esp.length == 8);
  CHECK(esp.udp);
  CHECK(find(ip({"10.0.0.1", "10.0.0.2", 50}, Bytes{1, 2, 3}), esp) == EspFind::truncated);
  CHECK(find(ip({"10.0.0.1", "10.0.0.2"}, udp(1111, 4500, Bytes{1, 2, 3, 4, 5})), esp) == EspFind::truncated);
  CHECK(find(ip({"10.0.0.1", "10.0.0.2"}, udp(1111, 500, eight)), esp) == EspFind::none);
  CHECK(find(ip({"10.0.0.1", "10.0.0.2"}, udp(4500, 4501, eight)), esp) == EspFind::none);
  CHECK(find(ip({"10.0.0.1", "10.0.0.2"}, udp(1111, 4500, Bytes{0xff})), esp) == EspFind::none);  // keepalive
  CHECK(find(ip({"10.0.0.1", "10.0.0.2"}, udp(1111, 4500, Bytes{0, 0, 0, 0, 9, 9})), esp) == EspFind::none);
  CHECK(find(ip({.source = "10.0.0.1", .destination = "10.0.0.2", .protocol = 50, .fragment = 0x2000}, eight), esp) ==
        EspFind::fragment);
  CHECK(find(ip({.source = "10.0.0.1", .destination = "10.0.0.2", .fragment = 0x2000}, udp(1, 4500, eight)), esp) ==
        EspFind::fragment);
  CHECK(find(ip({.source = "10.0.0.1", .destination = "10.0.0.2", .fragment = 0x0010}, udp(1, 4500, eight)), esp) ==
        EspFind::none);
  Bytes longer = udp(1111, 4500, eight);
  longer[5] = 99;  // the UDP length says more than there is
  CHECK(find(ip({"10.0.0.1", "10.0.0.2"}, longer), esp) == EspFind::truncated);
}

TEST_CASE("the trailer: padding counts up from 1, and fits") {
  constexpr size_t before = 8;  // of the header, which check_trailer may look at
  for (const uint8_t block : {4, 16})
    for (size_t payload = 0; payload < 70; ++payload) {
      const uint8_t padding = padding_for(payload, block);
      CHECK(padding < block);
      CHECK((payload + padding + 2) % block == 0);
      const Exact bytes(Bytes(before + payload + trailer_room));
      uint8_t* plain = bytes.data.get() + before;
      write_trailer(plain + payload, padding, 41);
      EspTrailer trailer;
      REQUIRE(check_trailer(plain, payload + padding + 2, trailer));
      CHECK(trailer.payload == payload);
      CHECK(trailer.next_header == 41);
    }
}

TEST_CASE("the trailer: whatever a peer pads with, each byte of it is looked at") {
  constexpr size_t before = 8;
  for (size_t padding = 0; padding < 256; ++padding) {
    Bytes bytes(before);
    for (size_t i = 1; i <= padding; ++i) bytes.push_back(static_cast<uint8_t>(i));
    bytes.push_back(static_cast<uint8_t>(padding));
    bytes.push_back(4);
    Exact exact(bytes);
    uint8_t* plain = exact.data.get() + before;
    EspTrailer trailer;
    REQUIRE(check_trailer(plain, padding + 2, trailer));
    CHECK(trailer.payload == 0);
    for (size_t i = 0; i < padding; ++i) {
      plain[i] ^= 0x80;
      CHECK_FALSE(check_trailer(plain, padding + 2, trailer));
      plain[i] ^= 0x80;
    }
    if (padding != 0) CHECK_FALSE(check_trailer(plain + 1, padding + 1, trailer));  // more padding than bytes
    CHECK_FALSE(check_trailer(plain + padding + 1, 1, trailer));
  }
}

TEST_CASE("flows: ports behind extension headers, none in later fragments") {
  const auto flow = [](const Bytes& packet) {
    const Exact exact(packet);
    IpHeader header;
    REQUIRE(check_ip(exact.data.get(), exact.size, header) == IpVerdict::forward);
    return flow_of(exact.data.get(), header, true);
  };
  const Flow plain = flow(ip({"10.0.0.1", "10.0.0.2"}, udp(1000, 2000, {})));
  CHECK(plain.source == 0x0a000001);
  CHECK(plain.destination == 0x0a000002);
  CHECK(plain.source_port == 1000);
  CHECK(plain.destination_port == 2000);
  CHECK_FALSE(
      flow(ip({.source = "10.0.0.1", .destination = "10.0.0.2", .fragment = 5}, udp(1000, 2000, {}))).has_ports);
  const Flow ping = flow(ip({"10.0.0.1", "10.0.0.2", 1}, Bytes{8, 0, 1, 1}));
  CHECK(ping.source_port == 0x0800);  // type and code
  CHECK(ping.destination_port == 0x0800);
  // Destination options of 8 bytes, then UDP.
  Bytes behind{17, 0, 1, 4, 0, 0, 0, 0};
  const Bytes datagram = udp(7, 8, {});
  behind.insert(behind.end(), datagram.begin(), datagram.end());
  const Flow options = flow(ip({"fd00::1", "fd00::2", 60}, behind));
  CHECK(options.protocol == 17);
  CHECK(options.has_ports);
  CHECK(options.destination_port == 8);
  Bytes fragment{17, 0, 0, 8, 0, 0, 0, 1, 9, 9, 9, 9};
  CHECK_FALSE(flow(ip({"fd00::1", "fd00::2", 44}, fragment)).has_ports);
  fragment[3] = 1;  // the first one
  CHECK(flow(ip({"fd00::1", "fd00::2", 44}, fragment)).has_ports);
}

}  // namespace sekisho::dataplane
