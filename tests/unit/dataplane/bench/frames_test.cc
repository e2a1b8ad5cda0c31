#include "dataplane/bench/frames.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "dataplane/stage/ip_header.h"

namespace sekisho::dataplane::bench {
namespace {

// The one's complement sum of pseudo header and UDP datagram, whose addresses stand in the last `addresses` bytes of
// the header: 0xffff where the checksum is right.
uint32_t udp_sum(const Bytes& packet, size_t header, size_t addresses) {
  uint32_t sum = static_cast<uint32_t>(packet.size() - header) + protocol_udp;
  for (size_t i = header - addresses; i < packet.size(); ++i) {
    const bool high = (i - (header - addresses)) % 2 == 0;
    sum += high ? packet[i] << 8 : packet[i];
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

}  // namespace

TEST_CASE("packets are sound") {
  const Flow flow{{10, 64, 0, 1, 5, 6, 7}, {10, 128, 0, 1, 8, 9}, 0};
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const FrameSize frame : {FrameSize{64}, FrameSize{570}, FrameSize{571}, FrameSize{1518}}) {
      Bytes packet(frame - ethernet_size);
      write_inner(packet.data(), family, {frame, 77, &flow});
      IpHeader header;
      CHECK(check_ip(packet.data(), packet.size(), header) == IpVerdict::forward);
      CHECK(header.length == packet.size());
      CHECK(header.protocol == protocol_udp);
      CHECK(index_of(packet.data(), family) == 77);
      CHECK(udp_sum(packet, family == Family::ipv4 ? 20 : 40, family == Family::ipv4 ? 8 : 32) == 0xffff);
    }
}

TEST_CASE("imix is 7:4:1") {
  const auto sizes = frame_sizes(imix, 1200);
  CHECK(std::ranges::count(sizes, FrameSize{64}) == 700);
  CHECK(std::ranges::count(sizes, FrameSize{570}) == 400);
  CHECK(std::ranges::count(sizes, FrameSize{1418}) == 100);
  CHECK(frame_sizes(570, 3) == std::vector<FrameSize>(3, 570));
}

TEST_CASE("how packets lie in ESP") {
  const EspLayout gcm(EspSuite::aes128gcm16, 64);
  CHECK(gcm.inner == 50);
  CHECK(gcm.padding == 0);
  CHECK(gcm.esp == 8 + 8 + 52 + 16);
  const EspLayout cbc(EspSuite::aes256_sha256, 64);
  CHECK(cbc.padding == 12);
  CHECK(cbc.esp == 8 + 16 + 64 + 16);
}

}  // namespace sekisho::dataplane::bench
