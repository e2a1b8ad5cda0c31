#include "dataplane/sa/replay_window.h"

#include <bit>

namespace sekisho::dataplane {
namespace {

// Without a window, ESN still needs to guess which half-space a number is in; the largest window serves for that.
constexpr uint32_t inference_window = 4096;

constexpr uint32_t generation_of(uint64_t word) { return static_cast<uint32_t>(word >> 32); }

}  // namespace

ReplayWindow::ReplayWindow(uint32_t size) : size_(size) {
  const uint32_t words = std::bit_ceil(size / bits_per_word + 1);
  mask_ = words - 1;
  shift_ = static_cast<uint32_t>(std::countr_zero(words * bits_per_word));
  if (size != 0) words_ = std::make_unique<std::atomic<uint64_t>[]>(words);
}

ReplayWindow::Place ReplayWindow::place(uint64_t sequence) const {
  return {static_cast<uint32_t>(sequence / bits_per_word) & mask_, static_cast<uint32_t>(sequence >> shift_),
          uint32_t{1} << (sequence % bits_per_word)};
}

std::optional<uint64_t> ReplayWindow::infer(uint32_t low, bool esn) const {
  if (!esn) return low;
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

bool ReplayWindow::in_window(uint64_t sequence) const {
  const uint64_t top = highest();
  // The first number that a sender uses is 1 (RFC 4303 section 3.3.3).
  return sequence != 0 && (sequence > top || top - sequence < size_);
}

bool ReplayWindow::unmarked(uint64_t word, const Place& at) {
  const auto ahead = static_cast<int32_t>(at.generation - generation_of(word));
  return ahead > 0 || (ahead == 0 && (word & at.bit) == 0);
}

bool ReplayWindow::would_accept(uint64_t sequence) const {
  if (size_ == 0) return true;
  const Place at = place(sequence);
  return in_window(sequence) && unmarked(words_[at.word].load(std::memory_order_relaxed), at);
}

bool ReplayWindow::accept(uint64_t sequence) {
  if (size_ == 0) return true;
  if (!in_window(sequence)) return false;
  const Place at = place(sequence);
  uint64_t word = words_[at.word].load(std::memory_order_relaxed);
  while (unmarked(word, at)) {
    const bool same_generation = generation_of(word) == at.generation;
    const uint64_t marked = (same_generation ? word : uint64_t{at.generation} << 32) | at.bit;
    if (words_[at.word].compare_exchange_weak(word, marked, std::memory_order_relaxed)) return true;
  }
  return false;
}

void ReplayWindow::advance(uint64_t sequence) {
  uint64_t top = highest();
  while (sequence > top && !highest_.compare_exchange_weak(top, sequence, std::memory_order_relaxed)) {
  }
}

}  // namespace sekisho::dataplane
