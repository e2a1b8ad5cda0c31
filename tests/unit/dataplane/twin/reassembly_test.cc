// Fragments of ESP, from peers and from others.
#include "dataplane/twin/reassembly.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane::test {
namespace {

using ipc::DropReason;

constexpr uint16_t more = 0x2000;
constexpr uint8_t esp = 50, udp_protocol = 17;
constexpr const char *ipv4_source = "192.0.2.1", *ipv6_source = "2001:db8::1";
bool is_ipv6(std::string_view address) { return address.contains(':'); }

struct Piece {
  size_t offset, length;
  bool last;
};

// The pool of the process that runs the tests is back where it was at the end.
struct Lab {
  Lab() { start_eal(); }
  ~Lab() { reassembly.reset(); }

  Bytes frame_of(const Bytes& payload, const Piece& piece, uint8_t protocol, const char* source, uint16_t id,
                 uint8_t tos = 0) {
    if (is_ipv6(source)) return ipv6_frame_of(payload, piece, protocol, source, id, tos);
    const auto word = static_cast<uint16_t>(piece.offset / 8 | (piece.last ? 0 : more));
    Bytes packet =
        ip({.source = source, .destination = "192.0.2.2", .protocol = protocol, .tos = tos, .fragment = word},
           ByteView(payload).subspan(piece.offset, piece.length));
    packet[4] = static_cast<uint8_t>(id >> 8);
    packet[5] = static_cast<uint8_t>(id);
    fix_checksum(packet, 0);
    return ethernet({{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, packet);
  }
  static Bytes ipv6_frame_of(const Bytes& payload, const Piece& piece, uint8_t protocol, const char* source,
                             uint16_t id, uint8_t tos) {
    ByteWriter behind;
    behind.u8(protocol);
    behind.u8(0);
    behind.u16(static_cast<uint16_t>(piece.offset | (piece.last ? 0 : 1)));
    behind.u32(id);
    behind.bytes(ByteView(payload).subspan(piece.offset, piece.length));
    return ethernet(
        {{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}},
        ip({.source = source, .destination = "2001:db8::2", .protocol = 44, .tos = tos}, std::move(behind).take()));
  }
  void add(const Bytes& frame) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(packet_pool());
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(frame.size())), frame.data(), frame.size());
    reassembly->add(port, mbuf, now, outcome);
    take();
  }
  void add(const Bytes& payload, const Piece& piece, uint8_t protocol = esp, const char* source = "192.0.2.1",
           uint16_t id = 1) {
    add(frame_of(payload, piece, protocol, source, id));
  }
  void expire() {
    reassembly->expire(now, outcome);
    take();
  }
  void take() {
    for (const auto& [from, to] : {std::pair{&outcome.whole, &whole}, std::pair{&outcome.kernel, &kernel}})
      for (const Handed& item : *from) {
        const auto* data = rte_pktmbuf_mtod(item.mbuf, const uint8_t*);
        to->emplace_back(data, data + item.mbuf->data_len);
        if (from == &outcome.kernel) kernel_ports.push_back(item.id);
        CHECK((from == &outcome.kernel || item.id == port));
        rte_pktmbuf_free(item.mbuf);
      }
    for (const DropReason reason : outcome.drops) ++drops[reason];
    outcome = {};
  }
  // All that was dropped, and that for this reason alone.
  bool dropped(DropReason reason, unsigned count) {
    return drops.size() == 1 && drops[reason] == count && whole.empty() && kernel.empty();
  }

  std::unique_ptr<Reassembly> reassembly = std::make_unique<Reassembly>(packet_pool(), large_pool());
  Instant now{};
  Reassembly::Outcome outcome;
  uint16_t port = 3;  // where what is added comes in
  std::vector<uint16_t> kernel_ports;
  std::vector<Bytes> whole, kernel;
  std::map<DropReason, unsigned> drops;
};

