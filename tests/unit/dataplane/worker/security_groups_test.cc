// The ways of a packet through a gateway whose interfaces have filters.
#include <catch2/catch.hpp>

#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane::test {
namespace {

using ipc::Direction, ipc::DropReason, ipc::FilterCounter;

const char* const lan_host = "10.1.0.1";
const char* const wan_host = "192.0.2.99";
const char* const own = "192.0.2.1";
const char* const own_lan = "10.1.0.254";

ipc::FilterRuleAdd rule(Direction direction, uint8_t protocol, uint16_t port = 0) {
  ipc::FilterRuleAdd result{.direction = direction, .protocol = protocol};
  if (port != 0) result.first_port = result.last_port = port;
  return result;
}

const auto all_in = rule(Direction::inbound, 0), all_out = rule(Direction::outbound, 0);

Bytes ping(uint8_t type, uint16_t id) {
  return {type, 0, 0, 0, static_cast<uint8_t>(id >> 8), static_cast<uint8_t>(id), 0, 1};
}

struct Lab {
  Lab() { gateway.punted(); }
  void filter(std::optional<ipc::PortId> port, const std::vector<ipc::FilterRuleAdd>& rules) {
    gateway.set_filters({{port, tunnel, rules}});
  }
  Bytes frame(ByteView packet, MacAddress to = {}) {
    return ethernet(to == MacAddress{} ? gateway.mac(wan_port) : to, gateway.neighbour(wan_port), packet);
  }
  // What becomes of it, in one word.
  std::string fate() {
    const bool forwarded = !gateway.sent(lan_port).empty() || !gateway.sent(wan_port).empty();
    const bool punted = !gateway.punted().empty();
    REQUIRE_FALSE((forwarded && punted));
    return forwarded ? "forwarded" : punted ? "punted" : "dropped";
  }
  std::string from_wan(ByteView packet) {
    gateway.receive(wan_port, packet);
    return fate();
  }
  std::string from_lan(ByteView packet) {
    gateway.receive(lan_port, packet);
    return fate();
  }
  std::string from_tap(ByteView frame) {
    gateway.from_kernel(Via::port, wan_port.value(), frame);
    return fate();
  }

  Gateway gateway{0};
};

}  // namespace

TEST_CASE("what a port's group does not allow is dropped under its name, reported and counted; replies pass") {
  Lab lab;
  const Bytes in = ip({wan_host, lan_host, 17}, udp(1000, 53, text(4))),
              reply = ip({lan_host, wan_host, 17}, udp(53, 1000, text(4))),
              reverse = ip({lan_host, wan_host, 17}, udp(53, 1001, text(4)));
  CHECK(lab.from_wan(in) == "forwarded");  // nothing is filtered yet
  lab.filter(wan_port, {rule(Direction::inbound, 17, 53)});
  CHECK(lab.from_lan(reply) == "dropped");
  CHECK(lab.gateway.drops(DropReason::security_group_out) == 1);
  CHECK(lab.from_wan(in) == "forwarded");
  CHECK(lab.from_lan(reply) == "forwarded");
  CHECK(lab.from_lan(reverse) == "dropped");
  CHECK(lab.from_wan(ip({wan_host, lan_host, 17}, udp(1000, 54, text(4)))) == "dropped");
  CHECK(lab.gateway.drops(DropReason::security_group_in) == 1);
  CHECK(lab.gateway.all_drops() == 3);
  CHECK(lab.gateway.count(FilterCounter::inbound_rule) == 1);
  CHECK(lab.gateway.count(FilterCounter::inbound_denied) == 1);
  CHECK(lab.gateway.count(FilterCounter::outbound_flow) == 1);
  CHECK(lab.gateway.count(FilterCounter::outbound_denied) == 2);
  const auto event = lab.gateway.event();
  REQUIRE(event);
  CHECK(event->kind == PathEventKind::packet_denied);
  CHECK(event->direction == Direction::outbound);
  CHECK(event->port == wan_port);
  CHECK(event->source.text() == lan_host);
  CHECK(event->destination.text() == wan_host);
  CHECK(event->denied_source_port == 53);
  CHECK(event->denied_destination_port == 1000);
  CHECK_FALSE(lab.gateway.event());  // a few a second
}

