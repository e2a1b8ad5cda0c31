#include "dataplane/bench/pace.h"

#include <rte_cycles.h>

#include <atomic>

namespace sekisho::dataplane::bench {
namespace {

// TSC cycles of a fixed number of additions, six at a time: as many as keep a core busy, so that a neighbour on its
// other thread shows as much as a slower clock.
uint64_t time_additions() {
  uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
  const uint64_t start = rte_rdtsc_precise();
  for (int i = 0; i < 500; ++i) {
    ++a, ++b, ++c, ++d, ++e, ++f;
    asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));  // neither foreseen nor left out
  }
  return rte_rdtsc_precise() - start;
}

std::atomic<uint64_t> best{UINT64_MAX};

uint64_t look() {
  const uint64_t time = time_additions();
  uint64_t least = best.load(std::memory_order_relaxed);
  while (time < least && !best.compare_exchange_weak(least, time, std::memory_order_relaxed)) {
  }
  return time;
}

}  // namespace

void Pace::learn(double seconds) {
  const auto ticks = static_cast<uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz()));
  for (const uint64_t start = rte_rdtsc(); rte_rdtsc() - start < ticks;) look();
}

bool Pace::slow() {
  const uint64_t now = rte_rdtsc();
  // Only what passes between two looks that found the core slow is waiting.
  if (since_ != 0) waited_ += now - since_;
  since_ = 0;
  const uint64_t time = look(), least = best.load(std::memory_order_relaxed);
  if (time <= least + least / 6 || exhausted()) return false;
  since_ = now;
  return true;
}

bool Pace::exhausted() const {
  return static_cast<double>(waited_) > patience_ * static_cast<double>(rte_get_tsc_hz());
}

}  // namespace sekisho::dataplane::bench
