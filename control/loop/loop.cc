#include "control/loop/loop.h"

#include <algorithm>
#include <system_error>

namespace sekisho::control {
namespace {

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

}  // namespace

struct Watch::Source {
  std::function<void(uint32_t)> ready;
  sd_event_source* source = nullptr;

  // The function is copied: it may destroy this while it runs.
  static int dispatch(sd_event_source*, int, uint32_t events, void* self) {
    const auto call = static_cast<Source*>(self)->ready;
    call(events);
    return 0;
  }
};

void Watch::Free::operator()(Source* source) const {
  sd_event_source_disable_unref(source->source);
  delete source;
}

Watch::Watch(sd_event* loop, int fd, uint32_t events, std::function<void(uint32_t)> ready)
    : source_(new Source{std::move(ready)}) {
  check(sd_event_add_io(loop, &source_->source, fd, events, &Source::dispatch, source_.get()), "sd_event_add_io");
}

struct Timer::Source {
  std::function<void()> expired;
  sd_event_source* source = nullptr;

  static int dispatch(sd_event_source*, uint64_t, void* self) {
    const auto call = static_cast<Source*>(self)->expired;
    call();
    return 0;
  }
};

void Timer::Free::operator()(Source* source) const {
  sd_event_source_disable_unref(source->source);
  delete source;
}

Timer::Timer(sd_event* loop, std::function<void()> expired) : source_(new Source{std::move(expired)}) {
  // An accuracy of a millisecond: sd-event's default of 250 ms would blur retransmissions.
  check(sd_event_add_time(loop, &source_->source, CLOCK_MONOTONIC, 0, 1000, &Source::dispatch, source_.get()),
        "sd_event_add_time");
  check(sd_event_source_set_enabled(source_->source, SD_EVENT_OFF), "sd_event_source_set_enabled");
}

void Timer::set(Instant at) {
  const auto since_boot = std::chrono::ceil<std::chrono::microseconds>(at.time_since_epoch()).count();
  check(sd_event_source_set_time(source_->source, static_cast<uint64_t>(std::max<int64_t>(since_boot, 0))),
        "sd_event_source_set_time");
  check(sd_event_source_set_enabled(source_->source, SD_EVENT_ONESHOT), "sd_event_source_set_enabled");
}

void Timer::cancel() {
  check(sd_event_source_set_enabled(source_->source, SD_EVENT_OFF), "sd_event_source_set_enabled");
}

bool Timer::armed() const {
  int enabled = SD_EVENT_OFF;
  check(sd_event_source_get_enabled(source_->source, &enabled), "sd_event_source_get_enabled");
  return enabled != SD_EVENT_OFF;
}

struct Turn::State {
  sd_event* loop;
  std::function<void()> due;
  sd_event_source* source = nullptr;

  void forget() { source = sd_event_source_disable_unref(source); }

  static int dispatch(sd_event_source*, void* self) {
    auto* state = static_cast<State*>(self);
    state->forget();
    const auto call = state->due;
    call();
    return 0;
  }
};

void Turn::Free::operator()(State* state) const {
  state->forget();
  delete state;
}

Turn::Turn(sd_event* loop, std::function<void()> due) : state_(new State{loop, std::move(due)}) {}

// A source that stayed would always be the one that has waited longest, and nothing else would have its turn.
void Turn::ask() {
  if (state_->source) return;
  check(sd_event_add_defer(state_->loop, &state_->source, &State::dispatch, state_.get()), "sd_event_add_defer");
}

void Turn::cancel() { state_->forget(); }

}  // namespace sekisho::control
