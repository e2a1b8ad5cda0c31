// Routes with several ways: which of them a packet takes.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>

#include "dataplane/stage/flow_hash.h"
#include "tests/unit/dataplane/gateway.h"

namespace sekisho::dataplane::test {
namespace {

using ipc::DropReason;

constexpr ipc::NextHopId group = ipc::group_id(7);
constexpr ipc::NextHopId way(unsigned i) { return ipc::NextHopId(static_cast<uint16_t>(20 + i)); }
constexpr std::array<uint8_t, 6> mac(unsigned i) { return {2, 0, 0, 0, 0x50, static_cast<uint8_t>(i)}; }

// The first member has `first` of the buckets.
NextHopGroup two_ways(size_t first) {
  NextHopGroup made;
  for (size_t i = 0; i < made.buckets.size(); ++i) made.buckets[i] = way(i < first ? 0 : 1);
  return made;
}

// 10.50.0.0/16 and fd00:50::/64 lead to the neighbours 0 and 1 outside.
struct Lab {
  Lab() {
    for (unsigned i = 0; i < 3; ++i)
      a.set_next_hop(way(i), {.kind = ipc::NextHopKind::adjacency, .port = wan_port, .mac = mac(i)});
    a.set_group(group, two_ways(128));
    a.set_route("10.50.0.0/16", group);
    a.set_route("fd00:50::/64", group);
  }
  // The neighbour that each packet is sent to.
  std::vector<int> ways(const std::vector<Bytes>& packets) {
    std::vector<int> all;
    for (size_t from = 0; from < packets.size(); from += 64) {
      std::vector<Bytes> frames;
      for (size_t i = from; i < std::min(packets.size(), from + 64); ++i)
        frames.push_back(ethernet(a.mac(lan_port), a.neighbour(lan_port), packets[i]));
      a.receive_frames(lan_port, frames);
      for (const Bytes& frame : a.sent(wan_port)) all.push_back(frame[5]);
    }
    return all;
  }
  int way_of(const Bytes& packet) { return ways({packet}).at(0); }

  Gateway a{0};
};

Bytes flow4(unsigned i) {
  const std::string destination = "10.50.1." + std::to_string(1 + i % 250);
  return ip({"10.1.0.1", destination.c_str()}, udp(static_cast<uint16_t>(1024 + i), 53, text(20)));
}

Bytes flow6(unsigned i) {
  return ip({"fd00:1::1", "fd00:50::2", 6}, udp(static_cast<uint16_t>(1024 + i), 443, text(20)));
}

std::vector<Bytes> flows(Bytes (*make)(unsigned), unsigned count) {
  std::vector<Bytes> packets;
  for (unsigned i = 0; i < count; ++i) packets.push_back(make(i));
  return packets;
}

}  // namespace

TEST_CASE("flows are shared out by weight, and each stays on its way") {
  Lab lab;
  constexpr unsigned count = 2000;
  for (const auto make : {flow4, flow6}) {
    const auto packets = flows(make, count);
    for (const size_t first : {128, 192, 16}) {
      lab.a.set_group(group, two_ways(first));
      const auto once = lab.ways(packets);
      REQUIRE(once.size() == count);
      const auto by_first = static_cast<double>(std::ranges::count(once, 0));
      // Four standard deviations, were it chance.
      const double share = static_cast<double>(first) / 256;
      CHECK(std::abs(by_first - count * share) < 4 * std::sqrt(count * share * (1 - share)));
      CHECK(lab.ways(packets) == once);
    }
  }
  CHECK(lab.a.all_drops() == 0);
}

TEST_CASE("a group that changes moves the flows of the buckets that changed, and no others") {
  Lab lab;
  const auto packets = flows(flow4, 500);
  const auto before = lab.ways(packets);
  NextHopGroup changed = two_ways(128);
  for (size_t i = 0; i < 128; i += 2) changed.buckets[i] = way(2);
  lab.a.set_group(group, changed);
  const auto after = lab.ways(packets);
  REQUIRE(after.size() == before.size());
  size_t moved = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] == 1) REQUIRE(after[i] == 1);
    if (before[i] == after[i]) continue;
    REQUIRE(after[i] == 2);
    ++moved;
  }
  CHECK(moved > 80);
  CHECK(moved < 170);
}

