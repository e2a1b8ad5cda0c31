#include "crypto/esp/hidden_memory.h"

#include <sys/mman.h>

#include <array>
#include <mutex>
#include <new>
#include <vector>

#include "base/secret_bytes.h"

namespace sekisho::crypto {
namespace {

constexpr size_t chunk_size = size_t{2} << 20;  // a huge page

void* map_hidden(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  madvise(memory, size, MADV_DONTDUMP);
  return memory;
}

// A chunk on its natural boundary, so that one huge page can hold it.
uint8_t* map_chunk() {
  auto* memory = static_cast<uint8_t*>(map_hidden(2 * chunk_size));
  const size_t before = -reinterpret_cast<uintptr_t>(memory) % chunk_size;
  if (before) munmap(memory, before);
  uint8_t* chunk = memory + before;
  if (chunk_size - before) munmap(chunk + chunk_size, chunk_size - before);
  madvise(chunk, chunk_size, MADV_HUGEPAGE);
  mlock(chunk, chunk_size);  // best effort: RLIMIT_MEMLOCK may be small
  return chunk;
}

class KeyBlocks {
 public:
  void* take(size_t units) {
    const std::lock_guard lock(mutex_);
    Class& blocks = classes_[units];
    if (blocks.free.empty()) grow(blocks, units * key_block_unit);
    void* block = blocks.free.back();
    blocks.free.pop_back();
    return block;
  }

  void give(void* block, size_t units) noexcept {
    const std::lock_guard lock(mutex_);
    classes_[units].free.push_back(static_cast<uint8_t*>(block));
  }

 private:
  // The blocks of one size.
  struct Class {
    std::vector<uint8_t*> free;  // wiped when they came back; with room for all, for destructors give them back
    size_t all = 0;
  };

  static void grow(Class& blocks, size_t size) {
    const size_t count = chunk_size / size;
    blocks.free.reserve(blocks.all + count);
    uint8_t* chunk = map_chunk();
    blocks.all += count;
    // Handed out from the back of the list: ascending, so keys made together lie together.
    for (size_t i = count; i > 0; --i) blocks.free.push_back(chunk + (i - 1) * size);
  }

  std::mutex mutex_;
  std::array<Class, max_key_block_size / key_block_unit + 1> classes_;
};

constexpr size_t units_of(size_t size) { return (size + key_block_unit - 1) / key_block_unit; }

KeyBlocks& key_blocks() {
  static auto* const blocks = new KeyBlocks;  // never destroyed: keys in static storage may outlive any order
  return *blocks;
}

}  // namespace

HiddenPages::HiddenPages(size_t size) : data_(map_hidden(size)), size_(size) { mlock(data_, size_); }

HiddenPages::~HiddenPages() {
  wipe(bytes());
  munmap(data_, size_);
}

void* take_key_block(size_t size) { return key_blocks().take(units_of(size)); }

void give_key_block(void* block, size_t size) noexcept {
  wipe({static_cast<uint8_t*>(block), size});
  key_blocks().give(block, units_of(size));
}

}  // namespace sekisho::crypto