TEST_CASE("in a burst each packet is judged by itself, and the order stays") {
  Lab lab;
  lab.filter(lan_port, {rule(Direction::inbound, 17, 53)});
  std::vector<Bytes> frames;
  for (uint16_t i = 0; i < 60; ++i)
    frames.push_back(ethernet(lab.gateway.mac(lan_port), lab.gateway.neighbour(lan_port),
                              ip({lan_host, wan_host, 17}, udp(i, i % 3 == 0 ? 54 : 53, text(4)))));
  lab.gateway.receive_frames(lan_port, frames);
  const auto sent = lab.gateway.sent(wan_port);
  REQUIRE(sent.size() == 40);
  for (size_t i = 0; i < sent.size(); ++i) CHECK(sent[i][14 + 20 + 1] == i / 2 * 3 + 1 + i % 2);
  CHECK(lab.gateway.drops(DropReason::security_group_in) == 20);
}

TEST_CASE("what expires or does not fit gets no answer where it is not allowed") {
  Lab lab;
  const Bytes expired = ip({.source = wan_host, .destination = lan_host, .ttl = 1}, udp(1, 2, text(4)));
  CHECK(lab.from_wan(expired) == "punted");
  lab.filter(wan_port, {});
  CHECK(lab.from_wan(expired) == "dropped");
  CHECK(lab.from_wan(ip({wan_host, "203.0.113.1", 17}, udp(1, 2, text(4)))) == "dropped");
  lab.filter(lan_port, {all_in});
  CHECK(lab.from_wan(expired) == "dropped");
  CHECK(lab.gateway.drops(DropReason::security_group_out) == 1);
}

