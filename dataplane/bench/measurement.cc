#include "dataplane/bench/measurement.h"

#include <rte_launch.h>
#include <rte_lcore.h>

#include <algorithm>
#include <array>
#include <latch>
#include <limits>
#include <numeric>

#include "dataplane/bench/addresses.h"
#include "dataplane/bench/background.h"
#include "dataplane/bench/median.h"
#include "dataplane/bench/verify.h"
#include "dataplane/port/packet_pool.h"

namespace sekisho::dataplane::bench {
namespace {

constexpr std::array passes_of_a_turn = {Pass::path, Pass::io, Pass::raw};

// By pass, then by run: what a packet takes in the run's passes.
using LaneRuns = std::array<std::vector<double>, passes_of_a_turn.size()>;

// What the manager does meets few passes, which a median would leave out.
double of_run(const std::vector<double>& passes, During during) {
  if (during == During::nothing) return median(passes);
  return std::accumulate(passes.begin(), passes.end(), 0.0) / static_cast<double>(passes.size());
}

LaneRuns run_lane(Lane& lane, const Effort& effort, unsigned turn, bool with_crypto, During during) {
  LaneRuns runs;
  for (unsigned run = 0; run < effort.runs; ++run) {
    std::array<std::vector<double>, passes_of_a_turn.size()> cycles;
    while (cycles.front().size() < effort.passes)
      for (size_t kind = 0; kind < passes_of_a_turn.size(); ++kind)
        for (unsigned i = 0; i < turn && (with_crypto || passes_of_a_turn[kind] != Pass::raw); ++i)
          cycles[kind].push_back(lane.measure(passes_of_a_turn[kind]));
    for (size_t kind = 0; kind < cycles.size(); ++kind)
      if (!cycles[kind].empty()) runs[kind].push_back(of_run(cycles[kind], during));
  }
  // Last, so that it disturbs nothing else.
  for (unsigned i = 0; i < effort.passes; ++i) lane.measure(Pass::profile);
  return runs;
}

// Over the runs, each the mean of the lanes that get packets, which come first.
Spread spread(std::span<const LaneRuns> lanes, Pass pass) {
  const auto kind = static_cast<size_t>(pass);
  std::vector<double> runs;
  for (size_t run = 0; run < lanes.front()[kind].size(); ++run) {
    double together = 0;
    for (const LaneRuns& lane : lanes) together += lane[kind][run];
    runs.push_back(together / static_cast<double>(lanes.size()));
  }
  if (runs.empty()) return {};
  return {median(runs), std::ranges::min(runs), std::ranges::max(runs)};
}

}  // namespace

void on_workers(unsigned count, const std::function<void(unsigned)>& task, const std::function<void()>& meanwhile) {
  struct Start {
    const std::function<void(unsigned)>& task;
    std::latch done;
  } start{task, std::latch(static_cast<ptrdiff_t>(count))};
  const auto run = [](void* argument) {
    auto* start = static_cast<Start*>(argument);
    start->task(rte_lcore_id() - 1);
    start->done.count_down();
    return 0;
  };
  for (unsigned i = 0; i < count; ++i) rte_eal_remote_launch(run, &start, i + 1);
  while (meanwhile && !start.done.try_wait()) meanwhile();
  // EAL's own waiting spins, on a processor that a worker may want.
  start.done.wait();
  for (unsigned i = 0; i < count; ++i) rte_eal_wait_lcore(i + 1);
}

Result<std::unique_ptr<Measurement>> Measurement::create(const Scenario& scenario, crypto::EspBackend backend,
                                                         rte_mempool* pool, unsigned workers) {
  auto lan = MemoryPort::create("bench-lan", workers, pool);
  if (!lan) return std::unexpected(std::move(lan.error()));
  auto wan = MemoryPort::create("bench-wan", workers, pool);
  if (!wan) return std::unexpected(std::move(wan.error()));
  return std::unique_ptr<Measurement>(new Measurement(scenario, backend, pool, std::move(*lan), std::move(*wan)));
}

// Queue n of either port belongs to worker n.
void Measurement::map_ports() {
  port_maps_.assign(gateway_->worker_count(), {});
  for (uint16_t index = 0; index < port_maps_.size(); ++index) {
    WorkerPorts& map = port_maps_[index];
    for (const ipc::PortId id : {lan_port, wan_port}) {
      const uint16_t device = (id == lan_port ? lan_ : wan_).device();
      map.ports[id.value()] = {.device = device, .tx_queue = index, .mtu = max_port_mtu, .mac = port_mac(id).bytes};
      map.rx.push_back({id, device, index});
    }
    gateway_->worker(index).set_ports(&map);
  }
}

Result<void> Measurement::set_up(const Cell& cell) {
  if (!gateway_ || gateway_->worker_count() != cell.workers) {
    gateway_.reset();
    auto gateway = Gateway::create(scenario_, backend_, pool_, cell.workers);
    if (!gateway) return std::unexpected(std::move(gateway.error()));
    gateway_ = std::move(*gateway);
    map_ports();
  }
  if (auto set = gateway_->set_routes(cell); !set) return set;
  return gateway_->set_sas(cell);
}

std::unique_ptr<RawKeys> Measurement::raw_keys(const Cell& cell) const {
  if (!cell.suite || !crypto::EspCrypto::available(crypto::EspBackend::ipsec_mb)) return {};
  const auto direction = cell.direction == Direction::in ? ipc::Direction::inbound : ipc::Direction::outbound;
  auto keys = std::make_unique<RawKeys>(*cell.suite);
  for (unsigned tunnel = 0; tunnel < cell.tunnels; ++tunnel)
    keys->add(gateway_->key(gateway_->current(direction, tunnel)).view());
  return keys;
}

Result<Figures> Measurement::measure(const Cell& cell, Effort effort) {
  // So that enough happens meanwhile.
  if (scenario_.during != During::nothing) effort.passes *= 25;
  if (auto ready = set_up(cell); !ready) return std::unexpected(std::move(ready.error()));
  // In proportion to the effort: with what is usual, a second to learn and ten of patience.
  const double patience = std::min(10.0, 0.03 * effort.runs * effort.passes);
  if (!learnt_) Pace::learn(patience / 10);
  learnt_ = true;
  const auto keys = raw_keys(cell);
  Meeting meeting(cell.workers);
  const bool in = cell.direction == Direction::in;
  const PortPair ports{in ? wan_ : lan_, in ? lan_ : wan_};
  const unsigned feeding = in ? std::min(cell.workers, cell.tunnels) : cell.workers;
  std::vector<std::unique_ptr<Lane>> lanes;
  for (unsigned i = 0; i < cell.workers; ++i)
    lanes.push_back(std::make_unique<Lane>(
        Lane::Parts{i, *gateway_, ports, pool_, keys.get(), meeting, feeding, patience},
        std::make_unique<PacketSource>(scenario_, cell, *gateway_, PacketSource::Options{i, cell.workers, backend_})));

  on_workers(cell.workers, [&](unsigned i) {
    lanes[i]->begin();
    lanes[i]->measure(Pass::path);
    lanes[i]->end();
  });
  Verifier verifier(scenario_, cell, *gateway_);
  for (unsigned i = 0; i < feeding; ++i)
    if (auto good = verifier.check(lanes[i]->source(), lanes[i]->sent()); !good) return std::unexpected(good.error());

  // A turn walks through all flows, so that what takes turns does not keep warm what another has just used.
  const auto walk = static_cast<unsigned>((gateway_->flows().size() + pass_packets - 1) / pass_packets);
  const unsigned turn = std::clamp(walk, 1u, effort.passes);
  std::vector<LaneRuns> runs(cell.workers);
  const auto work = [&](unsigned i) {
    lanes[i]->begin();
    runs[i] = run_lane(*lanes[i], effort, turn, keys != nullptr, scenario_.during);
    lanes[i]->end();
  };
  unsigned changes = 0;
  if (scenario_.during == During::nothing) {
    on_workers(cell.workers, work);
  } else {
    std::vector<const PacketSource*> sources;
    for (const auto& lane : lanes) sources.push_back(&lane->source());
    Background background(*gateway_, scenario_, cell, std::move(sources));
    on_workers(cell.workers, work, [&] { background.step(); });
    const auto made = background.finish();
    if (!made) return std::unexpected(made.error());
    changes = *made;
  }

  Figures figures;
  figures.changes = changes;
  figures.helpers = cell.workers - feeding;
  figures.repeated = lanes.front()->repeated();
  const auto fed = std::span<const LaneRuns>(runs).first(feeding);
  figures.path = spread(fed, Pass::path);
  figures.io = spread(fed, Pass::io).median;
  const bool unknown = cell.suite && !keys;
  figures.crypto = unknown ? std::numeric_limits<double>::quiet_NaN() : spread(fed, Pass::raw).median;
  figures.stages = lanes.front()->stages();
  figures.inner_bytes = lanes.front()->source().inner_bytes();
  for (unsigned i = 0; i < cell.workers; ++i) {
    figures.workers.push_back(median(runs[i][static_cast<size_t>(Pass::path)]));
    figures.packets += lanes[i]->total();
    figures.lost += lanes[i]->lost();
    figures.slow |= lanes[i]->slow();
  }
  return figures;
}

}  // namespace sekisho::dataplane::bench
