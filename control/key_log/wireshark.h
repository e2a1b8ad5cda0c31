// Keys as Wireshark reads them: lines of its tables ikev2_decryption_table, ikev1_decryption_table and esp_sa (the
// preferences of its protocols ISAKMP and ESP), comma-separated, one SA a line.
#pragma once

#include <string_view>

#include "base/secret_bytes.h"
#include "control/ike/engine.h"

namespace sekisho::key_log {

// Text that holds keys, in wiping memory. What does not fit is left out.
class SecretText {
 public:
  SecretText() : buffer_(capacity) {}

  SecretText& add(std::string_view text);
  SecretText& hex(ByteView bytes);
  std::string_view view() const { return as_text(buffer_.view().first(size_)); }

 private:
  static constexpr size_t capacity = 2048;  // the longest lines, an SA's two for ESP, have some 900 characters
  SecretBytes buffer_;
  size_t size_ = 0;
};

// SPIi, SPIr, SK_ei, SK_er, cipher, SK_ai, SK_ar, integrity. Wireshark has no name for ChaCha20-Poly1305 in IKE: a
// comment without keys says so.
SecretText ikev2_line(const ike::IkeSaKeys& keys);
// Initiator's cookie, cipher key.
SecretText ikev1_line(const ike::IsakmpSaKeys& keys);
// Protocol, source, destination, SPI, cipher, key (with the salt), authentication, its key: inbound, then outbound.
SecretText esp_lines(const ike::InstallChildSa& child);

}  // namespace sekisho::key_log
