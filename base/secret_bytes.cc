#include "base/secret_bytes.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace sekisho {
namespace {

// Secrets are small (keys, shared secrets, nonces), and what libcrypto allocates is not much larger, so blocks come in
// a few sizes from arenas of whole pages that are kept out of core dumps. A freed block is wiped by its owner and goes
// back to its size's list; arenas are never unmapped.
constexpr std::array<size_t, 5> block_sizes = {64, 256, 1024, 4096, 16384};
constexpr size_t arena_size = size_t{64} << 10;

uint8_t* map_hidden(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  madvise(memory, size, MADV_DONTDUMP);
  mlock(memory, size);  // best effort: RLIMIT_MEMLOCK may be small
  return static_cast<uint8_t*>(memory);
}

constexpr size_t kinds = block_sizes.size();

constexpr size_t kind_of(size_t size) {
  return static_cast<size_t>(std::ranges::lower_bound(block_sizes, size) - block_sizes.begin());
}

// Free blocks of each size, all zero, for any thread.
class Arena {
 public:
  // Adds `count` blocks to the list.
  void take(size_t kind, size_t count, std::vector<uint8_t*>& list) {
    const std::lock_guard lock(mutex_);
    auto& free = free_[kind];
    while (free.size() < count) {
      uint8_t* memory = map_hidden(arena_size);
      for (size_t at = 0; at < arena_size; at += block_sizes[kind]) free.push_back(memory + at);
    }
    move_last(count, free, list);
  }
  // Takes the last `count` off the list.
  void give(size_t kind, size_t count, std::vector<uint8_t*>& list) {
    const std::lock_guard lock(mutex_);
    move_last(count, list, free_[kind]);
  }

 private:
  static void move_last(size_t count, std::vector<uint8_t*>& from, std::vector<uint8_t*>& to) {
    to.insert(to.end(), from.end() - static_cast<ptrdiff_t>(count), from.end());
    from.resize(from.size() - count);
  }
  std::mutex mutex_;
  std::array<std::vector<uint8_t*>, kinds> free_;
};

Arena& arena() {
  static Arena* const the_arena = new Arena;  // never destroyed: secrets in static storage may outlive any order
  return *the_arena;
}

// A thread's own free blocks, so that libcrypto, which allocates a thousand times in a handshake, takes no lock for
// each. They go back to the arena where they become many, and when the thread ends.
class ThreadBlocks {
 public:
  ThreadBlocks() = default;
  ThreadBlocks(const ThreadBlocks&) = delete;
  ThreadBlocks& operator=(const ThreadBlocks&) = delete;
  ~ThreadBlocks();

  uint8_t* take(size_t kind) {
    auto& list = free_[kind];
    if (list.empty()) arena().take(kind, batch(kind), list);
    uint8_t* block = list.back();
    list.pop_back();
    return block;
  }
  void give(size_t kind, uint8_t* block) {
    auto& list = free_[kind];
    list.push_back(block);
    if (list.size() == 2 * batch(kind)) arena().give(kind, batch(kind), list);
  }

 private:
  static constexpr size_t batch(size_t kind) { return std::min(size_t{16}, block_sizes.back() / block_sizes[kind]); }
  std::array<std::vector<uint8_t*>, kinds> free_;
};

// Of a thread that ends, libcrypto frees some blocks later than its ThreadBlocks goes.
thread_local bool thread_ended = false;
thread_local ThreadBlocks thread_blocks;

ThreadBlocks::~ThreadBlocks() {
  thread_ended = true;
  for (size_t kind = 0; kind < kinds; ++kind) arena().give(kind, free_[kind].size(), free_[kind]);
}

// All zero.
uint8_t* take_block(size_t size) {
  const size_t kind = kind_of(size);
  if (kind == kinds) return map_hidden(size);
  if (!thread_ended) return thread_blocks.take(kind);
  std::vector<uint8_t*> one;
  arena().take(kind, 1, one);
  return one.front();
}

// Its owner has wiped it.
void give_block(uint8_t* block, size_t size) {
  const size_t kind = kind_of(size);
  if (kind == kinds) {
    munmap(block, size);
    return;
  }
  if (!thread_ended) return thread_blocks.give(kind, block);
  std::vector<uint8_t*> one = {block};
  arena().give(kind, 1, one);
}

}  // namespace

void wipe(std::span<uint8_t> memory) {
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

bool constant_time_equal(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference = static_cast<uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

SecretBytes::SecretBytes(size_t size) : data_(size ? take_block(size) : nullptr), size_(size) {}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes secret(bytes.size());
  std::ranges::copy(bytes, secret.data_);
  return secret;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    clear();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretBytes::~SecretBytes() { clear(); }

void SecretBytes::clear() {
  if (data_ == nullptr) return;
  wipe({data_, size_});
  give_block(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

}  // namespace sekisho
