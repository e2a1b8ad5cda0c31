// Key material. A SecretBytes lives in pages that no core dump holds (MADV_DONTDUMP) and no swap takes (mlock, where
// the limit allows), is wiped when it goes, and can be neither printed nor compared with ==.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace sekisho {

// Overwrites memory in a way that the compiler does not remove.
void wipe(std::span<uint8_t> memory);

// Takes the same time whatever the contents; false where the lengths differ.
[[nodiscard]] bool constant_time_equal(ByteView a, ByteView b);

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(size_t size);  // zeros
  // Copies; the caller wipes its own.
  static SecretBytes copy_of(ByteView bytes);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  SecretBytes clone() const { return copy_of(view()); }
  ByteView view() const { return {data_, size_}; }
  std::span<uint8_t> writable() { return {data_, size_}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear();

  bool operator==(const SecretBytes&) const = delete;

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace sekisho
