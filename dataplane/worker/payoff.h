// Whether it pays to share crypto work, found out by trying: handing packets over costs much between distant
// processors, and a helper may have lost its own. From time to time one batch is done alone and the next one shared,
// and both are timed. One comparison says little, for the batches differ and anything may get in between; several in a
// row do. If it does not pay, batches are done alone for a while, without help being wanted.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sekisho::dataplane {

class Payoff {
 public:
  struct Turn {
    bool share;
    bool timed;  // report() what it cost
  };
  // Whether the next batch is one of those until the next try: to be done alone, and no turn.
  bool rests() {
    if (rest_ == 0) return false;
    --rest_;
    return true;
  }
  // How to do the next batch, if it does not rest.
  Turn next() {
    turn_ = turn_ + 1 == period ? 0 : turn_ + 1;
    return {.share = turn_ != 0, .timed = turn_ <= 1};
  }
  // A timed turn's cycles for so many bytes.
  void report(uint64_t cycles, uint32_t bytes) {
    if (turn_ == 0) {
      alone_cycles_ = cycles;
      alone_bytes_ = bytes;
      return;
    }
    const bool paid = cycles * alone_bytes_ < alone_cycles_ * bytes;
    trust_ = paid ? std::min(trust_ + 1, most_trust) : trust_ - 1;
    if (trust_ != 0) return;
    rest_ = rest;
    trust_ = 1;
    turn_ = period - 1;
  }

 private:
  // Odd, so that two kinds of batches that take turns are compared both ways round.
  static constexpr unsigned period = 61;
  static constexpr unsigned rest = 1000;
  static constexpr int most_trust = 4;

  unsigned turn_ = period - 1;
  unsigned rest_ = 0;  // batches that are done alone before the next try
  int trust_ = 2;
  uint64_t alone_cycles_ = 0;
  uint32_t alone_bytes_ = 1;
};

}  // namespace sekisho::dataplane
