// The data plane of production, and the manager's part played by the benchmark: routes, tunnels, SAs. Nothing here has
// a kernel twin, and nothing comes from control.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/secret_bytes.h"
#include "dataplane/bench/frames.h"
#include "dataplane/bench/scenario.h"
#include "dataplane/fib/fib.h"
#include "dataplane/rcu/reclaimer.h"
#include "dataplane/worker/worker.h"
#include "ipc/counter_memory.h"

namespace sekisho::dataplane::bench {

// One of the SAs that a tunnel has over time.
struct SaName {
  ipc::Direction direction{};
  unsigned tunnel = 0;
  uint32_t rekeys = 0;  // of the tunnel before this SA
};

class Gateway {
 public:
  // The tables have room for every cell of the scenario. `busy_poll` is for workers that run their own loop.
  static Result<std::unique_ptr<Gateway>> create(const Scenario& scenario, crypto::EspBackend backend,
                                                 rte_mempool* packets, unsigned workers, bool busy_poll = false);

  // Routes and next hops for a cell, instead of those there were, and the flows that its packets take. No worker runs.
  Result<void> set_routes(const Cell& cell);
  const std::vector<Flow>& flows() const { return flows_; }
  // New SAs for all tunnels of the cell, instead of those there were. No worker runs.
  Result<void> set_sas(const Cell& cell);
  // The SA in use, its key and SPI. May be asked by any thread.
  SaName current(ipc::Direction direction, unsigned tunnel) const;
  SecretBytes key(const SaName& sa) const;
  uint32_t spi(const SaName& sa) const;
  // The tunnel of an outbound SPI; may be out of range.
  unsigned tunnel_of(uint32_t outbound_spi) const;

  // What the manager does while workers run, on one thread. First new SAs for a tunnel, beside those it has; what goes
  // out takes the new one. Requires !busy(): the ids are those of the SAs before the last.
  Result<void> begin_rekey(unsigned tunnel);
  // Then the older ones go, when no peer sends for them any more. Requires !busy(): no worker holds them.
  void finish_rekey(unsigned tunnel);
  // Adds some thousand routes that no packet takes, or removes them. Requires ready().
  Result<void> toggle_routes();
  bool ready() const { return fib_->idle(); }
  // Goes on with what waits for the workers.
  Result<void> poll();
  // Whether anything does.
  bool busy() const { return !fib_->idle() || !reclaimer_.empty(); }

  unsigned worker_count() const { return static_cast<unsigned>(workers_.size()); }
  Worker& worker(unsigned index) { return *workers_[index]; }
  Qsbr& qsbr() { return qsbr_; }
  const ipc::CounterTable& counters() const { return counters_.table(); }
  // Takes what workers report away: packets for the kernel, and events of SAs. One thread at a time each.
  void discard_punted();
  void discard_events();
  // Why packets are missing, for a message.
  std::string drops() const;

 private:
  Gateway(const Scenario& scenario, unsigned workers, crypto::EspBackend backend, ipc::CounterMemory counters);
  Result<void> make_filters();
  Result<void> make_workers(crypto::EspBackend backend, rte_mempool* packets, unsigned workers, bool busy_poll);
  Result<void> stage_own_routes(const Cell& cell);
  Result<void> stage_paths();
  ipc::NextHopId to_wan(unsigned index) const;
  Result<void> stage_extra_routes(const Cell& cell);
  void collect_flows(const Cell& cell);
  ipc::SaId sa_id(const SaName& sa) const;
  ipc::SaAdd describe_sa(const SaName& sa) const;
  Result<void> add_sas(unsigned tunnel, uint32_t rekeys);
  void remove_sas();

  const Scenario& scenario_;
  Qsbr qsbr_;
  Reclaimer reclaimer_{qsbr_};
  ipc::CounterMemory counters_;
  std::unique_ptr<crypto::EspCrypto> crypto_;
  std::unique_ptr<Fib> fib_;
  std::unique_ptr<Sad> sad_ = std::make_unique<Sad>();
  std::unique_ptr<TunnelTable> tunnels_ = std::make_unique<TunnelTable>();
  std::unique_ptr<EventRing> events_;
  std::unique_ptr<FilterTable> filters_;
  Doorbell manager_bell_, slow_path_bell_;
  WorkBoard board_;
  std::vector<std::unique_ptr<Worker>> workers_;

  std::optional<Cell> routed_;        // whose routes stand
  std::vector<Prefix> destinations_;  // of the extra routes
  std::vector<Flow> flows_;
  EspSuite suite_{};
  unsigned tunnel_count_ = 0;                      // that have SAs
  uint32_t generation_ = 0, next_generation_ = 0;  // of all SAs' keys
  std::vector<std::atomic<uint32_t>> rekeys_;      // by tunnel
  bool toggled_ = false;                           // the routes of toggle_routes() stand
};

}  // namespace sekisho::dataplane::bench
