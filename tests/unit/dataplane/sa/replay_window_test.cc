#include "dataplane/sa/replay_window.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace sekisho::dataplane {
namespace {

// RFC 4303 section 3.4.3 taken literally: remember every number ever accepted.
class ModelWindow {
 public:
  explicit ModelWindow(uint64_t size) : size_(size) {}
  bool accept(uint64_t sequence) {
    if (sequence == 0 || sequence + size_ <= highest_ || !seen_.insert(sequence).second) return false;
    highest_ = std::max(highest_, sequence);
    return true;
  }
  uint64_t highest() const { return highest_; }

 private:
  uint64_t size_;
  uint64_t highest_ = 0;
  std::set<uint64_t> seen_;
};

bool take(ReplayWindow& window, uint64_t sequence) {
  const bool expected = window.would_accept(sequence);
  const bool accepted = window.accept(sequence);
  CHECK(accepted == expected);
  if (accepted) window.advance(sequence);
  return accepted;
}

}  // namespace

TEST_CASE("the replay window accepts exactly what the model accepts") {
  for (const uint32_t size : {64u, 128u, 256u, 1024u, 4032u, 4096u}) {
    std::mt19937_64 random(size);
    ReplayWindow window(size);
    ModelWindow model(size);
    uint64_t around = 1;
    for (int i = 0; i < 20000; ++i) {
      // Mostly near the edge, on both sides; now and then a leap.
      if (random() % 500 == 0) around += random() % (size * 5);
      const uint64_t back = random() % (size + 80);
      const uint64_t sequence = around > back ? around - back : random() % 3;
      if (random() % 2) around += random() % 3;
      const bool expected = model.accept(sequence);
      REQUIRE(take(window, sequence) == expected);
      REQUIRE(window.highest() == model.highest());
    }
  }
}

TEST_CASE("the replay window's borders") {
  ReplayWindow window(64);
  CHECK_FALSE(take(window, 0));
  CHECK(take(window, 100));
  CHECK_FALSE(take(window, 100));
  CHECK(take(window, 37));        // 100 - 63: the oldest within
  CHECK_FALSE(take(window, 36));  // just out
  CHECK(take(window, 1'000'000));
  CHECK_FALSE(take(window, 101));

  ReplayWindow off(0);
  CHECK(off.accept(5));
  CHECK(off.accept(5));
}

TEST_CASE("a number accepted in a burst is refused before the edge has moved") {
  ReplayWindow window(64);
  for (uint64_t sequence = 1; sequence <= 32; ++sequence) CHECK(window.accept(sequence));
  for (uint64_t sequence = 1; sequence <= 32; ++sequence) CHECK_FALSE(window.accept(sequence));
  // Far ahead of the edge two numbers share a word; the older one is gone with its generation.
  CHECK(window.accept(1 + 128 * 7));
  CHECK_FALSE(window.accept(1));
}

TEST_CASE("without ESN the number is what the packet shows") {
  ReplayWindow window(64);
  window.advance(0xfffffff0);
  CHECK(window.infer(5, false) == 5u);
}

TEST_CASE("ESN: the high half is inferred as RFC 4303 appendix A2.2 says") {
  ReplayWindow window(64);
  // Case B at the start: a number "before the first" is none.
  CHECK(window.infer(1, true) == 1u);
  CHECK_FALSE(window.infer(0xffffffff, true));
  // Case A: the window within one half-space.
  window.advance(0x1'0000'1000);
  CHECK(window.infer(0x1001, true) == 0x1'0000'1001u);
  CHECK(window.infer(0x0fc1, true) == 0x1'0000'0fc1u);  // the window's bottom
  CHECK(window.infer(0x0fc0, true) == 0x2'0000'0fc0u);  // below it: taken for the next half-space
  CHECK(window.infer(0xffffffff, true) == 0x1'ffff'ffffu);
  // Case B: the window spans two.
  window.advance(0x2'0000'0010);
  CHECK(window.infer(0xfffffff0, true) == 0x1'ffff'fff0u);
  CHECK(window.infer(0xffffffd1, true) == 0x1'ffff'ffd1u);  // the window's bottom
  CHECK(window.infer(0xffffffd0, true) == 0x2'ffff'ffd0u);
  CHECK(window.infer(0x11, true) == 0x2'0000'0011u);
  // The end of the number space.
  window.advance(0xffffffff'80000000);
  CHECK(window.infer(0x80000001, true) == 0xffffffff'80000001u);
  CHECK_FALSE(window.infer(1, true));
}

TEST_CASE("ESN: a stream with loss and reordering is followed across 2^32") {
  std::mt19937 random(7);
  ReplayWindow window(256);
  window.advance(0xffffff00);
  for (uint64_t sent = 0xffffff01; sent < 0x1'0000'1000; ++sent) {
    const uint64_t sequence = sent - random() % 200;
    const auto inferred = window.infer(static_cast<uint32_t>(sequence), true);
    if (sequence + 256 <= window.highest()) continue;
    REQUIRE(inferred == sequence);
    if (window.accept(*inferred)) window.advance(*inferred);
  }
}

TEST_CASE("several threads: no number is accepted twice") {
  constexpr unsigned threads = 4;
  constexpr uint64_t numbers = 20000;
  for (const uint32_t size : {64u, 4096u}) {
    ReplayWindow window(size);
    std::vector<std::atomic<unsigned>> accepted(numbers + 1);
    std::atomic<bool> go{false};
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < threads; ++t)
      workers.emplace_back([&, t] {
        std::mt19937 random(t);
        while (!go.load()) std::this_thread::yield();
        // All offer the same numbers, each slightly out of order and twice.
        for (uint64_t base = 1; base + 8 <= numbers; base += 8)
          for (unsigned i = 0; i < 16; ++i) {
            const uint64_t sequence = base + random() % 8;
            if (window.would_accept(sequence) && window.accept(sequence)) {
              accepted[sequence].fetch_add(1);
              window.advance(sequence);
            }
          }
      });
    go.store(true);
    for (auto& worker : workers) worker.join();
    uint64_t total = 0;
    for (const auto& count : accepted) {
      REQUIRE(count.load() <= 1);
      total += count.load();
    }
    CHECK(total > numbers / 2);
    CHECK(window.highest() <= numbers);
  }
}

}  // namespace sekisho::dataplane
