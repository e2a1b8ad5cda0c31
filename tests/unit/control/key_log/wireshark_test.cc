// The names of algorithms are those of Wireshark 4.0's tables; tests/smoke/key_log_test.sh has it read such lines.
#include "control/key_log/wireshark.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <string>

namespace sekisho::key_log {
namespace {

// `first`, `first` + 1, ...
SecretBytes counting(size_t size, uint8_t first) {
  SecretBytes bytes(size);
  std::iota(bytes.writable().begin(), bytes.writable().end(), first);
  return bytes;
}

std::string ikev2(const crypto::SkAlgorithm& algorithm) {
  const SecretBytes ei = counting(algorithm.encryption_key_length(), 0x00);
  const SecretBytes er = counting(algorithm.encryption_key_length(), 0x40);
  const SecretBytes ai = counting(algorithm.integrity_key_length(), 0x80);
  const SecretBytes ar = counting(algorithm.integrity_key_length(), 0xc0);
  return std::string(ikev2_line({0x0123456789abcdef, 0xfe, algorithm, ei, er, ai, ar}).view());
}

std::string esp(EspSuite suite) {
  return std::string(esp_lines({.suite = suite,
                                .inbound = {0x11, counting(info(suite).key_material(), 0x00)},
                                .outbound = {0xc0000022, counting(info(suite).key_material(), 0x80)},
                                .local = {*IpAddress::parse("10.9.1.1"), 4500},
                                .remote = {*IpAddress::parse("10.9.2.2"), 4500}})
                         .view());
}

std::string wireshark_cipher(std::string_view suite) {
  if (suite == "chacha20poly1305") return "\"ChaCha20 with Poly1305 [RFC7634]\"";
  return suite.find("gcm") != suite.npos ? "\"AES-GCM with 16 octet ICV [RFC4106]\"" : "\"AES-CBC [RFC3602]\"";
}

std::string wireshark_integrity(std::string_view suite) {
  if (suite.ends_with("sha1")) return "\"HMAC-SHA-1-96 [RFC2404]\"";
  if (suite.ends_with("sha256")) return "\"HMAC-SHA-256-128 [RFC4868]\"";
  if (suite.ends_with("sha384")) return "\"HMAC-SHA-384-192 [RFC4868]\"";
  if (suite.ends_with("sha512")) return "\"HMAC-SHA-512-256 [RFC4868]\"";
  return "\"NULL\"";
}

}  // namespace

TEST_CASE("an IKE SA with CBC has all four keys") {
  CHECK(ikev2({crypto::EncryptionId::aes_cbc, 128, crypto::IntegrityId::hmac_sha1_96}) ==
        "0123456789abcdef,00000000000000fe,000102030405060708090a0b0c0d0e0f,404142434445464748494a4b4c4d4e4f,"
        "\"AES-CBC-128 [RFC3602]\",808182838485868788898a8b8c8d8e8f90919293,"
        "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3,\"HMAC_SHA1_96 [RFC2404]\"\n");
}

TEST_CASE("an IKE SA with AES-GCM has its salt behind the key, and no other keys") {
  CHECK(ikev2({crypto::EncryptionId::aes_gcm_16, 128}) ==
        "0123456789abcdef,00000000000000fe,000102030405060708090a0b0c0d0e0f10111213,"
        "404142434445464748494a4b4c4d4e4f50515253,\"AES-GCM-128 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\"\n");
}

TEST_CASE("every other IKE cipher and integrity algorithm has its name") {
  using Catch::Contains;
  using crypto::EncryptionId, crypto::IntegrityId;
  CHECK_THAT(ikev2({EncryptionId::aes_gcm_16, 256}), Contains("\"AES-GCM-256 with 16 octet ICV [RFC5282]\""));
  CHECK_THAT(ikev2({EncryptionId::aes_cbc, 256, IntegrityId::hmac_sha2_256_128}),
             Contains("\"AES-CBC-256 [RFC3602]\"") && Contains("\"HMAC_SHA2_256_128 [RFC4868]\""));
  CHECK_THAT(ikev2({EncryptionId::aes_cbc, 256, IntegrityId::hmac_sha2_384_192}),
             Contains("\"HMAC_SHA2_384_192 [RFC4868]\""));
  CHECK_THAT(ikev2({EncryptionId::des3, 0, IntegrityId::hmac_sha2_512_256}),
             Contains("\"3DES [RFC2451]\"") && Contains("\"HMAC_SHA2_512_256 [RFC4868]\"\n"));
}

TEST_CASE("what Wireshark cannot decrypt in IKE is a comment that holds no key") {
  CHECK(ikev2({crypto::EncryptionId::chacha20_poly1305, 256}) ==
        "# chacha20poly1305, which Wireshark does not decrypt in IKE: 0123456789abcdef,00000000000000fe\n");
}

TEST_CASE("an ISAKMP SA goes by the initiator's cookie") {
  CHECK(ikev1_line({0x0123456789abcdef, counting(16, 0x10)}).view() ==
        "0123456789abcdef,101112131415161718191a1b1c1d1e1f\n");
}

TEST_CASE("a child SA has a line each way, with the salt behind a combined mode's key") {
  CHECK(esp(EspSuite::aes128gcm16) ==
        "\"IPv4\",\"10.9.2.2\",\"10.9.1.1\",\"0x00000011\",\"AES-GCM with 16 octet ICV [RFC4106]\","
        "\"0x000102030405060708090a0b0c0d0e0f10111213\",\"NULL\",\"\"\n"
        "\"IPv4\",\"10.9.1.1\",\"10.9.2.2\",\"0xc0000022\",\"AES-GCM with 16 octet ICV [RFC4106]\","
        "\"0x808182838485868788898a8b8c8d8e8f90919293\",\"NULL\",\"\"\n");
  CHECK(esp(EspSuite::aes128_sha1) ==
        "\"IPv4\",\"10.9.2.2\",\"10.9.1.1\",\"0x00000011\",\"AES-CBC [RFC3602]\","
        "\"0x000102030405060708090a0b0c0d0e0f\",\"HMAC-SHA-1-96 [RFC2404]\","
        "\"0x101112131415161718191a1b1c1d1e1f20212223\"\n"
        "\"IPv4\",\"10.9.1.1\",\"10.9.2.2\",\"0xc0000022\",\"AES-CBC [RFC3602]\","
        "\"0x808182838485868788898a8b8c8d8e8f\",\"HMAC-SHA-1-96 [RFC2404]\","
        "\"0x909192939495969798999a9b9c9d9e9fa0a1a2a3\"\n");
}

TEST_CASE("each ESP suite's lines are whole and name its algorithms") {
  for (size_t i = 0; i < esp_suite_count; ++i) {
    const EspSuiteInfo& suite = esp_suites[i];
    const std::string text = esp(static_cast<EspSuite>(i));
    CAPTURE(suite.name, text);
    CHECK(text.ends_with("\"\n"));
    CHECK(std::ranges::count(text, '\n') == 2);
    CHECK_THAT(text, Catch::Contains(wireshark_cipher(suite.name)) && Catch::Contains(wireshark_integrity(suite.name)));
  }
}

}  // namespace sekisho::key_log
