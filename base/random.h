// Randomness is a parameter: protocol code draws from a Random&, the simulator passes a seeded one.
#pragma once

#include <cstdint>
#include <span>

namespace sekisho {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<uint8_t> out) = 0;

  uint32_t next_u32();
  uint64_t next_u64();
  // Uniform in [0, bound); bound > 0.
  uint64_t below(uint64_t bound);
};

// The kernel's generator (getrandom). Aborts if the kernel cannot deliver: nothing may go on without randomness.
class SystemRandom final : public Random {
 public:
  void fill(std::span<uint8_t> out) override;
};

}  // namespace sekisho
