#include "dataplane/sa/replay_window.h"

#include <bit>

namespace sekisho::dataplane {

ReplayWindow::ReplayWindow(uint32_t size) : size_(size) {
  const uint32_t words = std::bit_ceil(size / bits_per_word + 1);
  mask_ = words - 1;
  shift_ = static_cast<uint32_t>(std::countr_zero(words));
  if (words <= own_words) return;
  more_ = std::make_unique<std::atomic<uint64_t>[]>(words);
  words_ = more_.get();
}

}  // namespace sekisho::dataplane
