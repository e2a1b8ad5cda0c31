// What EspCrypto touches: nothing beyond the packet, no allocator on the way, keys only in hidden memory.
#include <openssl/crypto.h>
#include <sys/mman.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <string>

#include "crypto/esp/esp_key.h"
#include "esp_packets.h"

namespace {

std::atomic<size_t> allocations = 0;

CRYPTO_malloc_fn library_malloc;
CRYPTO_realloc_fn library_realloc;
CRYPTO_free_fn library_free;

void* counted_malloc(size_t size, const char* file, int line) {
  ++allocations;
  return library_malloc(size, file, line);
}
void* counted_realloc(void* memory, size_t size, const char* file, int line) {
  ++allocations;
  return library_realloc(memory, size, file, line);
}

// Wraps the memory functions that crypto/ has installed; libcrypto takes them only before its first allocation.
const bool counting_installed = [] {
  CRYPTO_get_mem_functions(&library_malloc, &library_realloc, &library_free);
  return CRYPTO_set_mem_functions(counted_malloc, counted_realloc, library_free) == 1;
}();

}  // namespace

#ifndef __SANITIZE_ADDRESS__  // which has its own, and minds a second
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace sekisho::crypto {
namespace {

// Pages between two that cannot be touched.
class GuardedPages {
 public:
  GuardedPages() {
    memory_ = static_cast<uint8_t*>(
        mmap(nullptr, size + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(memory_, page, PROT_NONE);
    mprotect(memory_ + page + size, page, PROT_NONE);
  }
  ~GuardedPages() { munmap(memory_, size + 2 * page); }
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;

  uint8_t* begin() { return memory_ + page; }
  uint8_t* end() { return memory_ + page + size; }

  static constexpr size_t page = 4096, size = page;

 private:
  uint8_t* memory_;
};

// Whether the mapping that holds `address` is marked "dd" (do not dump) in /proc/self/smaps.
bool kept_out_of_core_dumps(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long start = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &start, &end) == 2) inside = start <= wanted && wanted < end;
    if (inside && line.starts_with("VmFlags:")) return line.find(" dd") != std::string::npos;
  }
  return false;
}

// Reads whatever is mapped, so no sanitizer may look on.
__attribute__((no_sanitize("address"))) bool holds(const uint8_t* first, const uint8_t* end, ByteView needle) {
  const size_t size = needle.size();
  const uint8_t* wanted = needle.data();
  for (; first + size <= end; ++first) {
    size_t same = 0;
    while (same < size && first[same] == wanted[same]) ++same;
    if (same == size) return true;
  }
  return false;
}

// Whether any page that a core dump would hold contains `needle`. The needle's own copies are the caller's to hide.
bool dumped_somewhere(ByteView needle) {
  std::ifstream smaps("/proc/self/smaps"), memory("/proc/self/mem", std::ios::binary);
  unsigned long start = 0, end = 0;
  for (std::string line; std::getline(smaps, line);) {
    char mode[5] = {};
    unsigned long from = 0, to = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, mode) == 3) {
      start = mode[0] == 'r' && mode[1] == 'w' ? from : to;
      end = to;
    }
    if (!line.starts_with("VmFlags:") || line.find(" dd") != std::string::npos || start == end) continue;
    if (holds(reinterpret_cast<const uint8_t*>(start), reinterpret_cast<const uint8_t*>(end), needle)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("no byte beside the packet is touched") {
  std::array<GuardedPages, 5> guarded;  // more than the kernel works on side by side
  for (const EspBackend backend : backends) {
    const auto crypto = EspCrypto::create(backend);
    for (size_t s = 0; s < esp_suite_count; ++s)
      for (const bool esn : {false, true}) {
        const EspSuite suite = suite_at(s);
        const auto key = counting_key(*crypto, suite, esn);
        for (uint32_t length = 0; length < 2200; ++length) {
          if (!EspCrypto::valid_length(suite, length)) continue;
          const Bytes packet = plain_packet(suite, 1, counting(length - overhead(suite)));
          for (const bool at_the_end : {false, true}) {
            std::array<EspJob, guarded.size()> jobs;
            for (size_t i = 0; i < jobs.size(); ++i) {
              uint8_t* esp = at_the_end ? guarded[i].end() - length : guarded[i].begin();
              std::ranges::copy(packet, esp);
              jobs[i] = job_for(key, esp, length, 1);
            }
            crypto->seal(jobs);
            REQUIRE(std::ranges::all_of(jobs, &EspJob::ok));
            crypto->open(jobs);
            REQUIRE(std::ranges::all_of(jobs, &EspJob::ok));
          }
        }
      }
  }
}

TEST_CASE("sealing and opening allocate nothing") {
  REQUIRE(counting_installed);
  for (const EspBackend backend : backends) {
    const size_t before_all = allocations;
    const auto crypto = EspCrypto::create(backend);
    if (backend == EspBackend::openssl) CHECK(allocations > before_all + 20);  // the counters count
    std::vector<EspKeyPtr> keys;
    std::vector<Bytes> packets;
    std::vector<EspJob> jobs;
    for (size_t s = 0; s < esp_suite_count; ++s)
      for (const bool esn : {false, true}) {
        keys.push_back(counting_key(*crypto, suite_at(s), esn));
        packets.push_back(plain_packet(suite_at(s), 1, counting(64)));
      }
    for (size_t i = 0; i < keys.size(); ++i) jobs.push_back(job_for(keys[i], packets[i].data(), packets[i].size()));
    crypto->seal(jobs);
    crypto->open(jobs);
    const size_t before = allocations;
    for (int i = 0; i < 100; ++i) {
      crypto->seal(jobs);
      crypto->open(jobs);
    }
    CHECK(allocations == before);
    CHECK(std::ranges::all_of(jobs, &EspJob::ok));
  }
}

TEST_CASE("giving keys back allocates nothing, however many there are") {
  constexpr size_t size = max_key_block_size;
  constexpr size_t count = 3 * (size_t{2} << 20) / size;  // of three huge pages
  std::vector<void*> blocks(count);
  const size_t before_all = allocations;
  for (void*& block : blocks) block = take_key_block(size);
  const size_t before = allocations;
#ifndef __SANITIZE_ADDRESS__
  CHECK(before > before_all);  // the counters count
#endif
  for (void* block : blocks) give_key_block(block, size);
  CHECK(allocations == before);
}

TEST_CASE("keys lie outside core dumps, aligned, and are wiped when they go") {
  for (const EspBackend backend : backends) {
    const auto crypto = EspCrypto::create(backend);
    for (size_t s = 0; s < esp_suite_count; ++s) {
      CAPTURE(info(suite_at(s)).name, static_cast<int>(backend));
      auto key = counting_key(*crypto, suite_at(s), false);
      const std::span<const uint8_t> block = key->block();
      CHECK(block.size() > info(suite_at(s)).key_material());
      CHECK(kept_out_of_core_dumps(block.data()));
      CHECK(kept_out_of_core_dumps(&block.back()));
      CHECK(reinterpret_cast<uintptr_t>(block.data()) % 64 == 0);
      CHECK(std::ranges::count(block, 0) < std::ssize(block));
      key.reset();
      // The block stays mapped, so a look is allowed.
      CHECK(std::ranges::count(block, 0) == std::ssize(block));
    }
  }
  void* memory = OPENSSL_malloc(100);
  CHECK(kept_out_of_core_dumps(memory));
  memory = OPENSSL_realloc(memory, 5000);
  CHECK(kept_out_of_core_dumps(memory));
  OPENSSL_free(memory);
}

TEST_CASE("after work, no dumped page holds a key") {
  // The first round key of AES and the state of ChaCha20 hold the key itself, so either left anywhere shows as this.
  SecretBytes material(16);
  SystemRandom().fill(material.writable());
  for (const EspBackend backend : backends)
    for (const EspSuite suite : {EspSuite::aes128gcm16, EspSuite::chacha20poly1305, EspSuite::aes128_sha256}) {
      const auto crypto = EspCrypto::create(backend);
      SecretBytes all(info(suite).key_material());
      std::ranges::copy(material.view(), all.writable().begin());
      const auto key = crypto->make_key(suite, false, all.view());
      std::vector<Bytes> packets(40, plain_packet(suite, 1, counting(160)));
      std::vector<EspJob> jobs;
      for (Bytes& packet : packets) jobs.push_back(job_for(key, packet.data(), packet.size()));
      crypto->seal(jobs);
      crypto->open(jobs);
      CAPTURE(info(suite).name, static_cast<int>(backend));
      CHECK(std::ranges::all_of(jobs, &EspJob::ok));
      CHECK_FALSE(dumped_somewhere(material.view()));
    }
  const Bytes visible(material.view().begin(), material.view().end());
  CHECK(dumped_somewhere(material.view()));  // the search finds what is there
}

}  // namespace sekisho::crypto