// The whole packet as a frame.
Bytes whole_frame(Lab& lab, const Bytes& payload, uint8_t protocol = esp, const char* source = ipv4_source) {
  if (is_ipv6(source))
    return ethernet({{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, ip({source, "2001:db8::2", protocol}, payload));
  return lab.frame_of(payload, {0, payload.size(), true}, protocol, source, 1);
}

std::vector<Piece> pieces(size_t length, size_t step) {
  std::vector<Piece> all;
  for (size_t at = 0; at < length; at += step) all.push_back({at, std::min(step, length - at), at + step >= length});
  return all;
}

}  // namespace

TEST_CASE("reassembly: fragments in any order make the packet, of any size up to the limit") {
  std::mt19937 random(1);
  for (const size_t length : {17u, 800u, 1480u, 1900u, 2000u, 5000u, 9560u, 9580u}) {
    const auto before = packets_in_use();
    {
      Lab lab;
      const Bytes payload = text(length);
      for (const char* source : {ipv4_source, ipv6_source})
        for (const size_t step : {8u, 160u, 552u, 1480u}) {
          auto order = pieces(length, step);
          if (order.size() > Reassembly::max_fragments || order.size() < 2) continue;
          if (length + (is_ipv6(source) ? 40 : 20) > Reassembly::max_packet) continue;
          std::ranges::shuffle(order, random);
          for (const Piece& piece : order) lab.add(payload, piece, esp, source);
          REQUIRE(lab.whole.size() == 1);
          CHECK(lab.whole[0] == whole_frame(lab, payload, esp, source));
          lab.whole.clear();
          CHECK(lab.drops.empty());
          CHECK_FALSE(lab.reassembly->next_expiry());
        }
    }
    CHECK(packets_in_use() == before);
  }
}

TEST_CASE("reassembly: packets of several sources and identifications at once do not mix") {
  Lab lab;
  const Bytes one = text(100), other(100, 7);
  lab.add(one, {0, 48, false}, esp, "192.0.2.1", 1);
  lab.add(other, {0, 48, false}, esp, "192.0.2.3", 1);
  lab.add(other, {0, 48, false}, esp, "192.0.2.1", 2);
  lab.add(other, {0, 48, false}, esp, ipv6_source, 2);
  lab.add(one, {0, 48, false}, esp, ipv6_source, 1);
  lab.add(one, {48, 52, true}, esp, "192.0.2.1", 1);
  lab.add(one, {48, 52, true}, esp, ipv6_source, 1);
  REQUIRE(lab.whole.size() == 2);
  CHECK(lab.whole[0] == whole_frame(lab, one));
  CHECK(lab.whole[1] == whole_frame(lab, one, esp, ipv6_source));
}

TEST_CASE("reassembly: congestion that a fragment met is the packet's") {
  Lab lab;
  const Bytes payload = text(100);
  lab.add(lab.frame_of(payload, {0, 48, false}, esp, "192.0.2.1", 1, 2));
  lab.add(lab.frame_of(payload, {48, 52, true}, esp, "192.0.2.1", 1, 3));
  REQUIRE(lab.whole.size() == 1);
  CHECK(lab.whole[0][15] == 3);
  lab.add(lab.frame_of(payload, {0, 48, false}, esp, ipv6_source, 1, 0xb8 | 2));
  lab.add(lab.frame_of(payload, {48, 52, true}, esp, ipv6_source, 1, 0xb8 | 3));
  REQUIRE(lab.whole.size() == 2);
  CHECK((ByteReader(ByteView(lab.whole[1]).subspan(14)).u32() >> 20 & 0xff) == (0xb8 | 3));
}

TEST_CASE("reassembly: an IPv6 packet with a fragment header that is all there is") {
  Lab lab;
  const Bytes payload = text(100);
  lab.add(payload, {0, 100, true}, esp, ipv6_source);  // RFC 6946
  REQUIRE(lab.whole.size() == 1);
  CHECK(lab.whole[0] == whole_frame(lab, payload, esp, ipv6_source));
  CHECK_FALSE(lab.reassembly->next_expiry());
}

TEST_CASE("reassembly: ESP in UDP is put together, other UDP goes to the kernel as it came") {
  Bytes in_udp = udp(4500, 4500, text(200)), ike = udp(4500, 4500, Bytes(200)), other = udp(500, 500, text(200));
  for (const char* source : {ipv4_source, ipv6_source}) {
    Lab lab;
    lab.add(in_udp, {104, 104, true}, udp_protocol, source);  // no port to be seen yet
    lab.add(in_udp, {0, 104, false}, udp_protocol, source);
    REQUIRE(lab.whole.size() == 1);
    CHECK(lab.whole[0] == whole_frame(lab, in_udp, udp_protocol, source));
  }
  for (const char* source : {ipv4_source, ipv6_source})
    for (const Bytes& datagram : {ike, other}) {
      Lab lab;
      std::vector<Bytes> frames;
      for (const Piece& piece : {Piece{96, 48, false}, Piece{0, 96, false}, Piece{144, 64, true}})
        frames.push_back(lab.frame_of(datagram, piece, udp_protocol, source, 1));
      lab.add(frames[0]);
      CHECK(lab.kernel.empty());
      lab.add(frames[1]);
      lab.add(frames[2]);
      CHECK(lab.kernel == std::vector<Bytes>{frames[1], frames[0], frames[2]});
      CHECK(lab.drops.empty());
      CHECK(lab.whole.empty());
      CHECK_FALSE(lab.reassembly->next_expiry());  // nothing is left behind
    }
  // Each by the port where it came in.
  Lab ports;
  for (const Piece& piece : {Piece{96, 48, false}, Piece{0, 96, false}, Piece{144, 64, true}}) {
    ++ports.port;
    ports.add(other, piece, udp_protocol);
  }
  CHECK(ports.kernel_ports == std::vector<uint16_t>{5, 4, 6});
  // The first fragment holds the UDP header alone: what it is stays hidden, and it is not ours.
  Lab lab;
  lab.add(in_udp, {0, 8, false}, udp_protocol);
  CHECK(lab.kernel.size() == 1);
}

TEST_CASE("reassembly: overlaps and contradictions condemn the whole packet") {
  const Bytes payload = text(400);
  const auto condemned_from = [&](const char* source, const std::vector<Piece>& order, unsigned count) {
    Lab lab;
    for (const Piece& piece : order) lab.add(payload, piece, esp, source);
    return lab.dropped(DropReason::fragment_malformed, count) && !lab.reassembly->next_expiry();
  };
  const auto condemned = [&](const std::vector<Piece>& order, unsigned count) {
    return condemned_from(ipv4_source, order, count) && condemned_from(ipv6_source, order, count);
  };
  CHECK(condemned({{0, 96, false}, {88, 104, false}}, 2));                 // over the end of another
  CHECK(condemned({{96, 96, false}, {0, 104, false}}, 2));                 // over the start
  CHECK(condemned({{96, 96, false}, {0, 400, true}}, 2));                  // around it
  CHECK(condemned({{0, 400, false}, {96, 96, false}}, 2));                 // within it
  CHECK(condemned({{8, 88, false}, {96, 4, true}, {104, 96, false}}, 3));  // behind the last one
  CHECK(condemned({{200, 96, false}, {96, 40, true}}, 2));                 // the last one in front of another
  CHECK(condemned({{96, 40, true}, {96, 48, true}}, 2));                   // two ends
  CHECK(condemned({{0, 95, false}}, 1));                                   // not the last one, and no multiple of eight
  CHECK(condemned({{0, 96, false}, {96, 0, true}}, 2));                    // of nothing
}

TEST_CASE("reassembly: a duplicate is dropped alone") {
  Lab lab;
  const Bytes payload = text(100);
  lab.add(payload, {0, 48, false});
  lab.add(payload, {0, 48, false});
  CHECK(lab.dropped(DropReason::fragment_malformed, 1));
  lab.add(payload, {48, 52, true});
  REQUIRE(lab.whole.size() == 1);
  CHECK(lab.whole[0] == whole_frame(lab, payload));
}

TEST_CASE("reassembly: everything is bounded") {
  const Bytes payload = text(10000);
  SECTION("octets of a packet") {
    Lab lab;
    lab.add(payload, {0, 8, false});
    lab.add(payload, {Reassembly::max_packet - 24, 8, true});  // a header and four octets too many
    CHECK(lab.dropped(DropReason::fragment_limit, 2));
    Lab far;
    Bytes frame = far.frame_of(payload, {0, 8, false}, esp, "192.0.2.1", 2);
    frame[14 + 6] = 0x1f;  // the greatest offset: past the end of any IP packet
    frame[14 + 7] = 0xff;
    fix_checksum(frame);
    far.add(frame);
    CHECK(far.dropped(DropReason::fragment_limit, 1));
  }
  SECTION("fragments of a packet") {
    Lab lab;
    for (size_t i = 0; i <= Reassembly::max_fragments; ++i) lab.add(payload, {i * 8, 8, false});
    CHECK(lab.dropped(DropReason::fragment_limit, Reassembly::max_fragments + 1));
  }
  SECTION("packets of a source: its oldest one makes room, and no other's") {
    Lab lab;
    lab.add(payload, {0, 8, false}, esp, "192.0.2.3", 1);
    for (uint16_t id = 0; id < Reassembly::max_packets_of_source + 5; ++id)
      lab.add(payload, {0, 8, false}, esp, "192.0.2.1", id);
    CHECK(lab.dropped(DropReason::fragment_limit, 5));
    lab.add(payload, {8, 8, true}, esp, "192.0.2.3", 1);
    lab.add(payload, {8, 8, true}, esp, "192.0.2.1", 5);
    lab.add(payload, {8, 8, true}, esp, "192.0.2.1", Reassembly::max_packets_of_source + 4);
    CHECK(lab.whole.size() == 3);
    lab.add(payload, {8, 8, true}, esp, "192.0.2.1", 4);  // gone
    CHECK(lab.whole.size() == 3);
  }
  SECTION("packets of an IPv6 source: all of its /64") {
    Lab lab;
    for (uint16_t id = 0; id < Reassembly::max_packets_of_source + 5; ++id)
      lab.add(payload, {0, 8, false}, esp, ("2001:db8::" + std::to_string(id)).c_str(), id);
    CHECK(lab.dropped(DropReason::fragment_limit, 5));
    lab.add(payload, {0, 8, false}, esp, "2001:db8:0:1::1", 1);
    CHECK(lab.dropped(DropReason::fragment_limit, 5));
  }
  SECTION("packets in all: the oldest one makes room") {
    Lab lab;
    for (size_t i = 0; i < Reassembly::max_packets + 5; ++i)
      lab.add(payload, {0, 8, false}, esp, ("10.0.0." + std::to_string(i % 250 + 1)).c_str(),
              static_cast<uint16_t>(i / 250));
    CHECK(lab.dropped(DropReason::fragment_limit, 5));
    lab.add(payload, {8, 8, true}, esp, "10.0.0.6", 0);
    CHECK(lab.whole.size() == 1);
  }
  SECTION("fragments in all: the oldest packet makes room") {
    Lab lab;
    constexpr size_t each = Reassembly::max_fragments / 2, packets = Reassembly::max_held / each;
    for (size_t packet = 0; packet < packets; ++packet)
      for (size_t i = 0; i < each; ++i)
        lab.add(payload, {i * 8, 8, false}, esp, ("10.0.0." + std::to_string(packet + 1)).c_str(), 1);
    CHECK(lab.drops.empty());
    lab.add(payload, {0, 8, false}, esp, "10.0.1.1", 1);
    CHECK(lab.dropped(DropReason::fragment_limit, each));
    lab.add(payload, {each * 8, 8, true}, esp, "10.0.0.2", 1);
    CHECK(lab.whole.size() == 1);
  }
  SECTION("fragments in all: what is the kernel's holds none and makes no room") {
    Lab lab;
    lab.add(payload, {0, 8, false}, udp_protocol, "10.9.0.1", 1);
    constexpr size_t each = Reassembly::max_fragments, packets = Reassembly::max_held / each;
    for (size_t packet = 0; packet < packets; ++packet)
      for (size_t i = 0; i < each; ++i)
        lab.add(payload, {i * 8, 8, false}, esp, ("10.0.0." + std::to_string(packet + 1)).c_str(), 1);
    lab.add(payload, {0, 8, false}, esp, "10.0.1.1", 1);
    CHECK(lab.drops[DropReason::fragment_limit] == each);
    lab.add(payload, {8, 8, true}, udp_protocol, "10.9.0.1", 1);
    CHECK(lab.kernel.size() == 2);
  }
  SECTION("time") {
    Lab lab;
    lab.add(payload, {0, 8, false}, esp, "192.0.2.1", 1);
    lab.add(payload, {0, 8, false}, udp_protocol, "192.0.2.1", 1);  // the kernel's, by now
    CHECK(lab.kernel.size() == 1);
    lab.kernel.clear();
    lab.now += Reassembly::patience - std::chrono::nanoseconds(1);
    lab.add(payload, {0, 8, false}, esp, "192.0.2.1", 2);
    lab.expire();
    CHECK(lab.drops.empty());
    lab.now = *lab.reassembly->next_expiry();
    lab.expire();
    CHECK(lab.dropped(DropReason::fragment_timeout, 1));
    lab.now = *lab.reassembly->next_expiry();
    lab.expire();
    CHECK(lab.dropped(DropReason::fragment_timeout, 2));
    CHECK_FALSE(lab.reassembly->next_expiry());
  }
}

// What was sent of one packet, each fragment with octets of its own.
struct Sent {
  size_t offset;
  Bytes payload;
};

// Whether fragments of these, each whole and none over another, make that payload.
bool is_made_of(ByteView payload, const std::vector<Sent>& sent) {
  std::vector<bool> reached(payload.size() + 1);
  reached[0] = true;
  for (size_t at = 0; at < payload.size(); ++at)
    for (const Sent& each : sent) {
      const size_t end = at + each.payload.size();
      if (!reached[at] || each.offset != at || end > payload.size()) continue;
      if (std::ranges::equal(payload.subspan(at, each.payload.size()), each.payload)) reached[end] = true;
    }
  return reached[payload.size()];
}

TEST_CASE("reassembly: random fragments never yield a packet that nobody sent, nor leak one") {
  const auto before = packets_in_use();
  std::mt19937 random(7);
  size_t made = 0;
  for (int round = 0; round < 400; ++round) {
    Lab lab;
    const bool v6 = round % 2 != 0;
    std::array<std::vector<Sent>, 3> sent;
    for (int i = 0; i < 60; ++i) {
      const auto id = static_cast<uint16_t>(random() % sent.size());
      const size_t offset = random() % 20 * 8,
                   length = std::min<size_t>(random() % 9 * 8 + (random() % 8 == 0), 160 - offset);
      const bool last = offset + length == 160 || random() % 16 == 0;
      Bytes payload(160);
      for (uint8_t& octet : payload) octet = static_cast<uint8_t>(random());
      lab.add(payload, {offset, length, last}, esp, v6 ? ipv6_source : ipv4_source, id);
      const ByteView part = ByteView(payload).subspan(offset, length);
      sent[id].push_back({offset, {part.begin(), part.end()}});
    }
    for (const Bytes& frame : lab.whole) {
      const ByteView got = ByteView(frame).subspan(v6 ? 54 : 34);
      CHECK(std::ranges::any_of(sent, [&](const auto& each) { return is_made_of(got, each); }));
      ++made;
    }
  }
  CHECK(made > 0);
  CHECK(packets_in_use() == before);
}

}  // namespace sekisho::dataplane::test
