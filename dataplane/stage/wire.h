// Integers within packets: big-endian, unaligned. For fields whose presence the caller has checked.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/big_endian.h"

namespace sekisho::dataplane {

template <typename T>
T load_raw(const uint8_t* at) {
  T raw;
  std::memcpy(&raw, at, sizeof raw);
  return raw;
}

template <typename T>
void store_raw(uint8_t* at, T raw) {
  std::memcpy(at, &raw, sizeof raw);
}

inline uint16_t load16(const uint8_t* at) { return Be16::from_raw(load_raw<uint16_t>(at)).host(); }
inline uint32_t load32(const uint8_t* at) { return Be32::from_raw(load_raw<uint32_t>(at)).host(); }
inline uint64_t load64(const uint8_t* at) { return Be64::from_raw(load_raw<uint64_t>(at)).host(); }

template <typename T>
void store(uint8_t* at, Be<T> value) {
  store_raw(at, value.raw());
}
inline void store16(uint8_t* at, uint16_t value) { store(at, Be16(value)); }
inline void store32(uint8_t* at, uint32_t value) { store(at, Be32(value)); }

}  // namespace sekisho::dataplane
