// The built-in runner: feeds the workers from memory and measures them, cell by cell. Passes of the data path, of its
// ports alone and of the cryptography alone take turns, so that all see the same weather.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "dataplane/bench/lane.h"

namespace sekisho::dataplane::bench {

struct Effort {
  unsigned runs = 9;     // figures are the median, least and greatest of so many runs
  unsigned passes = 40;  // a run is the median of so many passes, or their mean where the manager is at work
};

// TSC cycles a packet, on one worker's core.
struct Spread {
  double median = 0, min = 0, max = 0;
};

struct Figures {
  // NaN: not measured.
  Spread path;  // with the ports
  double io = 0;
  double crypto = 0;
  std::vector<double> workers;  // the path's, by worker; 0 for one that no packets come to
  Lane::Stages stages{};        // of the first worker
  double inner_bytes = 0;       // of a packet, on the average
  uint64_t packets = 0, lost = 0;
  unsigned changes = 0;   // that the manager made meanwhile
  unsigned helpers = 0;   // workers that no packets come to; what they take over is in none of these cycles
  unsigned repeated = 0;  // passes that were disturbed and made again
  bool slow = false;      // the processor was slower than it can be for too long to wait
};

class Measurement {
 public:
  // For cells of at most `workers` workers, for which EAL has the lcores 1..workers.
  static Result<std::unique_ptr<Measurement>> create(const Scenario& scenario, crypto::EspBackend backend,
                                                     rte_mempool* pool, unsigned workers);
  // The first pass is verified; a packet that comes out wrong is an error.
  Result<Figures> measure(const Cell& cell, Effort effort);

 private:
  Measurement(const Scenario& scenario, crypto::EspBackend backend, rte_mempool* pool, MemoryPort lan, MemoryPort wan)
      : scenario_(scenario), backend_(backend), pool_(pool), lan_(std::move(lan)), wan_(std::move(wan)) {}
  Result<void> set_up(const Cell& cell);
  void map_ports();
  std::unique_ptr<RawKeys> raw_keys(const Cell& cell) const;

  const Scenario& scenario_;
  const crypto::EspBackend backend_;
  rte_mempool* pool_;
  MemoryPort lan_, wan_;
  std::vector<WorkerPorts> port_maps_;  // by worker
  std::unique_ptr<Gateway> gateway_;
  bool learnt_ = false;  // the pace of the processor
};

// Calls `task(0)` to `task(count - 1)`, each on a worker's lcore, and until all are done `meanwhile` over and over, or
// sleeps.
void on_workers(unsigned count, const std::function<void(unsigned)>& task, const std::function<void()>& meanwhile = {});

}  // namespace sekisho::dataplane::bench
