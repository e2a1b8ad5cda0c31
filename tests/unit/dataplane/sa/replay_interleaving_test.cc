// The replay window under several workers, whose every step on shared memory a deterministic scheduler interleaves at
// random: what must hold whatever the order. (The scheduler's memory is sequentially consistent; real threads are for
// replay_window_test.cc and tests/concurrency.)
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/sa/replay_window.h"

namespace sekisho::dataplane {
namespace {

// Runs functions as though on threads of their own, one step at a time. step() ends a step.
class Scheduler {
 public:
  // While it lives nothing is a step: the test looks on.
  class Pause {
   public:
    Pause() : before_(std::exchange(current_, nullptr)) {}
    ~Pause() { current_ = before_; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Scheduler* const before_;
  };

  // `stickiness`: how many times in a hundred the same one goes on, so that others are left behind for long.
  Scheduler(uint32_t seed, unsigned stickiness) : random_(seed), stickiness_(stickiness) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void add(std::function<void()> body) { fibers_.push_back(std::make_unique<Fiber>(std::move(body))); }
  void run() {
    for (auto& fiber : fibers_) {
      getcontext(&fiber->context);
      fiber->context.uc_stack = {.ss_sp = fiber->stack.data(), .ss_flags = 0, .ss_size = fiber->stack.size()};
      fiber->context.uc_link = &main_;
      makecontext(&fiber->context, enter, 0);
    }
    for (unsigned left = static_cast<unsigned>(fibers_.size()); left != 0;) {
      if (running_ == nullptr || running_->done || random_() % 100 >= stickiness_) do
          running_ = fibers_[random_() % fibers_.size()].get();
        while (running_->done);
      current_ = this;
      swapcontext(&main_, &running_->context);
      current_ = nullptr;
      if (running_->done) --left;
    }
  }
  // Of the one that runs; nothing happens where none does.
  static void step() {
    if (current_ != nullptr) swapcontext(&current_->running_->context, &current_->main_);
  }
  static bool chance(unsigned percent) { return current_ != nullptr && current_->random_() % 100 < percent; }

 private:
  struct Fiber {
    explicit Fiber(std::function<void()> body) : body(std::move(body)) {}
    std::function<void()> body;
    std::vector<char> stack = std::vector<char>(size_t{128} << 10);
    ucontext_t context{};
    bool done = false;
  };
  static void enter() {
    Fiber& fiber = *current_->running_;
    fiber.body();
    fiber.done = true;
  }

  inline static Scheduler* current_ = nullptr;  // whose fiber runs
  std::mt19937 random_;
  const unsigned stickiness_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  Fiber* running_ = nullptr;
  ucontext_t main_{};
};

// Stands in for std::atomic: each access is a step, and the weak exchange fails now and then for no reason.
template <typename T>
class SteppedAtomic {
 public:
  SteppedAtomic(T value = {}) : value_(value) {}
  T load(std::memory_order) const {
    Scheduler::step();
    return value_;
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order) {
    Scheduler::step();
    if (value_ == expected && !Scheduler::chance(10)) {
      value_ = desired;
      return true;
    }
    expected = value_;
    return false;
  }

 private:
  T value_;
};

using Window = ReplayWindowOn<SteppedAtomic>;

uint64_t edge(const Window& window) {
  const Scheduler::Pause pause;
  return window.highest();
}

struct Setting {
  uint32_t size;
  bool esn;
  uint64_t start;  // the highest number accepted before
  unsigned workers;
  unsigned stickiness;
  uint32_t seed;
};

// What a peer sends, out of order, twice, with gaps; and what became of it.
class Traffic {
 public:
  Traffic(const Setting& setting, Window& window)
      : setting_(setting), window_(window), random_(setting.seed), next_(setting.start + 1), top_(setting.start) {}

  // One worker: bursts through the stages sad_lookup and esp_open.
  void work(unsigned packets) {
    while (packets != 0) {
      std::vector<uint64_t> burst;
      for (uint64_t count = 1 + random_() % 6; count != 0 && packets != 0; --count, --packets) look_up(send(), burst);
      for (size_t at = 0; at < burst.size();)
        at += accept_group({burst.begin() + static_cast<ptrdiff_t>(at), burst.end()});
    }
  }
  uint64_t top() const { return top_; }
  size_t accepted() const { return accepted_.size(); }
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  uint64_t send() {
    const uint64_t end = setting_.esn ? UINT64_MAX - (uint64_t{1} << 33) : UINT32_MAX;
    if (random_() % 3 != 0) next_ += 1 + random_() % 3;
    if (random_() % 200 == 0) next_ += random_() % (uint64_t{setting_.size} * 5 + 1);
    if (setting_.esn && random_() % 500 == 0) next_ += random_() % (uint64_t{1} << 31);
    next_ = std::min(next_, end);
    const uint64_t back = random_() % (random_() % 4 == 0 ? setting_.size + 80 : 8);
    return next_ > back ? next_ - back : 1;
  }

