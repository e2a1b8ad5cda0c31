// sd-event in C++ terms: a watch, a timer or a turn is an object that ends with its life, and calls a function.
#pragma once

#include <systemd/sd-event.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"

namespace sekisho::control {

// Constructors throw std::system_error: a loop that cannot watch is of no use at start, and the only failures are
// exhaustion.

// Calls `ready` with the EPOLL* bits that have come up. `ready` may destroy the watch.
class Watch {
 public:
  Watch() = default;
  Watch(sd_event* loop, int fd, uint32_t events, std::function<void(uint32_t)> ready);

 private:
  struct Source;
  struct Free {
    void operator()(Source* source) const;
  };
  std::unique_ptr<Source, Free> source_;
};

// Calls `expired` once for each time it is set. Not armed at first.
class Timer {
 public:
  Timer(sd_event* loop, std::function<void()> expired);

  void set(Instant at);
  void set_in(Duration delay) { set(MonotonicClock::now() + delay); }
  void cancel();
  bool armed() const;

 private:
  struct Source;
  struct Free {
    void operator()(Source* source) const;
  };
  std::unique_ptr<Source, Free> source_;
};

// Calls `due` in the next turn of the loop, once for however often it was asked: after what is ready by then, and
// without the millisecond that a timer may be late.
class Turn {
 public:
  Turn(sd_event* loop, std::function<void()> due);

  void ask();
  void cancel();

 private:
  struct State;
  struct Free {
    void operator()(State* state) const;
  };
  std::unique_ptr<State, Free> state_;
};

}  // namespace sekisho::control
