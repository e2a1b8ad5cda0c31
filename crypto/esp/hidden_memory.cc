#include "crypto/esp/hidden_memory.h"

#include <sys/mman.h>

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
  void* take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      uint8_t* chunk = map_chunk();
      // Handed out from the back of the list: ascending, so keys made together lie together.
      for (size_t at = chunk_size; at > 0; at -= key_block_size) free_.push_back(chunk + at - key_block_size);
    }
    void* block = free_.back();
    free_.pop_back();
    return block;
  }

  void give(void* block) {
    const std::lock_guard lock(mutex_);
    free_.push_back(static_cast<uint8_t*>(block));
  }

 private:
  std::mutex mutex_;
  std::vector<uint8_t*> free_;  // wiped when they came back
};

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

void* take_key_block() { return key_blocks().take(); }

void give_key_block(void* block) {
  wipe({static_cast<uint8_t*>(block), key_block_size});
  key_blocks().give(block);
}

}  // namespace sekisho::crypto
