#include "dataplane/bench/bench.h"

#include <poll.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/messages/bench.h"
#include "base/messages/system.h"
#include "dataplane/bench/forward.h"
#include "dataplane/bench/pcap_file.h"
#include "dataplane/bench/report.h"
#include "dataplane/port/packet_pool.h"

namespace sekisho::dataplane::bench {
namespace {

std::string note_on(const Plan& plan, const Cell& cell, const Figures& figures) {
  if (plan.scenario.during != During::nothing && cell.workers >= plan.processors)
    return "the manager shares a processor with a worker";
  if (plan.scenario.during != During::nothing && figures.changes == 0)
    return std::string(name(plan.scenario.during)) + ": none happened";
  if (figures.helpers != 0)
    return std::to_string(figures.helpers) + " of " + std::to_string(cell.workers) +
           " workers get no packets and help; their cycles are not counted";
  if (figures.slow) return "the processor ran below its best";
  return {};
}

bool told_to_end(int stop_fd) {
  pollfd stop{.fd = stop_fd, .events = POLLIN};
  return ::poll(&stop, 1, 0) > 0;
}

Result<bool> measure(const Plan& plan, const Options& options, crypto::EspBackend backend, rte_mempool* pool,
                     int stop_fd, Report& report) {
  auto measurement = Measurement::create(plan.scenario, backend, pool, plan.workers);
  if (!measurement) return std::unexpected(std::move(measurement.error()));
  for (size_t i = 0; i < plan.cells.size(); ++i) {
    if (told_to_end(stop_fd)) {
      spdlog::info("ending after {} of {} combinations", i, plan.cells.size());
      return false;
    }
    const Cell& cell = plan.cells[i];
    if (cell.workers > plan.processors) {
      report.skipped(cell, "not measured: only " + std::to_string(plan.processors) + " processors");
      continue;
    }
    report.progress(std::to_string(i + 1) + "/" + std::to_string(plan.cells.size()) + " " + Report::title(cell));
    const auto figures = (*measurement)->measure(cell, options.effort);
    if (!figures) return std::unexpected(figures.error());
    report.cell(cell, *figures, note_on(plan, cell, *figures));
  }
  return true;
}

// Each flow has its packet; a generator replays them in a loop.
Result<void> write_input(const Plan& plan, const std::string& path, crypto::EspBackend backend, rte_mempool* pool) {
  constexpr size_t at_least = 1024, at_most = 65536;
  const Cell& cell = plan.cells.front();
  auto gateway = Gateway::create(plan.scenario, backend, pool, 1);
  if (!gateway) return std::unexpected(std::move(gateway.error()));
  if (auto set = (*gateway)->set_routes(cell); !set) return set;
  if (auto set = (*gateway)->set_sas(cell); !set) return set;
  PacketSource source(plan.scenario, cell, **gateway, {.backend = backend});
  std::array<rte_mbuf*, pass_packets> packets;
  if (rte_pktmbuf_alloc_bulk(pool, packets.data(), packets.size()) != 0)
    return fail(messages::system_call_failed, "packet memory");
  PcapFile file(path);
  const size_t count = std::clamp((*gateway)->flows().size(), at_least, at_most);
  for (size_t written = 0; written < count; written += packets.size()) {
    source.load(packets);
    for (rte_mbuf* packet : packets) file.add({rte_pktmbuf_mtod(packet, const uint8_t*), packet->data_len});
  }
  rte_pktmbuf_free_bulk(packets.data(), packets.size());
  if (!file.close()) return fail(messages::file_unwritable, path);
  return {};
}

}  // namespace

Result<bool> run(const Plan& plan, const Options& options, crypto::EspBackend backend, int stop_fd) {
  if (!plan.scenario.suites.empty()) spdlog::warn("{}", Error{&messages::bench_static_keys, {}}.text());
  auto pool = create_packet_pool(plan.memory_mb, 0);
  if (!pool) return std::unexpected(std::move(pool.error()));
  if (!options.pcap_file.empty()) {
    if (auto written = write_input(plan, options.pcap_file, backend, *pool); !written)
      return std::unexpected(std::move(written.error()));
    return true;
  }
  Report report(plan.scenario, options.json_lines);
  report.machine({plan.processors, rte_eal_has_hugepages() != 0, backend, options.effort});
  if (plan.scenario.in_memory()) return measure(plan, options, backend, *pool, stop_fd, report);
  auto forwarder = Forwarder::create(plan, options, backend, *pool);
  if (!forwarder) return std::unexpected(std::move(forwarder.error()));
  (*forwarder)->run(options.seconds, stop_fd, report);
  return true;
}

}  // namespace sekisho::dataplane::bench