  void look_up(uint64_t number, std::vector<uint64_t>& burst) {
    const uint64_t before = edge(window_);
    const auto inferred = window_.infer(static_cast<uint32_t>(number), setting_.esn);
    // RFC 4303 appendix A2: right for what lies in the window or less than 2^32 above its bottom.
    const uint64_t reach = setting_.size != 0 ? setting_.size : 4096;
    const auto in_reach = [&](uint64_t highest) {
      return number + reach > highest && number - highest + reach <= uint64_t{1} << 32;
    };
    if (in_reach(before) && in_reach(edge(window_))) expect(inferred == number, "inferred", number);
    if (!inferred) return;
    if (!window_.would_accept(*inferred)) {
      if (inferred == number) expect(refusable(number), "looked up", number);
      return;
    }
    Scheduler::step();  // what was inferred wrongly does not authenticate
    if (inferred == number) burst.push_back(number);
  }

  // As many of the numbers as stand in one group, none twice; returns how many.
  size_t accept_group(std::span<const uint64_t> numbers) {
    const uint64_t before = edge(window_), group = Window::group(numbers[0]);
    uint32_t bits = 0;
    size_t count = 0;
    for (; count < numbers.size() && Window::group(numbers[count]) == group; ++count) {
      const uint32_t bit = Window::bit(numbers[count]);
      if ((bits & bit) != 0) break;
      bits |= bit;
    }
    const uint32_t granted = window_.accept_all(group, bits);
    expect((granted & ~bits) == 0, "granted without being asked for", numbers[0]);
    uint64_t highest = 0;
    for (const uint64_t number : numbers.first(count)) {
      if ((granted & Window::bit(number)) != 0) {
        entered(number, before);
        highest = std::max(highest, number);
      } else {
        expect(refusable(number), "refused", number);
      }
    }
    if (highest != 0) window_.advance(highest);
    return count;
  }

  void entered(uint64_t number, uint64_t before) {
    const bool first = accepted_.insert(number).second;
    if (setting_.size != 0) {
      expect(first, "accepted twice", number);
      expect(number + setting_.size > before, "accepted below the window", number);
    }
    top_ = std::max(top_, number);
  }

  // Seen, or below the window of what was accepted so far.
  bool refusable(uint64_t number) const {
    return setting_.size != 0 && (accepted_.contains(number) || number + setting_.size <= top_);
  }
  void expect(bool good, const char* what, uint64_t number) {
    if (!good) violations_.push_back(std::string(what) + " " + std::to_string(number));
  }

  const Setting setting_;
  Window& window_;
  std::mt19937_64 random_;
  uint64_t next_, top_;
  std::set<uint64_t> accepted_;
  std::vector<std::string> violations_;
};

void check(const Setting& setting) {
  CAPTURE(setting.size, setting.esn, setting.start, setting.workers, setting.stickiness, setting.seed);
  Window window(setting.size);
  if (setting.start != 0) window.advance(setting.start);
  Traffic traffic(setting, window);
  Scheduler scheduler(setting.seed, setting.stickiness);
  for (unsigned worker = 0; worker < setting.workers; ++worker) scheduler.add([&] { traffic.work(300); });
  scheduler.run();
  CHECK(traffic.violations() == std::vector<std::string>{});
  CHECK(edge(window) == traffic.top());
  CHECK(traffic.accepted() > 50);
}

}  // namespace

TEST_CASE("whatever the interleaving, a number is accepted once, and refused only if seen or below the window") {
  uint32_t seed = 0;
  for (const uint32_t size : {0u, 64u, 128u, 256u, 1024u, 4032u, 4096u})
    for (const unsigned workers : {2u, 3u, 4u})
      for (const unsigned stickiness : {0u, 60u, 97u}) {
        // From the first number; across 2^32; and across a later turn of the low half.
        for (const uint64_t start : {uint64_t{0}, (uint64_t{1} << 32) - 400, (uint64_t{5} << 32) - 200})
          check({size, true, start, workers, stickiness, ++seed});
        // Without ESN up to the last number there is.
        for (const uint64_t start : {uint64_t{0}, (uint64_t{1} << 32) - 2000})
          check({size, false, start, workers, stickiness, ++seed});
      }
}

}  // namespace sekisho::dataplane