TEST_CASE("what a flow is") {
  Lab lab;
  // How many of many packets take the first way.
  const auto by_first = [&lab](auto make) {
    size_t count = 0;
    for (unsigned i = 0; i < 200; ++i) count += lab.way_of(make(i)) == 0;
    return count;
  };
  const auto spread = [](size_t count) { return count > 60 && count < 140; };
  const auto payload = [](unsigned i) { return udp(static_cast<uint16_t>(7 * i), static_cast<uint16_t>(i), text(9)); };
  CHECK(spread(by_first([](unsigned i) {
    return ip({"10.1.0.1", ("10.50.2." + std::to_string(i)).c_str(), 1}, text(8));
  })));
  // Protocols with ports, and those with an SPI in their place.
  for (const uint8_t protocol : {6, 17, 33, 132, 136}) {
    CHECK(spread(by_first([&](unsigned i) { return ip({"10.1.0.1", "10.50.0.9", protocol}, payload(i)); })));
    CHECK(spread(by_first([&](unsigned i) { return ip({"fd00:1::1", "fd00:50::9", protocol}, payload(i)); })));
  }
  CHECK(spread(by_first([&](unsigned i) { return ip({"fd00:1::1", "fd00:50::9", 50}, payload(i)); })));
  // ICMP, GRE, fragments: what stands there is no port.
  const auto one_way = [](size_t count) { return count == 0 || count == 200; };
  for (const uint8_t protocol : {1, 47}) {
    CHECK(one_way(by_first([&](unsigned i) { return ip({"10.1.0.1", "10.50.0.9", protocol}, payload(i)); })));
    CHECK(one_way(by_first([&](unsigned i) { return ip({"fd00:1::1", "fd00:50::9", protocol}, payload(i)); })));
  }
  CHECK(one_way(by_first([&](unsigned i) {
    const auto offset = static_cast<uint16_t>(0x2000 | i % 50);
    return ip({.source = "10.1.0.1", .destination = "10.50.0.9", .fragment = offset}, payload(i));
  })));
  CHECK(one_way(by_first([&](unsigned i) { return ip({"fd00:1::1", "fd00:50::9", 44}, payload(i)); })));
  // Other IPv6 goes by the flow label.
  CHECK(spread(by_first([](unsigned i) {
    Bytes packet = ip({"fd00:1::1", "fd00:50::9", 44}, text(30));
    packet[3] = static_cast<uint8_t>(i);
    return packet;
  })));
  // One that ends within its ports is not read beyond its end.
  for (const size_t size : {0, 1, 3}) CHECK(lab.ways({ip({"10.1.0.1", "10.50.0.9", 17}, text(size))}).size() == 1);
}

TEST_CASE("packets with and without a choice share a burst, and keep their order") {
  Lab lab;
  std::vector<Bytes> packets;
  for (unsigned i = 0; i < 60; ++i)
    packets.push_back(i % 3 ? flow4(i % 7) : ip({"10.1.0.1", "192.0.2.99"}, udp(static_cast<uint16_t>(i), 1, text(5))));
  std::vector<Bytes> frames;
  for (const Bytes& packet : packets)
    frames.push_back(ethernet(lab.a.mac(lan_port), lab.a.neighbour(lan_port), packet));
  lab.a.receive_frames(lan_port, frames);
  const auto sent = lab.a.sent(wan_port);
  REQUIRE(sent.size() == packets.size());
  for (size_t i = 0; i < sent.size(); ++i)
    CHECK(Bytes(sent[i].begin() + 34, sent[i].end()) == Bytes(packets[i].begin() + 20, packets[i].end()));
}

