// Integers in network byte order as types of their own: a Be32 cannot be mixed up with a uint32_t.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>

namespace sekisho {

template <std::unsigned_integral T>
class Be {
 public:
  constexpr Be() = default;
  explicit constexpr Be(T host) : raw_(swap(host)) {}

  // Wraps bytes that are in network order already.
  static constexpr Be from_raw(T raw) {
    Be be;
    be.raw_ = raw;
    return be;
  }
  constexpr T host() const { return swap(raw_); }
  constexpr T raw() const { return raw_; }
  friend constexpr bool operator==(Be, Be) = default;

 private:
  static constexpr T swap(T value) {
    if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) return value;
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
  }
  T raw_ = 0;
};

using Be16 = Be<uint16_t>;
using Be32 = Be<uint32_t>;
using Be64 = Be<uint64_t>;

}  // namespace sekisho
