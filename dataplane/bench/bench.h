// Benchmark mode: sekisho-dataplane --bench FILE.
#pragma once

#include "dataplane/bench/plan.h"

namespace sekisho::dataplane::bench {

// Measures cell by cell; or forwards between the ports that the scenario names; or writes the input of its one cell
// into a file. EAL has started with lcores 1..workers and has that memory. Ends early where `stop_fd` becomes readable.
Result<void> run(const Plan& plan, const Options& options, crypto::EspBackend backend, int stop_fd);

}  // namespace sekisho::dataplane::bench
