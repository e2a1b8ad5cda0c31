#include "control/tunnel/mtu.h"

#include <catch2/catch.hpp>

namespace sekisho::control {
namespace {

const OuterWay ethernet{"wan", 1500}, pppoe{"wan", 1454};

Sealing sealing(EspSuite suite, bool in_udp = false, std::optional<OuterWay> way = ethernet) {
  return {.child = "tokyo", .suite = suite, .in_udp = in_udp, .way = std::move(way)};
}

}  // namespace

TEST_CASE("tunnel MTU: what the SA leaves of the link") {
  const auto sizes = tunnel_mtu({}, {sealing(EspSuite::aes256_sha256)});
  CHECK(sizes.mtu == 1438);
  CHECK_FALSE(sizes.configured);
  CHECK(sizes.mss_ipv4 == 1398);
  CHECK(sizes.mss_ipv6 == 1378);
  CHECK(tunnel_mtu({}, {sealing(EspSuite::aes256_sha256, true)}).mtu == 1422);
  CHECK(tunnel_mtu({}, {sealing(EspSuite::aes128gcm16)}).mtu == 1446);
  CHECK(tunnel_mtu({}, {sealing(EspSuite::aes128gcm16, false, pppoe)}).mtu == 1398);
}

TEST_CASE("tunnel MTU: the least of several SAs") {
  const auto sizes = tunnel_mtu({}, {sealing(EspSuite::aes128gcm16), sealing(EspSuite::aes128_sha1, true),
                                     sealing(EspSuite::aes128gcm16, false, pppoe)});
  CHECK(sizes.mtu == 1398);
  REQUIRE(sizes.sealings.size() == 3);
  CHECK(sizes.sealings[0].largest == 1446);
  CHECK(sizes.sealings[1].largest == 1422);
  CHECK(sizes.sealings[2].outer_mtu == 1454);
}

TEST_CASE("tunnel MTU: the configuration asks for less, never for more than fits") {
  const auto less = tunnel_mtu({.mtu = 1300}, {sealing(EspSuite::aes128gcm16)});
  CHECK(less.mtu == 1300);
  CHECK(less.configured);
  CHECK(less.mss_ipv4 == 1260);
  CHECK(tunnel_mtu({.mtu = 1500}, {sealing(EspSuite::aes128gcm16)}).mtu == 1446);
  CHECK(tunnel_mtu({.outer_mtu = 1454}, {sealing(EspSuite::aes128gcm16)}).mtu == 1398);
  CHECK(tunnel_mtu({.outer_mtu = 9000}, {sealing(EspSuite::aes128gcm16)}).mtu == 1446);
}

TEST_CASE("tunnel MTU: the MSS that the configuration gives, where it fits, or none") {
  const auto fixed = tunnel_mtu({.mss = 1379}, {sealing(EspSuite::aes256_sha256)});
  CHECK(fixed.mss_ipv4 == 1379);
  CHECK(fixed.mss_ipv6 == 1378);
  CHECK(tunnel_mtu({.mss = 1460}, {sealing(EspSuite::aes256_sha256)}).mss_ipv4 == 1398);
  CHECK(tunnel_mtu({.mss = 0}, {sealing(EspSuite::aes256_sha256)}).mss_ipv4 == 0);
}

TEST_CASE("tunnel MTU: without an SA, what may be negotiated decides") {
  const MtuSettings settings{.suites = {EspSuite::aes128gcm16, EspSuite::aes256_sha512, EspSuite::aes128gcm16},
                             .maybe_in_udp = true};
  const auto expected = expected_sealings(settings, Family::ipv6, {});
  REQUIRE(expected.size() == 2);
  CHECK(expected[1].in_udp);
  CHECK_FALSE(expected[1].negotiated);
  // 1500 - 40 - 8 - 8 - 16 - 32 = 1396 = 87 * 16 + 4, and 20 more over IPv4
  CHECK(tunnel_mtu(settings, expected).mtu == 1390);
  CHECK(tunnel_mtu(settings, expected_sealings(settings, Family::ipv4, {})).mtu == 1406);
}

TEST_CASE("tunnel MTU: within what the data plane takes, whatever the link") {
  CHECK(tunnel_mtu({}, {sealing(EspSuite::aes128gcm16, false, OuterWay{"lo", 65536})}).mtu == ipc::most_mtu);
  CHECK(tunnel_mtu({}, {sealing(EspSuite::aes128gcm16, false, OuterWay{"odd", 68})}).mtu == ipc::least_tunnel_mtu);
  CHECK(tunnel_mtu({}, {}).mtu == ipc::most_mtu);
}

}  // namespace sekisho::control
