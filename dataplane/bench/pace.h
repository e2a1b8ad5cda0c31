// How fast the processor is just now. The TSC counts on at one pace whatever the clock of the core does, so a core that
// is slowed down (by its power budget, by the hypervisor, by a neighbour on the other thread of the core) makes the
// same work look dearer, for seconds at a time and by half as much again.
#pragma once

#include <cstdint>

namespace sekisho::dataplane::bench {

class Pace {
 public:
  // `patience`: for how many seconds altogether slow() may say true. What the machine cannot do any better then has to
  // be taken as it is.
  explicit Pace(double patience) : patience_(patience) {}

  // Looks for so long how fast a core can be.
  static void learn(double seconds);
  // Whether the core runs markedly slower than the best that this process has seen of any core. Takes less than a
  // microsecond. False once this object has said true for `patience` seconds altogether: what the machine cannot do any
  // better has to be taken as it is.
  bool slow();
  // Whether it came to that.
  bool exhausted() const;

 private:
  const double patience_;
  uint64_t waited_ = 0, since_ = 0;  // TSC
};

}  // namespace sekisho::dataplane::bench
