#include "dataplane/bench/plan.h"

#include <sched.h>

#include <algorithm>

#include "base/messages/bench.h"

namespace sekisho::dataplane::bench {
namespace {

// Both copies of both first-level tables take 128 MB, a second-level table of IPv6 512 bytes, and a route two nodes of
// a tree, up to 192 bytes each, all in each copy. An eighth of all is for packets, some for rings and DPDK itself.
unsigned memory_for(const Scenario& scenario) {
  const unsigned routes = std::ranges::max(scenario.routes);
  const unsigned tables_mb = scenario.family == Family::ipv6 ? 64 : 16;
  return 256 + tables_mb + routes / 1024 * 3 / 2;
}

unsigned own_processors() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : 1;
}

// Only the runner with memory ports goes from cell to cell. Elsewhere sizes are the sender's business, and both
// directions go at once.
Result<void> check_alone(const std::vector<Cell>& cells, bool pcap) {
  const Cell& first = cells.front();
  const bool same = std::ranges::all_of(cells, [&](const Cell& cell) {
    return cell.suite == first.suite && cell.tunnels == first.tunnels && cell.routes == first.routes &&
           cell.workers == first.workers && (cell.direction == first.direction || (!pcap && cell.routes == 1)) &&
           (cell.size == first.size || !pcap);
  });
  if (!same) return fail(messages::scenario_several_cells);
  return {};
}

// What would be ignored silently.
Result<void> check_options(const Options& options, bool in_memory) {
  if (in_memory && options.seconds != 0)
    return fail(messages::bench_idle_option, "--seconds: ports of memory take --runs and --passes");
  if (!in_memory && options.own_effort)
    return fail(messages::bench_idle_option, "--runs, --passes: ports that are devices take --seconds");
  return {};
}

}  // namespace

Result<Plan> make_plan(const Options& options) {
  auto scenario = load_scenario(options.file);
  if (!scenario) return std::unexpected(std::move(scenario.error()));
  for (const std::string& port : options.ports)
    if (auto set = override_port(*scenario, port); !set) return std::unexpected(std::move(set.error()));
  if (auto good = check(*scenario); !good) return std::unexpected(std::move(good.error()));
  if (auto good = check_options(options, scenario->in_memory()); !good) return std::unexpected(std::move(good.error()));
  auto cells = cells_of(*scenario, options.filter);
  if (!cells) return std::unexpected(std::move(cells.error()));
  const bool pcap = !options.pcap_file.empty();
  if (pcap || !scenario->in_memory())
    if (auto alone = check_alone(*cells, pcap); !alone) return std::unexpected(std::move(alone.error()));
  Plan plan{std::move(*scenario), std::move(*cells)};
  plan.processors = own_processors();
  for (const Cell& cell : plan.cells)
    if (cell.workers <= plan.processors || !plan.scenario.in_memory())
      plan.workers = std::max(plan.workers, cell.workers);
  plan.memory_mb = memory_for(plan.scenario);
  return plan;
}

}  // namespace sekisho::dataplane::bench
