// Benchmark mode: sekisho-dataplane --bench FILE.
#pragma once

#include "dataplane/bench/plan.h"

namespace sekisho::dataplane::bench {

// Measures cell by cell; or forwards between the ports that the scenario names; or writes the input of its one cell
// into a file. EAL has started with lcores 1..workers and has that memory. Where `stop_fd` becomes readable, forwarding
// ends, and so does measuring after the cell that it is at; false if cells are left.
Result<bool> run(const Plan& plan, const Options& options, crypto::EspBackend backend, int stop_fd);

}  // namespace sekisho::dataplane::bench