TEST_CASE("to the gateway itself: IKE, ESP and neighbour discovery pass, all else by the rules") {
  Lab lab;
  lab.filter(wan_port, {});
  CHECK(lab.from_wan(ip({wan_host, own, 17}, udp(500, 500, text(40)))) == "punted");
  const Bytes non_esp = {0, 0, 0, 0, 1, 2, 3, 4};
  CHECK(lab.from_wan(ip({wan_host, own, 17}, udp(4500, 4500, non_esp))) == "punted");
  CHECK(lab.from_wan(ip({wan_host, own, 6}, text(20))) == "dropped");
  CHECK(lab.from_wan(ip({wan_host, own, 1}, ping(8, 1))) == "dropped");
  CHECK(lab.from_wan(ip({wan_host, own_lan, 17}, udp(500, 53, text(4)))) == "dropped");
  CHECK(lab.from_wan(ip({wan_host, lan_host, 17}, udp(500, 500, text(40)))) == "dropped");  // not to us
  CHECK(lab.gateway.drops(DropReason::security_group_in) == 4);
  CHECK(lab.from_wan(ip({wan_host, own, 50}, text(40))) == "dropped");
  CHECK(lab.gateway.drops(DropReason::esp_unknown_spi) == 1);
  Bytes solicitation(24, 0);
  solicitation[0] = 135;
  const IpFields near{.source = "2001:db8::2", .destination = "2001:db8::1", .protocol = 58, .ttl = 255};
  IpFields far = near;
  far.ttl = 254;
  CHECK(lab.from_wan(ip(near, solicitation)) == "punted");
  CHECK(lab.from_wan(ip(far, solicitation)) == "dropped");
  const auto with_source = [&](const char* source, const char* destination, ByteView payload, uint8_t protocol = 58) {
    return lab.from_wan(ip({.source = source, .destination = destination, .protocol = protocol, .ttl = 255}, payload));
  };
  CHECK(with_source("fe80::2", "2001:db8::1", solicitation) == "punted");
  CHECK(with_source("fe80::2", "fe80::1", solicitation) == "punted");
  CHECK(with_source("::", "ff02::1:ff00:1", solicitation) == "punted");
  CHECK(with_source("2001:db8::2", "ff05::2", solicitation) == "dropped");
  // The kernel would forward what carries options.
  Bytes behind_options = {58, 0, 1, 4, 0, 0, 0, 0};
  behind_options.insert(behind_options.end(), solicitation.begin(), solicitation.end());
  CHECK(with_source("2001:db8::2", "2001:db8:1::1", behind_options, 0) == "dropped");
  // Options that do not end within the packet, and then ESP.
  CHECK(with_source("2001:db8::2", "2001:db8::1", Bytes{50, 255, 1, 4, 0, 0, 0, 0}, 60) == "dropped");
  CHECK(with_source("fe80::2", "2001:db8::1", behind_options, 0) == "dropped");
  CHECK(with_source("2001:db8::2", "2001:db8::1", behind_options, 60) == "dropped");
  Bytes redirect(40, 0);
  redirect[0] = 137;
  CHECK(with_source("fe80::2", "2001:db8::1", redirect) == "dropped");
  // Nor does ESP pass, or IKE, that a routing header leads through us.
  const auto routed = [&](uint8_t protocol, uint8_t segments_left, Bytes rest) {
    Bytes payload = {protocol, 2, 4, segments_left};
    payload.resize(24);
    payload.insert(payload.end(), rest.begin(), rest.end());
    return with_source("2001:db8::2", "2001:db8::1", payload, 43);
  };
  CHECK(routed(17, 0, udp(500, 500, text(40))) == "punted");
  CHECK(routed(17, 1, udp(500, 500, text(40))) == "dropped");
  CHECK(routed(50, 1, text(40)) == "dropped");
  // Large IKE messages come in fragments, of which only the first shows the port.
  CHECK(lab.from_wan(ip({.source = wan_host, .destination = own, .fragment = 0x2000}, udp(500, 500, text(40)))) ==
        "punted");
  CHECK(lab.from_wan(ip({.source = wan_host, .destination = own, .fragment = 6}, text(40))) == "punted");
  CHECK(lab.from_wan(ip({.source = wan_host, .destination = own, .fragment = 0x2000}, udp(53, 53, text(40)))) ==
        "dropped");
}

TEST_CASE("nothing goes past the filter on its way to the kernel") {
  Lab lab;
  lab.filter(wan_port, {all_in, all_out});
  CHECK(lab.from_wan(ip({.source = wan_host, .destination = lan_host, .options = true}, udp(1, 2, text(4)))) ==
        "dropped");
  CHECK(lab.from_wan(ip({.source = wan_host, .destination = own, .options = true}, udp(1, 2, text(4)))) == "dropped");
  const Bytes hop_by_hop = {17, 0, 1, 4, 0, 0, 0, 0, 0, 1, 0, 2, 0, 8, 0, 0};
  CHECK(lab.from_wan(ip({"2001:db8::2", "2001:db8::1", 0}, hop_by_hop)) == "dropped");
  CHECK(lab.gateway.drops(DropReason::security_group_in) == 3);

  lab.filter(wan_port, {});
  const MacAddress broadcast{{255, 255, 255, 255, 255, 255}}, group{{1, 0, 0x5e, 0, 0, 5}};
  const auto take = [&](ByteView frame) {
    lab.gateway.receive_frame(wan_port, frame);
    return lab.fate();
  };
  const auto raw = [&](const MacAddress& to, uint16_t type, ByteView payload) {
    return take(ethernet(to, lab.gateway.neighbour(wan_port), type, payload));
  };
  const Bytes to_us = ip({wan_host, own, 17}, udp(1, 2, text(30)));
  CHECK(raw(broadcast, 0x0806, text(28)) == "punted");
  CHECK(raw(lab.gateway.mac(wan_port), 0x0806, text(28)) == "punted");
  CHECK(raw({{1, 0x80, 0xc2, 0, 0, 14}}, 0x88cc, text(28)) == "punted");
  CHECK(raw({{1, 0x80, 0xc2, 0, 0, 0x14}}, 60, text(60)) == "punted");
  const uint64_t before = lab.gateway.drops(DropReason::security_group_in);
  CHECK(take(lab.frame(to_us, broadcast)) == "dropped");
  CHECK(take(lab.frame(ip({wan_host, "239.1.1.1", 17}, udp(1, 2, text(4))), group)) == "dropped");
  CHECK(take(lab.frame(ip({"fe80::1", "fe80::2", 6}, text(20)))) == "dropped");
  Bytes tagged = {0, 0, 8, 0};  // VLAN 0, IPv4
  tagged.insert(tagged.end(), to_us.begin(), to_us.end());
  CHECK(raw(lab.gateway.mac(wan_port), 0x8100, tagged) == "dropped");
  CHECK(raw(broadcast, 0x8864, text(60)) == "dropped");
  CHECK(lab.gateway.drops(DropReason::security_group_in) == before + 5);
  Bytes malformed = to_us;
  malformed[8] ^= 1;
  CHECK(take(lab.frame(malformed, broadcast)) == "dropped");
  CHECK(lab.gateway.drops(DropReason::malformed_ip) == 1);
}

