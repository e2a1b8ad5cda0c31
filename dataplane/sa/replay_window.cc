#include "dataplane/sa/replay_window.h"

#include <bit>

namespace sekisho::dataplane {

ReplayWindow::ReplayWindow(uint32_t size) : size_(size) {
  const uint32_t words = std::bit_ceil(size / bits_per_word + 1);
  mask_ = words - 1;
  shift_ = static_cast<uint32_t>(std::countr_zero(words));
  if (size != 0) words_ = std::make_unique<std::atomic<uint64_t>[]>(words);
}

}  // namespace sekisho::dataplane
