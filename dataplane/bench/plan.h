// What the command line makes of a scenario; decided before EAL starts, since EAL is started for it.
#pragma once

#include <string>
#include <vector>

#include "dataplane/bench/measurement.h"
#include "dataplane/bench/scenario.h"

namespace sekisho::dataplane::bench {

struct Options {
  std::string file;
  std::vector<std::string> ports;  // "lan=DEVICE", instead of the file's
  Filter filter;
  Effort effort;
  bool own_effort = false;  // it was asked for
  bool busy_poll = false;   // as the workers' option; the built-in runner never sleeps
  unsigned seconds = 0;     // with ports other than memory; 0: until told to end
  std::string pcap_file;    // write the input there instead of measuring
  bool json_lines = false;
};

struct Plan {
  Scenario scenario;
  std::vector<Cell> cells;
  unsigned processors = 1;  // that this process may use
  unsigned workers = 1;     // of the cell that has most and can be measured
  unsigned memory_mb = 0;   // that tables and packets need
};
Result<Plan> make_plan(const Options& options);

}  // namespace sekisho::dataplane::bench
