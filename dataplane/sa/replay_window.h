// The anti-replay window of one inbound SA (RFC 4303 section 3.4.3), shared by all workers without a lock.
//
// As in RFC 6479 the window is a ring of words, so advancing never shifts bits. Here each 64-bit word also names the
// 32 sequence numbers that its bits stand for:
//
//   | generation (32) | one bit for each of 32 sequence numbers (32) |
//
// A number is accepted by one compare-and-swap of its word. A word's generation only ever grows, so a number whose bit
// was set is either still marked or belongs to a generation that is gone for good: whatever the interleaving, no number
// is accepted twice. The ring has at least one word more than the window spans, so a word is taken over only when all
// its old numbers have fallen out of the window.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace sekisho::dataplane {

class ReplayWindow {
 public:
  // 64..4096 in steps of 64, or 0: every number is accepted.
  explicit ReplayWindow(uint32_t size);

  // The full sequence number of a packet that shows `low` (RFC 4303 appendix A2.2), relative to the highest accepted.
  // Nothing where it would lie before the first. Without ESN the low half is all there is.
  std::optional<uint64_t> infer(uint32_t low, bool esn) const;
  // Whether accept() might still take it; asked before the costly integrity check.
  bool would_accept(uint64_t sequence) const;
  // Called once the packet has proved authentic. False: seen before, or too old.
  bool accept(uint64_t sequence);
  // Moves the window's right edge. Apart from accept() so that a burst pays once, with its highest number.
  void advance(uint64_t sequence);

  uint64_t highest() const { return highest_.load(std::memory_order_relaxed); }
  uint32_t size() const { return size_; }

 private:
  static constexpr unsigned bits_per_word = 32;
  struct Place {
    uint32_t word;
    uint32_t generation;
    uint32_t bit;
  };
  Place place(uint64_t sequence) const;
  bool in_window(uint64_t sequence) const;
  static bool unmarked(uint64_t word, const Place& at);

  std::atomic<uint64_t> highest_{0};
  uint32_t size_;
  uint32_t mask_;   // words - 1
  uint32_t shift_;  // log2 of the numbers in one turn of the ring
  std::unique_ptr<std::atomic<uint64_t>[]> words_;
};

}  // namespace sekisho::dataplane