TEST_CASE("of multicast on a link, who listens to what and neighbour discovery pass; all else goes by the rules") {
  Lab lab;
  const ipc::FilterRuleAdd ospf_in = rule(Direction::inbound, 89), ospf_out = rule(Direction::outbound, 89);
  const Bytes ospf = ip({.source = wan_host, .destination = "224.0.0.5", .protocol = 89, .ttl = 1}, text(40)),
              own_ospf = ip({.source = own, .destination = "224.0.0.5", .protocol = 89, .ttl = 1}, text(40));
  const MacAddress group4{{1, 0, 0x5e, 0, 0, 5}}, group6{{0x33, 0x33, 0, 0, 0, 1}};
  const auto comes = [&](ByteView packet) {
    lab.gateway.receive_frame(wan_port, lab.frame(packet, packet[0] >> 4 == 4 ? group4 : group6));
    return lab.fate();
  };
  const auto goes = [&](ByteView packet) {
    return lab.from_tap(lab.frame(packet, packet[0] >> 4 == 4 ? group4 : group6));
  };
  const auto icmpv6 = [](uint8_t type, uint8_t hop_limit, const char* source, const char* destination) {
    Bytes message(24, 0);
    message[0] = type;
    return ip({.source = source, .destination = destination, .protocol = 58, .ttl = hop_limit}, message);
  };
  const auto listener = [](uint8_t type, uint8_t hop_limit, const char* destination) {
    Bytes message = {58, 0, 5, 2, 0, 0, 1, 0};  // router alert (RFC 2711)
    message.resize(32);
    message[8] = type;
    return ip({.source = "fe80::1", .destination = destination, .protocol = 0, .ttl = hop_limit}, message);
  };
  const auto igmp = [](uint8_t ttl) {
    return ip({.source = wan_host, .destination = "224.0.0.22", .protocol = 2, .ttl = ttl, .options = true}, text(16));
  };
  lab.filter(wan_port, {});
  CHECK(comes(ospf) == "dropped");
  CHECK(goes(own_ospf) == "dropped");
  CHECK(comes(ip({.source = wan_host, .destination = "224.0.0.18", .protocol = 112, .ttl = 255}, text(20))) ==
        "dropped");
  CHECK(comes(ip({.source = wan_host, .destination = "224.0.0.251", .protocol = 17}, udp(5353, 5353, text(20)))) ==
        "dropped");
  CHECK(comes(ip({"fe80::1", "ff02::1:2", 17}, udp(546, 547, text(20)))) == "dropped");
  CHECK(comes(ip({"fe80::1", "ff02::5", 89}, text(40))) == "dropped");
  CHECK(comes(icmpv6(128, 255, "fe80::1", "ff02::1")) == "dropped");
  CHECK(comes(igmp(1)) == "punted");
  CHECK(comes(igmp(2)) == "dropped");
  CHECK(goes(igmp(1)) == "forwarded");
  for (const uint8_t type : {130, 131, 132, 143}) {
    CHECK(comes(listener(type, 1, "ff02::16")) == "punted");
    CHECK(goes(listener(type, 1, "ff0e::16")) == "forwarded");
    CHECK(comes(listener(type, 2, "ff02::16")) == "dropped");
    CHECK(comes(listener(type, 1, "2001:db8::1")) == "dropped");
  }
  CHECK(comes(listener(129, 1, "ff02::16")) == "dropped");
  for (const uint8_t type : {133, 134, 135, 136}) {
    CHECK(comes(icmpv6(type, 255, "fe80::1", "ff02::1")) == "punted");
    CHECK(comes(icmpv6(type, 255, "2001:db8::2", "ff02::1:ff00:1")) == "punted");
    CHECK(comes(icmpv6(type, 254, "fe80::1", "ff02::1")) == "dropped");
    CHECK(comes(icmpv6(type, 255, "2001:db8::2", "ff05::1")) == "dropped");
  }
  lab.filter(wan_port, {ospf_in});
  CHECK(comes(ospf) == "punted");
  CHECK(goes(own_ospf) == "dropped");
  lab.filter(wan_port, {ospf_in, ospf_out});
  CHECK(goes(own_ospf) == "forwarded");
}

