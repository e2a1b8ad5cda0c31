// What passes a filter, packet by packet, and that no packet is read past its end.
#include "dataplane/filter/judge.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "ipc/convert.h"
#include "tests/unit/dataplane/packets.h"

namespace sekisho::dataplane::test {
namespace {

using ipc::Direction;
constexpr Direction in = Direction::inbound, out = Direction::outbound;
constexpr Ticks second = 16;

const char* const far = "10.1.0.7";      // beyond the interface
const char* const near = "192.168.1.2";  // on the other side

ipc::FilterRuleAdd rule(Direction direction, uint8_t protocol, uint16_t first = 0, uint16_t last = UINT16_MAX) {
  return {.direction = direction, .protocol = protocol, .first_port = first, .last_port = last};
}

struct Lab {
  explicit Lab(const std::vector<ipc::FilterRuleAdd>& rules) { set(rules); }
  void set(const std::vector<ipc::FilterRuleAdd>& rules) {
    filter.identity = 7;
    ++filter.generation;
    filter.rules = {};
    for (const auto& each : rules) filter.rules[static_cast<size_t>(each.direction)].push_back(filter_rule(each));
  }
  Verdict judge(Direction direction, ByteView packet) {
    IpHeader header;
    REQUIRE(check_ip(packet.data(), packet.size(), header) != IpVerdict::malformed);
    const PacketFields fields = fields_of(packet.data(), header);
    return dataplane::judge(Candidate(filter, direction, fields, *flows), *flows, now);
  }
  // Of a packet that is denied.
  ipc::DenialReason why(Direction direction, ByteView packet) {
    REQUIRE(judge(direction, packet) == Verdict::denied);
    IpHeader header;
    REQUIRE(check_ip(packet.data(), packet.size(), header) != IpVerdict::malformed);
    const PacketFields fields = fields_of(packet.data(), header);
    return why_denied(Candidate(filter, direction, fields, *flows), *flows, now);
  }
  bool passes(Direction direction, ByteView packet) {
    const Verdict verdict = judge(direction, packet);
    return verdict == Verdict::by_flow || verdict == Verdict::by_rule;
  }

