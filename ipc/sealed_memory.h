// Memory that one process writes and another only reads, which the kernel enforces: a memfd is mapped writable first
// and then sealed against shrinking, growing, further writable mappings and further seals. Whoever gets the descriptor
// can map it read-only and nothing else, and can rely on its size: no truncation turns an access into SIGBUS.
//
// Mappings stay out of core dumps (MADV_DONTDUMP): they may hold keys.
#pragma once

#include <cstddef>

#include "base/message.h"
#include "base/unique_fd.h"

namespace sekisho::ipc {

class SealedMemory {
 public:
  SealedMemory() = default;
  // Zeroed memory that this process alone writes. `name` shows in /proc and nowhere else.
  static Result<SealedMemory> create(const char* name, size_t size);
  // The peer's memory, read-only. A violation where the seals or the size are not those that create() makes.
  static Result<SealedMemory> adopt(UniqueFd fd, size_t size);

  SealedMemory(SealedMemory&& other) noexcept;
  SealedMemory& operator=(SealedMemory&& other) noexcept;
  ~SealedMemory();

  const void* data() const { return data_; }
  // nullptr for adopted memory.
  void* writable() const { return writable_ ? data_ : nullptr; }
  size_t size() const { return size_; }
  int fd() const { return fd_.get(); }
  // Keeps the pages from swap where the limit on locked memory allows.
  void lock() const;

 private:
  UniqueFd fd_;
  void* data_ = nullptr;
  size_t size_ = 0;
  bool writable_ = false;
};

}  // namespace sekisho::ipc
