// What a worker does when there is nothing to do: it polls on for a while, then pauses the pipeline, then sleeps, each
// time longer, so that a gateway at rest leaves its core to others and one under load never sleeps.
#pragma once

#include <cstdint>

namespace sekisho::dataplane {

class Idle {
 public:
  enum class Step : uint8_t { poll, pause, sleep };

  void busy() { empty_polls_ = 0; }
  Step next() {
    ++empty_polls_;
    if (empty_polls_ <= polls) return Step::poll;
    return empty_polls_ <= polls + pauses ? Step::pause : Step::sleep;
  }
  // The length of this sleep: doubles up to the longest.
  uint32_t microseconds() const {
    const uint32_t sleeps = empty_polls_ - polls - pauses;
    return sleeps > 5 ? longest : shortest << (sleeps - 1);
  }

 private:
  static constexpr uint32_t polls = 32, pauses = 32;
  static constexpr uint32_t shortest = 5, longest = 100;
  uint32_t empty_polls_ = 0;
};

}  // namespace sekisho::dataplane
