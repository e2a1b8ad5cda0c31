#include "ipc/sealed_memory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/messages/dataplane.h"
#include "base/messages/system.h"

namespace sekisho::ipc {
namespace {

constexpr int required_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

std::unexpected<Error> system_error(const char* call) {
  return fail(messages::system_call_failed, std::string(call) + ": " + std::strerror(errno));
}

}  // namespace

Result<SealedMemory> SealedMemory::create(const char* name, size_t size) {
  SealedMemory memory;
  memory.fd_.reset(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.fd_) return system_error("memfd_create");
  if (::ftruncate(memory.fd_.get(), static_cast<off_t>(size)) < 0) return system_error("ftruncate of a memfd");
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd_.get(), 0);
  if (data == MAP_FAILED) return system_error("mmap of a memfd");
  memory.data_ = data;
  memory.size_ = size;
  memory.writable_ = true;
  if (::madvise(data, size, MADV_DONTDUMP) < 0) return system_error("madvise(MADV_DONTDUMP)");
  if (::fcntl(memory.fd_.get(), F_ADD_SEALS, required_seals) < 0) return system_error("fcntl(F_ADD_SEALS)");
  return memory;
}

Result<SealedMemory> SealedMemory::adopt(UniqueFd fd, size_t size) {
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & required_seals) != required_seals)
    return fail(messages::channel_peer_violation, "its shared memory is not sealed");
  struct stat status = {};
  if (::fstat(fd.get(), &status) < 0) return system_error("fstat of the peer's memory");
  if (status.st_size != static_cast<off_t>(size))
    return fail(messages::channel_peer_violation, "its shared memory has " + std::to_string(status.st_size) +
                                                      " bytes where " + std::to_string(size) + " are due");
  // A hole in a hugetlbfs file raises SIGBUS where no huge page is free; one in tmpfs reads as zeros.
  struct statfs filesystem = {};
  if (::fstatfs(fd.get(), &filesystem) < 0) return system_error("fstatfs of the peer's memory");
  if (filesystem.f_type != TMPFS_MAGIC)
    return fail(messages::channel_peer_violation, "its shared memory is not made of ordinary pages");
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) return system_error("mmap of the peer's memory");
  SealedMemory memory;
  memory.fd_ = std::move(fd);
  memory.data_ = data;
  memory.size_ = size;
  if (::madvise(data, size, MADV_DONTDUMP) < 0) return system_error("madvise(MADV_DONTDUMP)");
  return memory;
}

SealedMemory::SealedMemory(SealedMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      writable_(std::exchange(other.writable_, false)) {}

SealedMemory& SealedMemory::operator=(SealedMemory&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(writable_, other.writable_);
  return *this;
}

SealedMemory::~SealedMemory() {
  if (data_) ::munmap(data_, size_);
}

void SealedMemory::lock() const { (void)::mlock(data_, size_); }

}  // namespace sekisho::ipc
