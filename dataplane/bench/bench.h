// Benchmark mode: sekisho-dataplane --bench FILE.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/esp/esp_crypto.h"
#include "dataplane/bench/measurement.h"
#include "dataplane/bench/scenario.h"

namespace sekisho::dataplane::bench {

struct Options {
  std::string file;
  std::vector<std::string> ports;  // "lan=DEVICE", instead of the file's
  Filter filter;
  Effort effort;
  bool json_lines = false;
};

// What is to be measured; decided before EAL starts, since EAL is started for it.
struct Plan {
  Scenario scenario;
  std::vector<Cell> cells;
  unsigned processors = 1;  // that this process may use
  unsigned workers = 1;     // of the cell that has most and can be measured
  unsigned memory_mb = 0;   // that the tables and packets need
};
Result<Plan> make_plan(const Options& options);

// EAL has started with lcores 1..workers and has that memory.
Result<void> run(const Plan& plan, const Options& options, crypto::EspBackend backend);

}  // namespace sekisho::dataplane::bench