  Filter filter;
  std::unique_ptr<FlowTable> flows = std::move(FlowTable::create(1024, second).value());
  Ticks now = 1;
};

Bytes tcp(uint16_t source, uint16_t destination, uint8_t flags) {
  ByteWriter writer;
  writer.u16(source);
  writer.u16(destination);
  writer.zeros(8);
  writer.u8(0x50);
  writer.u8(flags);
  writer.zeros(6);
  return std::move(writer).take();
}
Bytes inward(uint8_t flags, uint16_t source = 1000, uint16_t destination = 443) {
  return ip({far, near, 6}, tcp(source, destination, flags));
}
Bytes outward(uint8_t flags, uint16_t source = 443, uint16_t destination = 1000) {
  return ip({near, far, 6}, tcp(source, destination, flags));
}
Bytes icmp(uint8_t type, uint16_t id, ByteView rest = {}) {
  ByteWriter writer;
  writer.u8(type);
  writer.u8(0);
  writer.u16(0);
  writer.u16(id);
  writer.u16(1);
  writer.bytes(rest);
  return std::move(writer).take();
}

}  // namespace

TEST_CASE("a connection passes both ways once a rule has let its SYN in, and none begins the other way") {
  Lab lab({rule(in, 6, 443, 443)});
  CHECK(lab.judge(out, outward(tcp_ack)) == Verdict::denied);
  CHECK(lab.judge(in, inward(tcp_syn, 1000, 444)) == Verdict::denied);
  CHECK(lab.judge(in, inward(tcp_syn)) == Verdict::by_rule);
  CHECK(lab.judge(out, outward(tcp_syn | tcp_ack)) == Verdict::by_flow);
  CHECK(lab.judge(in, inward(tcp_ack)) == Verdict::by_flow);
  CHECK(lab.judge(out, outward(tcp_syn)) == Verdict::denied);  // the same ends, but begun from there
  CHECK(lab.judge(out, outward(tcp_ack, 443, 1001)) == Verdict::denied);
  CHECK(lab.judge(in, inward(tcp_ack, 1001, 80)) == Verdict::denied);
  CHECK(lab.judge(in, ip({far, near, 17}, udp(1000, 443, text(4)))) == Verdict::denied);
  CHECK(lab.judge(in, ip({"10.1.0.8", near, 6}, tcp(1000, 443, tcp_syn))) == Verdict::by_rule);
  CHECK(lab.judge(out, ip({near, "10.1.0.9", 6}, tcp(443, 1000, tcp_ack))) == Verdict::denied);
}

TEST_CASE("TCP lives long only when its initiator has answered the answer, and until both ends have ended it") {
  Lab lab({rule(in, 6)});
  const auto lives = [&](unsigned seconds) {
    lab.now += seconds * second;
    return lab.judge(out, outward(tcp_ack)) == Verdict::by_flow;
  };
  REQUIRE(lab.passes(in, inward(tcp_syn)));
  REQUIRE(lab.passes(out, outward(tcp_syn | tcp_ack)));
  CHECK_FALSE(lives(241));
  REQUIRE(lab.passes(in, inward(tcp_syn)));
  REQUIRE(lab.passes(out, outward(tcp_syn | tcp_ack)));
  REQUIRE(lab.passes(in, inward(tcp_ack)));
  CHECK(lives(7000));
  CHECK(lives(7000));
  // Of one end alone, which may be somebody else's, it takes nothing.
  REQUIRE(lab.passes(in, inward(tcp_rst)));
  CHECK(lives(7000));
  REQUIRE(lab.passes(in, inward(tcp_fin | tcp_ack)));
  REQUIRE(lab.passes(in, inward(tcp_syn)));
  CHECK(lives(7000));
  REQUIRE(lab.passes(out, outward(tcp_fin | tcp_ack)));
  CHECK(lives(100));
  CHECK(lives(200));
  CHECK_FALSE(lives(241));
  // A port used again.
  REQUIRE(lab.passes(in, inward(tcp_syn)));
  REQUIRE(lab.passes(in, inward(tcp_rst)));
  CHECK(lab.judge(in, inward(tcp_syn)) == Verdict::by_flow);
  REQUIRE(lab.passes(out, outward(tcp_syn | tcp_ack)));
  REQUIRE(lab.passes(in, inward(tcp_ack)));
  CHECK(lives(7000));
  // Also where only one end had ended the connection before: it takes both again.
  REQUIRE(lab.passes(in, inward(tcp_rst)));
  REQUIRE(lab.passes(in, inward(tcp_syn)));
  REQUIRE(lab.passes(out, outward(tcp_syn | tcp_ack)));
  REQUIRE(lab.passes(in, inward(tcp_ack)));
  REQUIRE(lab.passes(out, outward(tcp_rst)));
  CHECK(lives(7000));
}

TEST_CASE("a connection that one end has ended makes room before one that has not ended") {
  Lab lab({rule(in, 6), rule(out, 6)});
  lab.flows = std::move(FlowTable::create(8, second).value());
  const auto begun = [&](Direction direction, uint16_t port) {
    const bool inbound = direction == in;
    const auto onward = [&](uint8_t flags) {
      return lab.passes(direction, inbound ? inward(flags, port) : outward(flags, 443, port));
    };
    const auto back = [&](uint8_t flags) {
      return lab.passes(inbound ? out : in, inbound ? outward(flags, 443, port) : inward(flags, port));
    };
    return onward(tcp_syn) && back(tcp_syn | tcp_ack) && onward(tcp_ack);
  };
  uint16_t ports = 0;
  while (begun(in, ports)) REQUIRE(++ports < 200);
  // It is full of them: for the next one, a flow that is in its place has to end.
  REQUIRE(lab.judge(in, inward(tcp_syn, ports)) == Verdict::table_full);
  for (uint16_t port = 0; port < ports; ++port)
    REQUIRE(lab.judge(out, outward(tcp_rst, 443, port)) == Verdict::by_flow);
  CHECK(lab.judge(in, inward(tcp_syn, ports)) == Verdict::by_rule);
}

TEST_CASE("UDP lives longer once it was answered") {
  Lab lab({rule(in, 17)});
  const Bytes question = ip({far, near, 17}, udp(5, 53, text(4))), answer = ip({near, far, 17}, udp(53, 5, text(4)));
  REQUIRE(lab.passes(in, question));
  lab.now += 31 * second;
  CHECK_FALSE(lab.passes(out, answer));
  REQUIRE(lab.passes(in, question));
  REQUIRE(lab.passes(out, answer));
  lab.now += 299 * second;
  CHECK(lab.judge(out, answer) == Verdict::by_flow);
}

TEST_CASE("rules that change end the flows that they forbid, and no others") {
  Lab lab({rule(in, 6)});
  REQUIRE(lab.passes(in, inward(tcp_syn, 1000, 22)));
  REQUIRE(lab.passes(in, inward(tcp_syn, 1000, 443)));
  lab.set({rule(in, 6, 443, 443)});
  CHECK(lab.judge(out, outward(tcp_ack, 22)) == Verdict::denied);
  CHECK(lab.judge(in, inward(tcp_ack, 1000, 22)) == Verdict::denied);
  CHECK(lab.judge(out, outward(tcp_ack, 443)) == Verdict::by_flow);
  // It was judged by its first packet: as the answer that it is, no rule allows it.
  lab.set({rule(in, 6), rule(out, 17)});
  CHECK(lab.judge(out, outward(tcp_ack, 443)) == Verdict::by_flow);
  CHECK(lab.judge(out, outward(tcp_ack, 22)) == Verdict::by_flow);  // the former is allowed again
  lab.set({});
  CHECK(lab.judge(in, inward(tcp_ack, 1000, 443)) == Verdict::denied);
}

TEST_CASE("a flow that an edit forbids does not go on by a rule for the other direction") {
  const auto all_out = rule(out, 0);
  Lab lab({rule(in, 0), all_out});
  REQUIRE(lab.passes(in, inward(tcp_syn)));
  REQUIRE(lab.passes(out, outward(tcp_syn | tcp_ack)));
  REQUIRE(lab.passes(in, inward(tcp_ack)));
  const Bytes question = ip({far, near, 17}, udp(5, 53, text(4))), answer = ip({near, far, 17}, udp(53, 5, text(4)));
  REQUIRE(lab.passes(in, question));
  REQUIRE(lab.passes(out, answer));
  REQUIRE(lab.passes(in, ip({far, near, 1}, icmp(8, 5))));
  const Bytes quote = ip({near, far, 1}, icmp(11, 0, question));
  REQUIRE(lab.judge(out, quote) == Verdict::by_flow);
  lab.set({rule(in, 6, 22, 22), rule(out, 6), rule(out, 17)});
  CHECK(lab.judge(out, quote) == Verdict::denied);
  lab.set({rule(in, 6, 22, 22), all_out});
  for (int turn = 0; turn < 3; ++turn) {
    CHECK(lab.judge(out, outward(tcp_ack)) == Verdict::denied);
    CHECK(lab.judge(out, outward(tcp_syn | tcp_ack)) == Verdict::denied);
    CHECK(lab.judge(out, outward(tcp_fin | tcp_ack)) == Verdict::denied);
    CHECK(lab.judge(in, inward(tcp_ack)) == Verdict::denied);
    CHECK(lab.judge(in, inward(tcp_syn)) == Verdict::denied);
    CHECK(lab.judge(out, answer) == Verdict::denied);
    CHECK(lab.judge(in, question) == Verdict::denied);
    CHECK(lab.judge(out, ip({near, far, 1}, icmp(0, 5))) == Verdict::denied);
    lab.now += 59 * second;
    if (turn == 1) lab.set({rule(in, 6, 23, 23), all_out});  // an edit that has nothing to do with it
  }
  // Packets prolong it, either way; once it is silent its ports are like any others.
  lab.now += 240 * second;
  CHECK(lab.judge(out, answer) == Verdict::denied);
  lab.now += 299 * second;
  CHECK(lab.judge(out, answer) == Verdict::denied);
  lab.now += 300 * second;
  CHECK(lab.judge(out, answer) == Verdict::by_rule);
  lab.now += 6000 * second;
  CHECK(lab.judge(out, outward(tcp_ack)) == Verdict::denied);
  // A connection of its own, of the other end.
  CHECK(lab.judge(out, outward(tcp_syn)) == Verdict::by_rule);
  CHECK(lab.judge(in, inward(tcp_syn | tcp_ack)) == Verdict::by_flow);
  CHECK(lab.judge(out, outward(tcp_ack)) == Verdict::by_flow);
}

TEST_CASE("rules hold of prefixes on their sides, of protocols, ports and types") {
  ipc::FilterRuleAdd narrow = rule(in, 17, 100, 200);
  narrow.family = 4;
  narrow.remote = ipc::from_address(*IpAddress::parse("10.1.0.0"));
  narrow.remote_length = 24;
  narrow.local = ipc::from_address(*IpAddress::parse("192.168.1.2"));
  narrow.local_length = 32;
  ipc::FilterRuleAdd echo = rule(in, 1), six = rule(in, 0);
  echo.has_icmp_type = 1;
  echo.icmp_type = 8;
  six.family = 6;
  six.remote = ipc::from_address(*IpAddress::parse("fd00:1::"));
  six.remote_length = 33;
  six.local = ipc::from_address(IpAddress::any(Family::ipv6));
  Lab lab({narrow, echo, six});
  const auto udp_passes = [&](const char* source, const char* destination, uint16_t port) {
    return lab.passes(in, ip({source, destination, 17}, udp(9, port, text(1))));
  };
  CHECK(udp_passes("10.1.0.255", near, 100));
  CHECK(udp_passes("10.1.0.1", near, 200));
  CHECK_FALSE(udp_passes("10.1.0.2", near, 99));
  CHECK_FALSE(udp_passes("10.1.0.2", near, 201));
  CHECK_FALSE(udp_passes("10.1.1.0", near, 150));
  CHECK_FALSE(udp_passes("10.1.0.3", "192.168.1.3", 150));
  CHECK(lab.passes(in, ip({far, near, 1}, icmp(8, 1))));
  CHECK_FALSE(lab.passes(in, ip({far, near, 1}, icmp(13, 1))));
  CHECK_FALSE(lab.passes(in, ip({far, near, 1}, icmp(0, 2))));
  CHECK(lab.passes(in, ip({"fd00:1:0:ffff::1", "fd00:2::1", 17}, udp(1, 2, text(1)))));
  CHECK_FALSE(lab.passes(in, ip({"fd00:1:8000::1", "fd00:2::1", 17}, udp(1, 2, text(1)))));
  CHECK_FALSE(lab.passes(out, ip({near, "10.1.0.77", 17}, udp(9, 150, text(1)))));
}

TEST_CASE("ICMP: a request opens the way for replies alone, and a reply for nothing") {
  Lab lab({rule(in, 1)});
  CHECK_FALSE(lab.passes(out, ip({near, far, 1}, icmp(0, 5))));
  REQUIRE(lab.passes(in, ip({far, near, 1}, icmp(8, 5))));
  CHECK(lab.judge(out, ip({near, far, 1}, icmp(0, 5))) == Verdict::by_flow);
  CHECK_FALSE(lab.passes(out, ip({near, far, 1}, icmp(0, 6))));
  CHECK_FALSE(lab.passes(out, ip({near, far, 1}, icmp(8, 5))));
  CHECK(lab.judge(in, ip({far, near, 1}, icmp(0, 9))) == Verdict::by_rule);
  CHECK_FALSE(lab.passes(out, ip({near, far, 1}, icmp(8, 9))));
}

TEST_CASE("ICMP: both ends may ask with the same identifier") {
  Lab lab({rule(in, 1), rule(out, 1)});
  const Bytes ask_in = ip({far, near, 1}, icmp(8, 5)), ask_out = ip({near, far, 1}, icmp(8, 5));
  REQUIRE(lab.judge(in, ask_in) == Verdict::by_rule);
  REQUIRE(lab.judge(out, ask_out) == Verdict::by_rule);
  lab.set({rule(in, 1), rule(out, 17)});  // what the gateway's side asks is forbidden, and no more
  CHECK(lab.judge(out, ip({near, far, 1}, icmp(0, 5))) == Verdict::by_flow);
  CHECK(lab.judge(in, ask_in) == Verdict::by_flow);
  CHECK(lab.judge(out, ask_out) == Verdict::denied);
  CHECK(lab.judge(in, ip({far, near, 1}, icmp(0, 5))) == Verdict::denied);
  lab.set({rule(in, 1), rule(out, 1)});
  CHECK(lab.judge(out, ip({near, far, 1}, icmp(0, 5))) == Verdict::by_flow);
  CHECK(lab.judge(in, ip({far, near, 1}, icmp(0, 5))) == Verdict::by_flow);
}

TEST_CASE("ICMP errors pass where they quote a packet of a flow, to its sender") {
  Lab lab({rule(out, 17), rule(out, 58), rule(out, 1)});
  const Bytes sent = ip({near, far, 17}, udp(33000, 33434, text(40)));
  const auto error = [&](ByteView quoted, const char* source = "10.1.0.1", const char* destination = near) {
    return ip({source, destination, 1}, icmp(11, 0, quoted));
  };
  CHECK_FALSE(lab.passes(in, error(sent)));
  REQUIRE(lab.passes(out, sent));
  CHECK(lab.judge(in, error(sent)) == Verdict::by_flow);
  CHECK(lab.judge(in, error(ByteView(sent).first(28))) == Verdict::by_flow);  // RFC 792: eight octets
  CHECK_FALSE(lab.passes(in, error(ByteView(sent).first(23))));
  CHECK_FALSE(lab.passes(in, error(sent, "10.1.0.1", "192.168.1.3")));  // not its sender
  CHECK_FALSE(lab.passes(in, error(ip({near, far, 17}, udp(33000, 33435, text(40))))));
  CHECK_FALSE(lab.passes(in, error(ip({far, near, 17}, udp(33434, 33000, text(40))))));
  const Bytes redirect = ip({"10.1.0.1", near, 1}, icmp(5, 0, sent));
  CHECK_FALSE(lab.passes(in, redirect));
  const Bytes echo = ip({near, far, 1}, icmp(8, 77));
  REQUIRE(lab.passes(out, echo));
  CHECK(lab.judge(in, error(echo)) == Verdict::by_flow);
  // The quoted flow is no way in for anything else.
  CHECK_FALSE(lab.passes(in, ip({far, near, 17}, udp(33435, 33000, text(4)))));
  lab.set({});
  CHECK_FALSE(lab.passes(in, error(sent)));
}

TEST_CASE("fragments pass after their first one, or by a rule without ports") {
  Lab lab({rule(in, 17, 53, 53)});
  const auto fragment = [](uint16_t word, ByteView payload) {
    return ip({.source = far, .destination = near, .protocol = 17, .fragment = word}, payload);
  };
  const Bytes first = fragment(ipv4_more_fragments, udp(5, 53, text(24))), later = fragment(4, text(16));
  CHECK_FALSE(lab.passes(in, later));
  CHECK_FALSE(lab.passes(in, fragment(ipv4_more_fragments, udp(5, 54, text(24)))));
  CHECK_FALSE(lab.passes(in, later));
  REQUIRE(lab.passes(in, first));
  CHECK(lab.judge(in, later) == Verdict::by_flow);
  Bytes reply = ip({.source = near, .destination = far, .protocol = 17, .fragment = 4}, text(16));
  CHECK_FALSE(lab.passes(out, reply));
  lab.now += 6 * second;
  CHECK_FALSE(lab.passes(in, later));
  lab.set({rule(in, 17)});
  CHECK(lab.judge(in, later) == Verdict::by_rule);
  // RFC 1858: TCP whose flags are hidden, in what is too short for them or comes later.
  lab.set({rule(in, 0)});
  CHECK_FALSE(lab.passes(in, ip({.source = far, .destination = near, .protocol = 6, .fragment = ipv4_more_fragments},
                                ByteView(tcp(1, 2, tcp_ack)).first(16))));
  CHECK_FALSE(lab.passes(in, ip({.source = far, .destination = near, .protocol = 6, .fragment = 1}, text(8))));
}

TEST_CASE("IPv6: what stands behind extension headers is looked at, and fragments are told by their identification") {
  Lab lab({rule(in, 17, 53, 53)});
  const char *there = "fd00:1::1", *here = "fd00:2::1";
  const auto packet = [&](uint8_t protocol, ByteView head, ByteView rest) {
    Bytes payload(head.begin(), head.end());
    payload.insert(payload.end(), rest.begin(), rest.end());
    return ip({there, here, protocol}, payload);
  };
  const Bytes options = {17, 0, 1, 4, 0, 0, 0, 0};
  CHECK(lab.passes(in, packet(60, options, udp(5, 53, text(4)))));
  CHECK_FALSE(lab.passes(in, packet(60, options, udp(5, 54, text(4)))));
  const Bytes first = {17, 0, 0, 1, 0, 0, 0, 9}, later = {17, 0, 0, 32, 0, 0, 0, 9}, other = {17, 0, 0, 32, 0, 0, 0, 8};
  CHECK_FALSE(lab.passes(in, packet(44, later, text(16))));
  CHECK(lab.passes(in, packet(44, first, udp(5, 53, text(24)))));
  CHECK(lab.passes(in, packet(44, later, text(16))));
  CHECK_FALSE(lab.passes(in, packet(44, other, text(16))));
}

TEST_CASE("a packet, or its first fragment, that does not show its transport header is denied whatever the rules say") {
  Lab lab({rule(in, 0)});
  const auto passes = [&](uint8_t protocol, size_t length) {
    const Bytes payload = protocol == 6 ? tcp(1, 2, tcp_ack) : text(24);
    const ByteView shown = ByteView(payload).first(length);
    const bool whole = lab.passes(in, ip({far, near, protocol}, shown));
    CHECK(lab.passes(in, ip({.source = far, .destination = near, .protocol = protocol, .fragment = 0x2000}, shown)) ==
          whole);
    Bytes fragment = {protocol, 0, 0, 1, 0, 0, 0, 9};
    fragment.insert(fragment.end(), shown.begin(), shown.end());
    CHECK(lab.passes(in, ip({"fd00:1::1", "fd00:2::1", 44}, fragment)) == (protocol == 1 || whole));
    return whole;
  };
  CHECK(passes(6, 20));
  CHECK_FALSE(passes(6, 19));
  CHECK(passes(17, 8));
  CHECK_FALSE(passes(17, 7));
  CHECK_FALSE(passes(17, 0));
  CHECK(passes(132, 12));
  CHECK_FALSE(passes(132, 11));
  CHECK(passes(1, 8));
  CHECK_FALSE(passes(1, 7));
  CHECK(passes(47, 0));
}

TEST_CASE("IPv6: a first fragment shows the whole chain of headers (RFC 7112), and the others share its fate") {
  Lab lab({rule(in, 0)});
  const auto packet = [&](std::initializer_list<Bytes> parts) {
    Bytes payload;
    for (const Bytes& part : parts) payload.insert(payload.end(), part.begin(), part.end());
    return ip({"fd00:1::1", "fd00:2::1", 44}, payload);
  };
  const auto fragment = [](uint8_t next, uint16_t word) {
    return Bytes{next, 0, static_cast<uint8_t>(word >> 8), static_cast<uint8_t>(word), 0, 0, 0, 9};
  };
  const Bytes options = {17, 0, 1, 4, 0, 0, 0, 0};
  CHECK(lab.passes(in, packet({fragment(60, 1), options, udp(5, 53, text(8))})));
  CHECK_FALSE(lab.passes(in, packet({fragment(60, 1), options})));
  CHECK_FALSE(lab.passes(in, packet({fragment(60, 1), {17, 1, 1, 4, 0, 0, 0, 0}})));
  CHECK_FALSE(lab.passes(in, packet({fragment(60, 1)})));
  CHECK_FALSE(lab.passes(in, packet({fragment(17, 1)})));
  CHECK_FALSE(lab.passes(in, packet({fragment(58, 1), text(7)})));
  // A fragment within a fragment, of which either could tell the ports.
  CHECK_FALSE(lab.passes(in, packet({fragment(44, 0), fragment(17, 0), udp(5, 53, text(8))})));
  CHECK_FALSE(lab.passes(in, packet({fragment(44, 1), fragment(17, 64), text(16)})));

  // What the ports of the first one forbid, the later ones do not bring either, whatever protocol they name.
  lab.set({rule(in, 17, 53, 53)});
  for (const uint8_t next : {17, 60, 58}) {
    CHECK_FALSE(lab.passes(in, packet({fragment(60, 1), options, udp(5, 54, text(8))})));
    CHECK_FALSE(lab.passes(in, packet({fragment(next, 64), text(16)})));
  }
  CHECK(lab.passes(in, packet({fragment(60, 1), options, udp(5, 53, text(8))})));
  CHECK(lab.passes(in, packet({fragment(60, 64), text(16)})));
}

TEST_CASE("why a packet is denied") {
  using enum ipc::DenialReason;
  Lab lab({rule(in, 6, 443, 443)});
  CHECK(lab.why(in, inward(tcp_syn, 1000, 444)) == no_rule);
  CHECK(lab.why(in, ip({far, near, 6}, text(19))) == header_chain);
  CHECK(lab.why(in, ip({.source = far, .destination = near, .protocol = 17, .fragment = 4}, text(16))) == fragment);
  Bytes routed = {17, 0, 4, 1, 0, 0, 0, 0};
  CHECK(lab.why(in, ip({"fd00:1::1", "fd00:2::1", 43}, routed)) == routing_header);
  REQUIRE(lab.passes(in, inward(tcp_syn)));
  lab.set({rule(out, 6)});
  CHECK(lab.why(out, outward(tcp_ack)) == forbidden_flow);
  CHECK(lab.why(in, inward(tcp_ack)) == forbidden_flow);
  lab.set({});
  CHECK(lab.why(out, outward(tcp_syn)) == no_rule);  // a connection of its own
  lab.filter.id = ipc::closed_filter;
  CHECK(lab.why(in, inward(tcp_syn)) == closed);
}

TEST_CASE("IPv6: what a routing header leads elsewhere is denied, whatever the rules say") {
  Lab lab({rule(in, 0), rule(out, 0)});
  const auto packet = [](uint8_t protocol, std::initializer_list<Bytes> parts) {
    Bytes payload;
    for (const Bytes& part : parts) payload.insert(payload.end(), part.begin(), part.end());
    return ip({"fd00:1::1", "fd00:2::1", protocol}, payload);
  };
  const auto routing = [](uint8_t next, uint8_t segments_left) {
    Bytes header = {next, 2, 4, segments_left};
    header.resize(24);
    return header;
  };
  const Bytes rest = udp(5, 53, text(24));
  const auto options = [](uint8_t next) { return Bytes{next, 0, 1, 4, 0, 0, 0, 0}; };
  for (const Direction direction : {in, out}) {
    CHECK(lab.passes(direction, packet(43, {routing(17, 0), rest})));
    CHECK_FALSE(lab.passes(direction, packet(43, {routing(17, 1), rest})));
    CHECK_FALSE(lab.passes(direction, packet(60, {options(43), routing(17, 255), rest})));
    CHECK_FALSE(lab.passes(direction, packet(43, {routing(43, 1), routing(17, 0), rest})));
    CHECK_FALSE(lab.passes(direction, packet(44, {{43, 0, 0, 1, 0, 0, 0, 9}, routing(17, 1), rest})));
    CHECK(lab.passes(direction, packet(44, {{17, 0, 0, 1, 0, 0, 0, 9}, rest})));
    // It may be behind what is not looked at.
    CHECK_FALSE(lab.passes(direction, packet(60, {options(60), options(60), options(60), options(60), options(60),
                                                  options(60), options(60), options(43), routing(17, 1), rest})));
    CHECK_FALSE(lab.passes(direction, packet(44, {{60, 0, 0, 1, 0, 0, 0, 10}})));
  }
}

TEST_CASE("what is established stays where openings flood a full table, and the rest is refused") {
  Lab lab({rule(in, 0)});
  lab.flows = std::move(FlowTable::create(8, second).value());
  const auto established = [&](uint16_t port) {
    return lab.passes(in, ip({far, near, 17}, udp(port, 1, {}))) &&
           lab.passes(out, ip({near, far, 17}, udp(1, port, {})));
  };
  REQUIRE(established(1));
  for (uint16_t port = 2; port < 1000; ++port) {
    const Verdict verdict = lab.judge(in, ip({far, near, 17}, udp(port, 1, {})));
    REQUIRE((verdict == Verdict::by_rule || verdict == Verdict::table_full));
  }
  CHECK(lab.judge(in, ip({far, near, 17}, udp(1, 1, {}))) == Verdict::by_flow);
  uint16_t port = 2000;
  while (established(port)) REQUIRE(++port < 3000);
  CHECK(lab.judge(in, ip({far, near, 17}, udp(1, 1, {}))) == Verdict::by_flow);
}

// On heap buffers of exactly the packet's size, cut short everywhere and changed anywhere.
TEST_CASE("no packet is read past its end, however it is made") {
  Lab lab({rule(in, 6, 443, 443), rule(in, 1), rule(out, 0)});
  const Bytes quoted = ip({near, far, 17}, udp(5, 6, text(20)));
  const Bytes quoted6 = ip({"fd00:2::1", "fd00:1::1", 17}, udp(5, 6, text(20)));
  const std::vector<Bytes> samples = {
      inward(tcp_syn), ip({far, near, 1}, icmp(3, 0, quoted)),
      ip({.source = far, .destination = near, .protocol = 17, .fragment = ipv4_more_fragments}, udp(1, 2, text(24))),
      ip({"fd00:1::1", "fd00:2::1", 60},
         Bytes{44, 0, 1, 4, 0, 0, 0, 0, 43, 0, 0, 1, 0, 0, 0, 1, 58, 0, 0, 0, 0, 0, 0, 0}),
      ip({"fd00:1::1", "fd00:2::1", 58}, icmp(1, 0, quoted6))};
  std::minstd_rand random(1);
  const auto try_one = [&](ByteView bytes) {
    const std::unique_ptr<uint8_t[]> exact(new uint8_t[bytes.size()]);
    std::memcpy(exact.get(), bytes.data(), bytes.size());
    IpHeader header;
    if (check_ip(exact.get(), bytes.size(), header) == IpVerdict::malformed) return;
    const PacketFields fields = fields_of(exact.get(), header);
    for (const Direction direction : {in, out})
      static_cast<void>(dataplane::judge(Candidate(lab.filter, direction, fields, *lab.flows), *lab.flows, lab.now));
  };
  for (const Bytes& sample : samples) {
    for (size_t length = 20; length <= sample.size(); ++length) {
      Bytes cut(sample.begin(), sample.begin() + static_cast<std::ptrdiff_t>(length));
      const bool ipv4 = cut[0] >> 4 == 4;
      if (!ipv4 && length < 40) continue;
      const size_t said = ipv4 ? length : length - 40;
      cut[ipv4 ? 2 : 4] = static_cast<uint8_t>(said >> 8);
      cut[ipv4 ? 3 : 5] = static_cast<uint8_t>(said);
      if (ipv4) fix_checksum(cut, 0);
      try_one(cut);
      for (int i = 0; i < 300 && length > 20; ++i) {
        Bytes spoilt = cut;
        for (int j = 0; j < 3; ++j) {
          const size_t at = (ipv4 ? 6 : 6) + random() % (length - 6);
          if (ipv4 && (at == 10 || at == 11)) continue;
          spoilt[at] = static_cast<uint8_t>(random());
        }
        if (ipv4) fix_checksum(spoilt, 0);
        try_one(spoilt);
      }
    }
  }
}

}  // namespace sekisho::dataplane::test