TEST_CASE("each filter has its denials told, with the reason, however much another denies") {
  Lab lab;
  lab.gateway.set_filters({{wan_port, {}, {}}, {lan_port, {}, {}}});
  const auto reason = [&](ipc::PortId port) {
    const auto event = lab.gateway.event();
    REQUIRE(event);
    CHECK(event->kind == PathEventKind::packet_denied);
    CHECK(event->port == port);
    return event->denial;
  };
  for (int i = 0; i < 2; ++i) lab.from_wan(ip({wan_host, own, 1}, ping(8, 1)));
  CHECK(reason(wan_port) == ipc::DenialReason::no_rule);
  lab.from_lan(ip({.source = lan_host, .destination = wan_host, .options = true}, udp(1, 2, text(4))));
  CHECK(reason(lan_port) == ipc::DenialReason::options);
  CHECK_FALSE(lab.gateway.event());
  lab.gateway.set_filters({{wan_port, {}, {}}});
  // A frame with a VLAN tag has no addresses to be told.
  Lab other;
  other.filter(wan_port, {});
  other.gateway.receive_frame(
      wan_port, ethernet(other.gateway.mac(wan_port), other.gateway.neighbour(wan_port), 0x8100, text(60)));
  const auto event = other.gateway.event();
  REQUIRE(event);
  CHECK(event->denial == ipc::DenialReason::frame_type);
}

TEST_CASE("what the kernel sends meets the filter, but for ARP, neighbour discovery and its own IKE and ESP") {
  Lab lab;
  lab.filter(wan_port, {rule(Direction::inbound, 6, 22)});
  const auto sends = [&](ByteView packet) { return lab.from_tap(lab.frame(packet, lab.gateway.neighbour(wan_port))); };
  CHECK(lab.from_tap(ethernet(lab.gateway.neighbour(wan_port), lab.gateway.mac(wan_port), 0x0806, text(28))) ==
        "forwarded");
  CHECK(sends(ip({own, wan_host, 17}, udp(500, 500, text(40)))) == "forwarded");
  CHECK(sends(ip({own, wan_host, 17}, udp(4500, 6000, text(40)))) == "forwarded");
  CHECK(sends(ip({own, wan_host, 50}, text(40))) == "forwarded");
  CHECK(sends(ip({.source = own, .destination = wan_host, .fragment = 6}, text(40))) == "dropped");
  CHECK(sends(ip({.source = own, .destination = wan_host, .fragment = 0x2000}, udp(500, 500, text(40)))) ==
        "forwarded");
  CHECK(sends(ip({.source = own, .destination = wan_host, .fragment = 6}, text(40))) == "forwarded");
  CHECK(sends(ip({lan_host, wan_host, 17}, udp(500, 500, text(40)))) == "dropped");  // somebody else's
  CHECK(sends(ip({lan_host, wan_host, 50}, text(40))) == "dropped");
  CHECK(sends(ip({own, wan_host, 1}, ping(8, 1))) == "dropped");
  CHECK(sends(ip({own, wan_host, 6}, Bytes{0, 22, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0})) ==
        "dropped");
  CHECK(lab.from_wan(ip({wan_host, own, 6},
                        Bytes{1, 0, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02, 0, 0, 0, 0, 0, 0})) == "punted");
  CHECK(sends(ip({own, wan_host, 6}, Bytes{0, 22, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x12, 0, 0, 0, 0, 0, 0})) ==
        "forwarded");
  CHECK(lab.from_tap(ethernet(lab.gateway.neighbour(wan_port), lab.gateway.mac(wan_port), 0x8100, text(60))) ==
        "dropped");
}

