// A fuzzer's input, read as a script: each decision takes its octets from the front; once they are used up every answer
// is zero and `done`.
#pragma once

#include <array>

#include "base/bytes.h"

namespace sekisho::fuzz {

class Script {
 public:
  explicit Script(ByteView input) : input_(input) {}

  bool done() const { return input_.empty(); }
  uint8_t u8() { return static_cast<uint8_t>(integer(1)); }
  uint16_t u16() { return static_cast<uint16_t>(integer(2)); }
  uint32_t u32() { return static_cast<uint32_t>(integer(4)); }
  bool yes() { return (u8() & 1) != 0; }
  size_t below(size_t bound) { return u8() % bound; }
  // At most so many of what is left.
  ByteView bytes(size_t count) {
    const ByteView taken = input_.first(std::min(count, input_.size()));
    input_ = input_.subspan(taken.size());
    return taken;
  }
  template <typename T, size_t Size>
  T one_of(const std::array<T, Size>& values) {
    return values[below(Size)];
  }

 private:
  uint64_t integer(size_t width) {
    uint64_t value = 0;
    for (const uint8_t byte : bytes(width)) value = value << 8 | byte;
    return value;
  }
  ByteView input_;
};

}  // namespace sekisho::fuzz
