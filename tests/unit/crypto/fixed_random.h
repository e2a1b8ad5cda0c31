// A Random that hands out given bytes, then a counter's: private keys and IVs of published vectors go in through it.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/random.h"

namespace sekisho::crypto {

// Hexadecimal digits; blanks are skipped.
inline Bytes from_hex(std::string_view text) {
  Bytes out;
  int digits = 0;
  uint8_t value = 0;
  for (const char c : text) {
    if (c == ' ') continue;
    value = static_cast<uint8_t>(value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10));
    if (++digits % 2 == 0) out.push_back(value);
  }
  return out;
}

inline Bytes counting(size_t size, uint8_t first = 0) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(first + i);
  return out;
}

class FixedRandom final : public Random {
 public:
  explicit FixedRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = at_ < bytes_.size() ? bytes_[at_++] : counter_++;
  }

 private:
  Bytes bytes_;
  size_t at_ = 0;
  uint8_t counter_ = 0;
};

}  // namespace sekisho::crypto
