// Messages and tools that the tests of the IKE codec share.
#pragma once

#include <random>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "control/ike/wire/message.h"

namespace sekisho::ike {

inline Bytes from_hex(std::string_view text) {
  const auto digit = [](char c) { return static_cast<uint8_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); };
  Bytes bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    if (high < 0) {
      high = digit(c);
    } else {
      bytes.push_back(static_cast<uint8_t>(high << 4 | digit(c)));
      high = -1;
    }
  }
  return bytes;
}

inline std::string to_hex(ByteView bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) text += {digits[byte >> 4], digits[byte & 15]};
  return text;
}

inline Bytes counting(size_t size, uint8_t first = 0) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(first + i);
  return bytes;
}

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void fill(std::span<uint8_t> out) override {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine_());
  }

 private:
  std::mt19937_64 engine_;
};

// One message of every kind that peers exchange, each with its payloads in the clear; between them they hold every
// payload that can be encoded.
std::vector<wire::Message> sample_messages();

}  // namespace sekisho::ike
