// Time is a parameter: code that waits or expires takes an Instant, never reads a clock of its own.
#pragma once

#include <chrono>

namespace sekisho {

using Duration = std::chrono::nanoseconds;

// A point on a monotonic clock. The origin is arbitrary (CLOCK_MONOTONIC in the daemons, zero in the simulator).
struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
  static time_point now() { return time_point(std::chrono::steady_clock::now().time_since_epoch()); }
};
using Instant = MonotonicClock::time_point;

// The calendar's time, which an operator or an attacker of NTP may set back: for what the outside dates (certificates),
// never for waiting.
using WallTime = std::chrono::system_clock::time_point;

}  // namespace sekisho
