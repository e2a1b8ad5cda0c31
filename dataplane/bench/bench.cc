#include "dataplane/bench/bench.h"

#include <rte_eal.h>
#include <sched.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/messages/bench.h"
#include "dataplane/bench/report.h"
#include "dataplane/port/packet_pool.h"

namespace sekisho::dataplane::bench {
namespace {

// Both copies of both first-level tables take 128 MB, a second-level table of IPv6 512 bytes, and a route up to 160
// bytes, in each copy; the rest is for packets, rings and DPDK itself.
unsigned memory_for(const Scenario& scenario) {
  const unsigned routes = std::ranges::max(scenario.routes);
  const unsigned tables_mb = scenario.family == Family::ipv6 && routes > 1 ? 64 : 16;
  return 256 + tables_mb + routes / 1024 * 2 / 3;
}

unsigned own_processors() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : 1;
}

std::string too_few(const Plan& plan) {
  return "not measured: only " + std::to_string(plan.processors) + " processors";
}

std::string note_on(const Plan& plan, const Cell& cell) {
  if (plan.scenario.during == During::nothing || cell.workers < plan.processors) return {};
  return "the manager shares a processor with a worker";
}

}  // namespace

Result<Plan> make_plan(const Options& options) {
  auto scenario = load_scenario(options.file);
  if (!scenario) return std::unexpected(std::move(scenario.error()));
  for (const std::string& port : options.ports)
    if (auto set = override_port(*scenario, port); !set) return std::unexpected(std::move(set.error()));
  if (auto good = check(*scenario); !good) return std::unexpected(std::move(good.error()));
  auto cells = cells_of(*scenario, options.filter);
  if (!cells) return std::unexpected(std::move(cells.error()));
  Plan plan{std::move(*scenario), std::move(*cells)};
  plan.processors = own_processors();
  for (const Cell& cell : plan.cells)
    if (cell.workers <= plan.processors) plan.workers = std::max(plan.workers, cell.workers);
  plan.memory_mb = memory_for(plan.scenario);
  return plan;
}

Result<void> run(const Plan& plan, const Options& options, crypto::EspBackend backend) {
  if (!plan.scenario.suites.empty()) spdlog::warn("{}", Error{&messages::bench_static_keys, {}}.text());
  auto pool = create_packet_pool(plan.memory_mb, 0);
  if (!pool) return std::unexpected(std::move(pool.error()));
  auto measurement = Measurement::create(plan.scenario, backend, *pool, plan.workers);
  if (!measurement) return std::unexpected(std::move(measurement.error()));
  Report report(plan.scenario, options.json_lines);
  report.machine({plan.processors, rte_eal_has_hugepages() != 0, backend, options.effort});
  for (size_t i = 0; i < plan.cells.size(); ++i) {
    const Cell& cell = plan.cells[i];
    if (cell.workers > plan.processors) {
      report.skipped(cell, too_few(plan));
      continue;
    }
    report.progress(std::to_string(i + 1) + "/" + std::to_string(plan.cells.size()) + " " + Report::title(cell));
    const auto figures = (*measurement)->measure(cell, options.effort);
    if (!figures) return std::unexpected(figures.error());
    report.cell(cell, *figures, note_on(plan, cell));
  }
  return {};
}

}  // namespace sekisho::dataplane::bench