TEST_CASE("a host without an address speaks to its link by the rules: DHCP and IGMP") {
  Lab lab;
  const MacAddress broadcast{{255, 255, 255, 255, 255, 255}};
  const Bytes discover = ip({"0.0.0.0", "255.255.255.255", 17}, udp(68, 67, text(240))),
              offer = ip({wan_host, "255.255.255.255", 17}, udp(67, 68, text(240)));
  const auto comes = [&](ByteView packet) {
    lab.gateway.receive_frame(wan_port, lab.frame(packet, broadcast));
    return lab.fate();
  };
  const auto goes = [&](ByteView packet) { return lab.from_tap(lab.frame(packet, broadcast)); };
  lab.filter(wan_port, {});
  CHECK(comes(discover) == "dropped");
  CHECK(goes(discover) == "dropped");
  CHECK(lab.gateway.drops(DropReason::malformed_ip) == 0);
  CHECK(lab.gateway.drops(DropReason::security_group_in) == 1);
  CHECK(lab.gateway.drops(DropReason::security_group_out) == 1);
  CHECK(comes(ip({.source = "0.0.0.0", .destination = "224.0.0.22", .protocol = 2, .ttl = 1, .options = true},
                 text(16))) == "punted");
  // A client.
  lab.filter(wan_port, {rule(Direction::outbound, 17, 67), rule(Direction::inbound, 17, 68)});
  CHECK(goes(discover) == "forwarded");
  CHECK(comes(offer) == "punted");
  CHECK(comes(discover) == "dropped");
  // A server.
  lab.filter(wan_port, {rule(Direction::inbound, 17, 67), rule(Direction::outbound, 17, 68)});
  CHECK(comes(discover) == "punted");
  CHECK(goes(ip({own, "255.255.255.255", 17}, udp(67, 68, text(240)))) == "forwarded");
  CHECK(goes(discover) == "dropped");
  // To one host alone, or behind a wrong checksum, it is no packet.
  lab.filter(wan_port, {all_in, all_out});
  Bytes spoilt = discover;
  spoilt[8] ^= 1;
  CHECK(comes(spoilt) == "dropped");
  CHECK(comes(ip({"0.0.0.0", lan_host, 17}, udp(68, 67, text(240)))) == "dropped");
  CHECK(comes(ip({"0.0.0.1", "255.255.255.255", 17}, udp(68, 67, text(240)))) == "dropped");
  CHECK(lab.gateway.drops(DropReason::malformed_ip) == 3);
}