TEST_CASE("a way that leads nowhere loses its own flows only") {
  Lab lab;
  const auto packets = flows(flow4, 200);
  const auto before = lab.ways(packets);
  const auto lost = static_cast<uint64_t>(std::ranges::count(before, 0));
  const auto others_pass = [&] { return lab.ways(packets) == std::vector<int>(packets.size() - lost, 1); };
  // A tunnel without an SA fails closed: its flows do not fall to the other way.
  lab.a.set_next_hop(way(0), ipc::NextHopKind::tunnel, tunnel_without_sa.value());
  CHECK(others_pass());
  CHECK(lab.a.drops(DropReason::no_outbound_sa) == lost);
  lab.a.set_next_hop(way(0), ipc::NextHopKind::drop);
  CHECK(others_pass());
  CHECK(lab.a.drops(DropReason::blackhole) == lost);
  // A port that is gone.
  lab.a.set_next_hop(way(0), {.kind = ipc::NextHopKind::adjacency, .port = ipc::PortId(9), .mac = mac(0)});
  CHECK(others_pass());
  CHECK(lab.a.drops(DropReason::blackhole) == 2 * lost);
  lab.a.set_next_hop(way(0), ipc::NextHopKind::punt);
  CHECK(others_pass());
  CHECK(lab.a.punted().size() == lost);
  CHECK(lab.a.all_drops() == 3 * lost);
}

TEST_CASE("tunnels share traffic out, before it is sealed") {
  Lab lab;
  Gateway b(1);
  const SaPair sa = make_sa(lab.a, b);
  SaPair other = sa;
  other.outbound.id = ipc::SaId(outbound_id.value() + 1);
  other.outbound.spi += 1;
  other.outbound.tunnel = tunnel_without_sa;
  REQUIRE(lab.a.add(sa.outbound));
  REQUIRE(lab.a.add(other.outbound));
  lab.a.set_next_hop(way(0), ipc::NextHopKind::tunnel, tunnel.value());
  lab.a.set_next_hop(way(1), ipc::NextHopKind::tunnel, tunnel_without_sa.value());
  lab.a.set_route("10.2.0.0/16", group);
  constexpr unsigned count = 400, batch = 100;
  for (unsigned first = 0; first < count; first += batch) {
    std::vector<Bytes> frames;
    for (unsigned i = first; i < first + batch; ++i)
      frames.push_back(ethernet(lab.a.mac(lan_port), lab.a.neighbour(lan_port),
                                ip({"10.1.0.1", "10.2.0.2"}, udp(static_cast<uint16_t>(i), 9, text(20)))));
    lab.a.receive_frames(lan_port, frames);
    CHECK(lab.a.sent(wan_port).size() == batch);
  }
  const auto sealed = [&](ipc::SaId id) { return lab.a.count(id, ipc::SaCounter::packets); };
  CHECK(sealed(outbound_id) > count / 2 - 40);
  CHECK(sealed(other.outbound.id) > count / 2 - 40);
  CHECK(sealed(outbound_id) + sealed(other.outbound.id) == count);
}

TEST_CASE("two gateways in a row choose each for itself") {
  std::map<std::pair<uint64_t, uint64_t>, int> together;
  for (unsigned i = 0; i < 1000; ++i) {
    const Bytes packet = flow4(i);
    IpHeader header;
    REQUIRE(check_ip(packet.data(), packet.size(), header) == IpVerdict::forward);
    const auto half = [&](uint64_t seed) { return flow_hash(seed, packet.data(), header) >> 63; };
    ++together[{half(0x1234567890abcdef), half(0xfedcba0987654321)}];
  }
  CHECK(together.size() == 4);
  for (const auto& [ways, count] : together) CHECK(std::abs(count - 250) < 60);
}

}  // namespace sekisho::dataplane::test
