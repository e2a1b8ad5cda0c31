// The one way bytes from outside are read and bytes for outside are written: bounds-checked, big-endian by default.
//
// A ByteReader that runs out of input turns bad and stays bad; every further read yields zeros or an empty span, so a
// parser may read a whole structure and ask ok() once, before it uses any of it.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

inline ByteView as_bytes(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

class ByteReader {
 public:
  explicit ByteReader(ByteView input) : input_(input) {}

  uint8_t u8() { return static_cast<uint8_t>(integer(1)); }
  uint16_t u16() { return static_cast<uint16_t>(integer(2)); }
  uint32_t u32() { return static_cast<uint32_t>(integer(4)); }
  uint64_t u64() { return integer(8); }
  // `count` bytes, a view into the input.
  ByteView bytes(size_t count) {
    if (!ok_ || count > input_.size()) {
      ok_ = false;
      return {};
    }
    const ByteView taken = input_.first(count);
    input_ = input_.subspan(count);
    return taken;
  }
  ByteView rest() { return bytes(input_.size()); }
  void skip(size_t count) { bytes(count); }

  size_t remaining() const { return ok_ ? input_.size() : 0; }
  bool ok() const { return ok_; }
  // Everything was read and nothing was missing.
  bool finished() const { return ok_ && input_.empty(); }

 private:
  uint64_t integer(size_t width) {
    uint64_t value = 0;
    for (const uint8_t byte : bytes(width)) value = value << 8 | byte;
    return value;
  }
  ByteView input_;
  bool ok_ = true;
};

class ByteWriter {
 public:
  void u8(uint8_t value) { data_.push_back(value); }
  void u16(uint16_t value) { integer(value, 2); }
  void u32(uint32_t value) { integer(value, 4); }
  void u64(uint64_t value) { integer(value, 8); }
  void bytes(ByteView value) { data_.insert(data_.end(), value.begin(), value.end()); }
  void zeros(size_t count) { data_.resize(data_.size() + count); }

  // Overwrites a field written earlier, for lengths known only afterwards. The field must lie within what was written.
  void patch_u8(size_t at, uint8_t value) { data_.at(at) = value; }
  void patch_u16(size_t at, uint16_t value) {
    data_.at(at) = static_cast<uint8_t>(value >> 8);
    data_.at(at + 1) = static_cast<uint8_t>(value);
  }
  void patch_u32(size_t at, uint32_t value) {
    patch_u16(at, static_cast<uint16_t>(value >> 16));
    patch_u16(at + 2, static_cast<uint16_t>(value));
  }

  size_t size() const { return data_.size(); }
  ByteView view() const { return data_; }
  Bytes take() && { return std::move(data_); }

 private:
  void integer(uint64_t value, int width) {
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) data_.push_back(static_cast<uint8_t>(value >> shift));
  }
  Bytes data_;
};

}  // namespace sekisho
