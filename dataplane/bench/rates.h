// What the workers' counters say about each second.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/bench/gateway.h"
#include "dataplane/bench/measurement.h"

namespace sekisho::dataplane::bench {

// Sums since the start, or within a second.
struct Totals {
  struct Port {
    uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;  // with Ethernet headers
  };
  Port lan, wan;
  uint64_t dropped = 0;
  std::vector<uint64_t> received;  // by worker
};

struct Second {
  unsigned number = 0;
  double length = 0;  // in seconds
  Totals totals;
};

class Rates {
 public:
  // Counts from now on.
  Rates(const Gateway& gateway, uint64_t tsc_hz);

  bool second_is_over() const;
  // What happened since the last call.
  Second take();
  unsigned seconds() const { return static_cast<unsigned>(cycles_.size()); }
  // Of all seconds that were taken; says nothing about I/O and cryptography.
  Figures summary() const;

 private:
  const Gateway& gateway_;
  const uint64_t tsc_hz_;
  const Totals first_;
  Totals last_;
  uint64_t last_time_;
  std::vector<std::vector<double>> cycles_;  // a packet's, by second, then by worker; 0: it got none
};

}  // namespace sekisho::dataplane::bench
