// The anti-replay window of one inbound SA (RFC 4303 section 3.4.3), shared by all workers without a lock.
//
// As in RFC 6479 the window is a ring of words, so advancing never shifts bits. Here each 64-bit word also names the
// 32 sequence numbers that its bits stand for:
//
//   | generation (32) | one bit for each of 32 sequence numbers (32) |
//
// Numbers are accepted by one compare-and-swap of their word. A word's generation only ever grows, so a number whose
// bit was set is either still marked or belongs to a generation that is gone for good: whatever the interleaving, no
// number is accepted twice. The ring has at least one word more than the window spans, so a word is taken over only
// when all its old numbers have fallen out of the window.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>

namespace sekisho::dataplane {

// `Atomic` is std::atomic, or whatever else shows where workers meet.
template <template <typename> typename Atomic>
class ReplayWindowOn {
 public:
  // 64..4096 in steps of 64, or 0: every number is accepted.
  explicit ReplayWindowOn(uint32_t size);
  ReplayWindowOn(const ReplayWindowOn&) = delete;
  ReplayWindowOn& operator=(const ReplayWindowOn&) = delete;

  // The full sequence number of a packet that shows `low` (RFC 4303 appendix A2.2), relative to the highest accepted.
  // Nothing where it would lie before the first. Without ESN the low half is all there is.
  std::optional<uint64_t> infer(uint32_t low, bool esn) const { return esn ? infer_high(low) : low; }
  // Whether accept() might still take it; asked before the costly integrity check.
  bool would_accept(uint64_t sequence) const;
  // Called once the packet has proved authentic. False: seen before, or too old.
  bool accept(uint64_t sequence) { return accept_all(group(sequence), bit(sequence)) != 0; }
  // The same for several packets by one compare-and-swap: numbers of one group, each as its bit. Returns the bits of
  // those that were accepted.
  uint32_t accept_all(uint64_t group, uint32_t bits);
  static constexpr uint64_t group(uint64_t sequence) { return sequence / bits_per_word; }
  static constexpr uint32_t bit(uint64_t sequence) { return uint32_t{1} << (sequence % bits_per_word); }
  // Moves the window's right edge. Apart from accept() so that a burst pays once, with its highest number.
  void advance(uint64_t sequence);

  uint64_t highest() const { return highest_.load(std::memory_order_relaxed); }
  uint32_t size() const { return size_; }

 private:
  // Without a window, ESN still needs to guess which half-space a number is in; the largest window serves for that.
  static constexpr uint32_t inference_window = 4096;
  static constexpr unsigned bits_per_word = 32;
  struct Place {
    uint32_t word;
    uint32_t generation;
  };
  std::optional<uint64_t> infer_high(uint32_t low) const;
  Place place(uint64_t group) const {
    return {static_cast<uint32_t>(group) & mask_, static_cast<uint32_t>(group >> shift_)};
  }
  uint32_t bits_in_window(uint64_t group) const;
  bool in_window(uint64_t sequence) const {
    const uint64_t top = highest();
    // The first number that a sender uses is 1 (RFC 4303 section 3.3.3).
    return sequence != 0 && (sequence > top || top - sequence < size_);
  }
  static constexpr uint32_t generation_of(uint64_t word) { return static_cast<uint32_t>(word >> 32); }
  // Which bits of a generation are still to be had.
  static uint32_t unmarked(uint64_t word, uint32_t generation) {
    const auto ahead = static_cast<int32_t>(generation - generation_of(word));
    return ahead > 0 ? UINT32_MAX : ahead == 0 ? ~static_cast<uint32_t>(word) : 0;
  }

  Atomic<uint64_t> highest_{0};
  Atomic<uint64_t>* words_ = own_.data();
  uint32_t size_;
  uint32_t mask_;   // words - 1
  uint32_t shift_;  // log2 of the words
  // What a window of usual size needs stands here, next to the rest of the SA.
  static constexpr uint32_t own_words = 16;
  std::array<Atomic<uint64_t>, own_words> own_{};
  std::unique_ptr<Atomic<uint64_t>[]> more_;
};
using ReplayWindow = ReplayWindowOn<std::atomic>;

template <template <typename> typename Atomic>
ReplayWindowOn<Atomic>::ReplayWindowOn(uint32_t size) : size_(size) {
  const uint32_t words = std::bit_ceil(size / bits_per_word + 1);
  mask_ = words - 1;
  shift_ = static_cast<uint32_t>(std::countr_zero(words));
  if (words <= own_words) return;
  more_ = std::make_unique<Atomic<uint64_t>[]>(words);
  words_ = more_.get();
}

template <template <typename> typename Atomic>
std::optional<uint64_t> ReplayWindowOn<Atomic>::infer_high(uint32_t low) const {
  const uint64_t top = highest();
  const auto top_low = static_cast<uint32_t>(top);
  uint64_t high = top >> 32;
  const uint32_t below_top = (size_ != 0 ? size_ : inference_window) - 1;
  const uint32_t bottom = top_low - below_top;  // modulo 2^32
  if (top_low >= below_top) {
    // The window lies within one half-space: a number below its bottom belongs to the next.
    if (low < bottom && ++high > UINT32_MAX) return {};
  } else if (low >= bottom) {
    // The window reaches back into the half-space before.
    if (high == 0) return {};
    --high;
  }
  return high << 32 | low;
}

template <template <typename> typename Atomic>
bool ReplayWindowOn<Atomic>::would_accept(uint64_t sequence) const {
  if (size_ == 0) return true;
  const Place at = place(group(sequence));
  const uint64_t word = words_[at.word].load(std::memory_order_relaxed);
  return in_window(sequence) && (unmarked(word, at.generation) & bit(sequence)) != 0;
}

// in_window() for all numbers of a group.
template <template <typename> typename Atomic>
uint32_t ReplayWindowOn<Atomic>::bits_in_window(uint64_t group) const {
  const uint64_t top = highest();
  const uint64_t lowest = std::max<uint64_t>(top < size_ ? 1 : top - size_ + 1, 1);
  const uint64_t first = group * bits_per_word;
  if (lowest <= first) return UINT32_MAX;
  return lowest - first < bits_per_word ? UINT32_MAX << (lowest - first) : 0;
}

template <template <typename> typename Atomic>
uint32_t ReplayWindowOn<Atomic>::accept_all(uint64_t group, uint32_t bits) {
  if (size_ == 0) return bits;
  bits &= bits_in_window(group);
  const Place at = place(group);
  uint64_t word = words_[at.word].load(std::memory_order_relaxed);
  while (const uint32_t fresh = bits & unmarked(word, at.generation)) {
    const uint64_t before = generation_of(word) == at.generation ? word : uint64_t{at.generation} << 32;
    if (words_[at.word].compare_exchange_weak(word, before | fresh, std::memory_order_relaxed)) return fresh;
  }
  return 0;
}

template <template <typename> typename Atomic>
void ReplayWindowOn<Atomic>::advance(uint64_t sequence) {
  uint64_t top = highest();
  while (sequence > top && !highest_.compare_exchange_weak(top, sequence, std::memory_order_relaxed)) {
  }
}

}  // namespace sekisho::dataplane
