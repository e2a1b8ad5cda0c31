// The ESP suites (RFC 4303 with RFC 4106, 7634, 3602, 2404, 4868) and what is fixed about each.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sekisho {

enum class EspSuite : uint8_t {
  aes128gcm16,
  aes256gcm16,
  chacha20poly1305,
  aes128_sha1,
  aes128_sha256,
  aes128_sha384,
  aes128_sha512,
  aes256_sha1,
  aes256_sha256,
  aes256_sha384,
  aes256_sha512,
};
inline constexpr size_t esp_suite_count = 11;

enum class EspCipher : uint8_t { aes_gcm, chacha20_poly1305, aes_cbc };

// All lengths in bytes.
struct EspSuiteInfo {
  std::string_view name;  // as strongSwan and the configuration write it
  EspCipher cipher;
  uint8_t cipher_key;
  uint8_t salt;      // combined mode: the 4 bytes behind the key in KEYMAT (RFC 4106 section 8.1, RFC 7634 section 2)
  uint8_t auth_key;  // combined mode: none
  uint8_t iv;        // in the packet
  uint8_t block;     // payload + padding + 2 are a multiple of it (at least 4)
  uint8_t icv;

  constexpr bool combined_mode() const { return cipher != EspCipher::aes_cbc; }
  // What one direction draws from KEYMAT: cipher key, salt, then integrity key (RFC 7296 section 2.17).
  constexpr size_t key_material() const { return size_t{cipher_key} + salt + auth_key; }
};

inline constexpr std::array<EspSuiteInfo, esp_suite_count> esp_suites = {{
    {"aes128gcm16", EspCipher::aes_gcm, 16, 4, 0, 8, 4, 16},
    {"aes256gcm16", EspCipher::aes_gcm, 32, 4, 0, 8, 4, 16},
    {"chacha20poly1305", EspCipher::chacha20_poly1305, 32, 4, 0, 8, 4, 16},
    {"aes128-sha1", EspCipher::aes_cbc, 16, 0, 20, 16, 16, 12},
    {"aes128-sha256", EspCipher::aes_cbc, 16, 0, 32, 16, 16, 16},
    {"aes128-sha384", EspCipher::aes_cbc, 16, 0, 48, 16, 16, 24},
    {"aes128-sha512", EspCipher::aes_cbc, 16, 0, 64, 16, 16, 32},
    {"aes256-sha1", EspCipher::aes_cbc, 32, 0, 20, 16, 16, 12},
    {"aes256-sha256", EspCipher::aes_cbc, 32, 0, 32, 16, 16, 16},
    {"aes256-sha384", EspCipher::aes_cbc, 32, 0, 48, 16, 16, 24},
    {"aes256-sha512", EspCipher::aes_cbc, 32, 0, 64, 16, 16, 32},
}};
inline constexpr size_t esp_max_key_material = 96;

constexpr const EspSuiteInfo& info(EspSuite suite) { return esp_suites[static_cast<size_t>(suite)]; }

constexpr std::optional<EspSuite> find_esp_suite(std::string_view name) {
  for (size_t i = 0; i < esp_suites.size(); ++i)
    if (esp_suites[i].name == name) return static_cast<EspSuite>(i);
  return {};
}

}  // namespace sekisho
