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

// Secrets are small (keys, shared secrets, nonces), so blocks come in three sizes from arenas of whole pages that are
// kept out of core dumps. A freed block is wiped by its owner and goes back to its size's list; arenas are never
// unmapped.
constexpr std::array<size_t, 3> block_sizes = {64, 256, 1024};
constexpr size_t arena_size = size_t{64} << 10;

uint8_t* map_hidden(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  madvise(memory, size, MADV_DONTDUMP);
  mlock(memory, size);  // best effort: RLIMIT_MEMLOCK may be small
  return static_cast<uint8_t*>(memory);
}

class Arena {
 public:
  uint8_t* take(size_t size) {
    const size_t kind = kind_of(size);
    if (kind == block_sizes.size()) return map_hidden(size);
    const std::lock_guard lock(mutex_);
    auto& list = free_[kind];
    if (list.empty()) {
      uint8_t* memory = map_hidden(arena_size);
      for (size_t at = 0; at < arena_size; at += block_sizes[kind]) list.push_back(memory + at);
    }
    uint8_t* block = list.back();
    list.pop_back();
    return block;
  }

  void give(uint8_t* block, size_t size) {
    const size_t kind = kind_of(size);
    if (kind == block_sizes.size()) {
      munmap(block, size);
      return;
    }
    const std::lock_guard lock(mutex_);
    free_[kind].push_back(block);
  }

 private:
  static size_t kind_of(size_t size) {
    return static_cast<size_t>(std::ranges::lower_bound(block_sizes, size) - block_sizes.begin());
  }
  std::mutex mutex_;
  std::array<std::vector<uint8_t*>, block_sizes.size()> free_;
};

Arena& arena() {
  static Arena* const the_arena = new Arena;  // never destroyed: secrets in static storage may outlive any order
  return *the_arena;
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

SecretBytes::SecretBytes(size_t size) : data_(size ? arena().take(size) : nullptr), size_(size) {
  if (size) std::memset(data_, 0, size);
}

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
  arena().give(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

}  // namespace sekisho
