// The sizes of sealed packets, against figures from elsewhere and against their own definition.
#include "base/esp_size.h"

#include <catch2/catch.hpp>
#include <utility>

namespace sekisho {
namespace {

// MTUs of Ethernet, PPPoE (RFC 2516 section 7), PPPoE of the Japanese carriers, IPv6's least, IPv4's least, and more.
constexpr uint16_t outer_mtus[] = {1500, 1492, 1454, 1420, 1280, 576, 1906, 9000, 65535};

}  // namespace

TEST_CASE("esp size: figures known from gateways in the field") {
  using enum EspSuite;
  CHECK(largest_inner(aes128_sha1, Family::ipv4, false, 1500) == 1438);
  CHECK(largest_inner(aes256_sha256, Family::ipv4, false, 1500) == 1438);
  CHECK(largest_inner(aes128_sha1, Family::ipv4, true, 1500) == 1422);
  CHECK(largest_inner(aes256_sha256, Family::ipv4, true, 1500) == 1422);
  CHECK(largest_inner(aes128gcm16, Family::ipv4, false, 1500) == 1446);
  CHECK(largest_inner(aes256gcm16, Family::ipv4, true, 1500) == 1438);
  // 1454 - 20 - 8 - 8 - 16 = 1402 = 350 * 4 + 2; 1454 - 20 - 8 - 16 - 16 = 1394 = 87 * 16 + 2.
  CHECK(largest_inner(aes128gcm16, Family::ipv4, false, 1454) == 1398);
  CHECK(largest_inner(aes256_sha256, Family::ipv4, false, 1454) == 1390);
  CHECK(largest_inner(aes256_sha256, Family::ipv4, true, 1454) == 1374);
  // Over IPv6, 20 less before padding: 1500 - 40 - 8 - 8 - 16 = 1428 = 356 * 4 + 2 + 2; 1500 - 40 - 8 - 16 - 16 = 1420
  // = 88 * 16 + 12.
  CHECK(largest_inner(aes128gcm16, Family::ipv6, false, 1500) == 1426);
  CHECK(largest_inner(aes128gcm16, Family::ipv6, true, 1500) == 1418);
  CHECK(largest_inner(aes256_sha256, Family::ipv6, false, 1500) == 1406);
}

TEST_CASE("esp size: the largest packet fits, one octet more does not") {
  for (size_t i = 0; i < esp_suite_count; ++i)
    for (const Family family : {Family::ipv4, Family::ipv6})
      for (const bool in_udp : {false, true})
        for (const uint16_t outer : outer_mtus) {
          const auto suite = static_cast<EspSuite>(i);
          const uint16_t inner = largest_inner(suite, family, in_udp, outer);
          INFO(info(suite).name << " udp " << in_udp << " outer " << outer << " inner " << inner);
          CHECK(esp_size(suite, family, in_udp, inner).total() <= outer);
          CHECK(esp_size(suite, family, in_udp, inner + 1u).total() > outer);
        }
}

TEST_CASE("esp size: whatever the MTU, from nothing on") {
  for (size_t i = 0; i < esp_suite_count; ++i)
    for (const bool in_udp : {false, true}) {
      const auto suite = static_cast<EspSuite>(i);
      uint16_t before = 0;
      for (unsigned outer = 0; outer < 2000; ++outer) {
        const uint16_t inner = largest_inner(suite, Family::ipv6, in_udp, static_cast<uint16_t>(outer));
        CHECK(inner >= before);
        if (inner > 0) CHECK(esp_size(suite, Family::ipv6, in_udp, inner).total() <= outer);
        CHECK(esp_size(suite, Family::ipv6, in_udp, inner + 1u).total() > outer);
        before = inner;
      }
    }
}

TEST_CASE("esp size: payload, padding and trailer fill blocks, by the least padding that does") {
  for (const uint8_t block : {4, 16})
    for (size_t payload = 0; payload < 100; ++payload) {
      const uint8_t padding = padding_for(payload, block);
      CHECK((payload + padding + esp_trailer_size) % block == 0);
      CHECK(padding < block);
    }
}

TEST_CASE("esp size: a TCP segment of the MSS fills the MTU") {
  CHECK(tcp_mss(1438, Family::ipv4) == 1398);
  CHECK(tcp_mss(1438, Family::ipv6) == 1378);
  CHECK(tcp_mss(40, Family::ipv4) == 0);
  CHECK(tcp_mss(59, Family::ipv6) == 0);
}

}  // namespace sekisho
