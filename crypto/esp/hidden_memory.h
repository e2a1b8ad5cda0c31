// Memory for what the data path knows of keys: pages that no core dump holds (MADV_DONTDUMP), that no swap takes
// (mlock, where the limit allows) and that are overwritten before they go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sekisho::crypto {

// A page-aligned mapping, zeroed at first.
class HiddenPages {
 public:
  explicit HiddenPages(size_t size);  // throws std::bad_alloc
  ~HiddenPages();
  HiddenPages(const HiddenPages&) = delete;
  HiddenPages& operator=(const HiddenPages&) = delete;

  void* data() const { return data_; }
  std::span<uint8_t> bytes() const { return {static_cast<uint8_t*>(data_), size_}; }

 private:
  void* data_;
  size_t size_;
};

// Blocks of hidden memory for expanded keys, whole cache lines, packed densely: a gateway of a thousand tunnels walks
// through all of them, so they share huge pages where the kernel has some. Blocks of one size lie next to each other,
// since sizes rounded to a power of two would leave most sets of the caches unused. A block taken is zeroed; giving one
// back allocates nothing. Safe to call from any thread.
inline constexpr size_t key_block_unit = 64;
inline constexpr size_t max_key_block_size = 2048;
void* take_key_block(size_t size);
void give_key_block(void* block, size_t size) noexcept;

}  // namespace sekisho::crypto