TEST_CASE("a tunnel's group holds of what goes in and what comes out, and not of the ESP around it") {
  Lab lab;
  Gateway peer{1};
  const SaPair forth = make_sa(lab.gateway, peer, EspSuite::aes128gcm16);
  REQUIRE(lab.gateway.add(forth.outbound));
  REQUIRE(peer.add(forth.inbound));
  const Bytes allowed = ip({lan_host, "10.2.0.2", 17}, udp(9, 53, text(4))),
              denied = ip({lan_host, "10.2.0.2", 17}, udp(9, 54, text(4)));
  // The port that the ESP leaves and enters by lets nothing pass.
  lab.gateway.set_filters({{wan_port, {}, {}}, {{}, tunnel, {rule(Direction::outbound, 17, 53)}}});
  peer.set_filters({{wan_port, {}, {}}, {{}, tunnel, {rule(Direction::inbound, 17, 53), rule(Direction::inbound, 1)}}});
  lab.gateway.receive(lan_port, denied);
  CHECK(lab.fate() == "dropped");
  CHECK(lab.gateway.drops(DropReason::security_group_out) == 1);
  const auto sealed = [&](ByteView packet) {
    lab.gateway.receive(lan_port, packet);
    const auto sent = lab.gateway.sent(wan_port);
    REQUIRE(sent.size() == 1);
    return sent[0];
  };
  peer.receive_frame(wan_port, sealed(allowed));
  CHECK(peer.sent(lan_port).size() == 1);
  lab.gateway.set_filters({});
  peer.receive_frame(wan_port, sealed(denied));
  CHECK(peer.sent(lan_port).empty());
  CHECK(peer.drops(DropReason::security_group_in) == 1);
  // To the kernel behind the tunnel.
  peer.receive_frame(wan_port, sealed(ip({lan_host, "10.2.0.254", 1}, ping(8, 1))));
  CHECK(peer.punted().size() == 1);
  peer.receive_frame(wan_port, sealed(ip({lan_host, "10.2.0.254", 6}, text(20))));
  CHECK(peer.punted().empty());
  CHECK(peer.drops(DropReason::security_group_in) == 2);
  // What expires behind it: an answer to what is allowed, and to nothing else.
  IpFields expires{.source = lan_host, .destination = "10.2.0.2", .protocol = 1, .ttl = 2};
  peer.receive_frame(wan_port, sealed(ip(expires, ping(8, 2))));
  CHECK(peer.punted().size() == 1);
  expires.protocol = 17;
  peer.receive_frame(wan_port, sealed(ip(expires, udp(9, 54, text(4)))));
  CHECK(peer.punted().empty());
  CHECK(peer.drops(DropReason::security_group_in) == 3);
  // Options bring a packet to the kernel at either end.
  lab.gateway.from_kernel(
      Via::tunnel, tunnel.value(),
      ip({.source = lan_host, .destination = "10.2.0.254", .protocol = 17, .options = true}, udp(9, 53, text(4))));
  peer.receive_frame(wan_port, lab.gateway.sent(wan_port).at(0));
  CHECK(peer.drops(DropReason::security_group_in) == 4);
  CHECK(peer.punted().empty());

  // What the kernel sends into it.
  lab.gateway.set_filters({{{}, tunnel, {rule(Direction::outbound, 17, 53)}}});
  lab.gateway.from_kernel(Via::tunnel, tunnel.value(), denied);
  CHECK(lab.fate() == "dropped");
  lab.gateway.from_kernel(Via::tunnel, tunnel.value(), allowed);
  CHECK(lab.fate() == "forwarded");
}

TEST_CASE("interfaces with the same filter share its flows") {
  Lab lab;
  lab.gateway.set_filters({{wan_port, {}, {rule(Direction::outbound, 17)}}});
  CHECK(lab.from_lan(ip({lan_host, wan_host, 17}, udp(5, 6, text(4)))) == "forwarded");
  // The other end comes by another way now.
  const Bytes reply = ip({wan_host, lan_host, 17}, udp(6, 5, text(4)));
  lab.gateway.set_filters({{lan_port, {}, {rule(Direction::outbound, 17)}}});
  lab.gateway.receive(lan_port, reply);
  CHECK(lab.gateway.sent(lan_port).size() == 1);
  lab.gateway.receive(lan_port, ip({wan_host, lan_host, 17}, udp(6, 4, text(4))));
  CHECK(lab.gateway.sent(lan_port).empty());
}

}  // namespace sekisho::dataplane::test
