#include "control/key_log/wireshark.h"

#include <algorithm>
#include <array>

namespace sekisho::key_log {
namespace {

template <typename Integer>
std::array<uint8_t, sizeof(Integer)> on_wire(Integer value) {
  std::array<uint8_t, sizeof(Integer)> bytes;
  for (size_t i = bytes.size(); i-- > 0; value = static_cast<Integer>(value >> 8))
    bytes[i] = static_cast<uint8_t>(value);
  return bytes;
}

std::string_view ike_cipher(const crypto::SkAlgorithm& algorithm) {
  const bool long_key = algorithm.key_bits == 256;
  switch (algorithm.encryption) {
    case crypto::EncryptionId::des3:
      return "3DES [RFC2451]";
    case crypto::EncryptionId::aes_cbc:
      return long_key ? "AES-CBC-256 [RFC3602]" : "AES-CBC-128 [RFC3602]";
    case crypto::EncryptionId::aes_gcm_16:
      return long_key ? "AES-GCM-256 with 16 octet ICV [RFC5282]" : "AES-GCM-128 with 16 octet ICV [RFC5282]";
    case crypto::EncryptionId::chacha20_poly1305:
      break;
  }
  return "";
}

std::string_view ike_integrity(crypto::IntegrityId integrity) {
  switch (integrity) {
    case crypto::IntegrityId::none:
      break;
    case crypto::IntegrityId::hmac_sha1_96:
      return "HMAC_SHA1_96 [RFC2404]";
    case crypto::IntegrityId::hmac_sha2_256_128:
      return "HMAC_SHA2_256_128 [RFC4868]";
    case crypto::IntegrityId::hmac_sha2_384_192:
      return "HMAC_SHA2_384_192 [RFC4868]";
    case crypto::IntegrityId::hmac_sha2_512_256:
      return "HMAC_SHA2_512_256 [RFC4868]";
  }
  return "NONE [RFC4306]";
}

std::string_view esp_cipher(EspCipher cipher) {
  switch (cipher) {
    case EspCipher::aes_gcm:
      return "AES-GCM with 16 octet ICV [RFC4106]";
    case EspCipher::chacha20_poly1305:
      return "ChaCha20 with Poly1305 [RFC7634]";
    case EspCipher::aes_cbc:
      break;
  }
  return "AES-CBC [RFC3602]";
}

// By the length of the ICV, which no two have in common.
std::string_view esp_integrity(const EspSuiteInfo& suite) {
  if (suite.combined_mode()) return "NULL";
  switch (suite.icv) {
    case 12:
      return "HMAC-SHA-1-96 [RFC2404]";
    case 16:
      return "HMAC-SHA-256-128 [RFC4868]";
    case 24:
      return "HMAC-SHA-384-192 [RFC4868]";
    default:
      return "HMAC-SHA-512-256 [RFC4868]";
  }
}

void add_esp_line(SecretText& text, const EspSuiteInfo& suite, const IpAddress& from, const IpAddress& to,
                  const ike::SaParameters& sa) {
  const size_t cipher_part = size_t{suite.cipher_key} + suite.salt;
  const ByteView keys = sa.key_material.view();
  text.add(from.is_v4() ? "\"IPv4\",\"" : "\"IPv6\",\"").add(from.text()).add("\",\"").add(to.text());
  text.add("\",\"0x").hex(on_wire(sa.spi)).add("\",\"").add(esp_cipher(suite.cipher)).add("\",\"0x");
  text.hex(keys.first(cipher_part)).add("\",\"").add(esp_integrity(suite)).add("\",\"");
  if (!suite.combined_mode()) text.add("0x").hex(keys.subspan(cipher_part));
  text.add("\"\n");
}

}  // namespace

SecretText& SecretText::add(std::string_view text) {
  text = text.substr(0, capacity - size_);
  std::ranges::copy(as_bytes(text), buffer_.writable().subspan(size_).begin());
  size_ += text.size();
  return *this;
}

SecretText& SecretText::hex(ByteView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const uint8_t byte : bytes) add(digits.substr(byte >> 4, 1)).add(digits.substr(byte & 15, 1));
  return *this;
}

SecretText ikev2_line(const ike::IkeSaKeys& keys) {
  SecretText text;
  const std::string_view cipher = ike_cipher(keys.algorithm);
  if (cipher.empty()) text.add("# chacha20poly1305, which Wireshark does not decrypt in IKE: ");
  text.hex(on_wire(keys.spi_i)).add(",").hex(on_wire(keys.spi_r));
  if (cipher.empty()) return std::move(text.add("\n"));
  text.add(",").hex(keys.ei.view()).add(",").hex(keys.er.view()).add(",\"").add(cipher).add("\",");
  text.hex(keys.ai.view()).add(",").hex(keys.ar.view()).add(",\"").add(ike_integrity(keys.algorithm.integrity));
  text.add("\"\n");
  return text;
}

SecretText ikev1_line(const ike::IsakmpSaKeys& keys) {
  SecretText text;
  text.hex(on_wire(keys.initiator_cookie)).add(",").hex(keys.encryption.view()).add("\n");
  return text;
}

SecretText esp_lines(const ike::InstallChildSa& child) {
  SecretText text;
  const EspSuiteInfo& suite = info(child.suite);
  add_esp_line(text, suite, child.remote.address, child.local.address, child.inbound);
  add_esp_line(text, suite, child.local.address, child.remote.address, child.outbound);
  return text;
}

}  // namespace sekisho::key_log
