// Everything that forwards: tables, workers, ports, the slow path; and the one operation that changes it, to carry out
// a transaction. What may fail is done first and undone where a later step fails; what workers see changes only after
// that.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/message.h"
#include "dataplane/fib/fib.h"
#include "dataplane/filter/filter.h"
#include "dataplane/manager/filter_sets.h"
#include "dataplane/manager/holdings.h"
#include "dataplane/manager/ports.h"
#include "dataplane/manager/staging.h"
#include "dataplane/rcu/qsbr.h"
#include "dataplane/rcu/reclaimer.h"
#include "dataplane/sa/event_ring.h"
#include "dataplane/sa/sad.h"
#include "dataplane/twin/slow_path.h"
#include "dataplane/worker/worker.h"
#include "ipc/counter_memory.h"

namespace sekisho::dataplane {

struct ForwardingOptions {
  unsigned workers = 1;
  unsigned memory_mb = 512;  // what DPDK has; the tables are sized by it
  unsigned vrfs = 0;         // besides the front door, that the tables leave memory for
  bool busy_poll = false;
  crypto::EspBackend backend = crypto::EspCrypto::fastest();
};

class Forwarding {
 public:
  // EAL has started with lcores 1..workers for the workers, which run when this returns.
  static Result<std::unique_ptr<Forwarding>> start(const ForwardingOptions& options, const PacketPools& pools,
                                                   ipc::CounterTable& counters);
  // Ends the workers, then everything.
  ~Forwarding();

  const Holdings& holdings() const { return holdings_; }
  const crypto::EspCrypto& crypto() const { return *crypto_; }
  ipc::PortState port_state(ipc::PortId id) const;

  // All of it or, with the reason, nothing. Requires ready().
  std::optional<Refusal> carry_out(Staging& staging);
  // Whether the tables take a transaction: the one before has reached both copies of the FIB, and no worker holds the
  // outer header that an SA had before it moved, nor a packet out of a tunnel that has been removed, nor filters
  // without those of an interface that is new.
  bool ready() const { return fib_->idle() && holds_ == 0 && !filters_moving_; }

  // Goes on with what waits for grace periods; to be called every millisecond or so while busy().
  void poll();
  bool busy() const { return !fib_->idle() || !reclaimer_.empty(); }

  Doorbell& bell() { return bell_; }  // rung for an event
  bool next_event(PathEvent& event) { return events_->pop(event); }
  void poll_links(const std::function<void(ipc::PortId)>& changed) { ports_->poll_links(changed); }

 private:
  class Undo;

  explicit Forwarding(unsigned workers) : qsbr_(workers), reclaimer_(qsbr_) {}
  Result<void> make_tables(const ForwardingOptions& options);
  Result<void> make_workers(const ForwardingOptions& options, rte_mempool* packets, ipc::CounterTable& counters);
  void launch_workers();

  // The steps that can fail; but for the first, each leaves behind how it is undone.
  std::optional<Refusal> make_vrfs(const Staging& staging);
  std::optional<Refusal> prepare_ports(const Staging& staging, Undo& undo);
  std::optional<Refusal> prepare_tunnels(const Staging& staging, Undo& undo);
  std::optional<Refusal> commit_routes(const Staging& staging);
  // The steps that cannot.
  void publish_filters(const Staging& staging);
  void publish_ports(const Staging& staging);
  void publish_vrfs(const Staging& staging);
  void publish_sas(Staging& staging);
  void move_sas(const Staging& staging);
  void publish_tunnels(const Staging& staging);
  void publish_tunnel(ipc::TunnelId id, const TunnelRecord& record);
  // After a grace period, until which there is no further transaction.
  void hold(std::function<void()> then);
  void remove_sas(const Staging& staging);
  void remove_tunnels(const Staging& staging);
  void count_flows();

  Qsbr qsbr_;
  Reclaimer reclaimer_;
  Doorbell bell_, slow_path_bell_;
  std::unique_ptr<crypto::EspCrypto> crypto_;
  std::unique_ptr<Fib> fib_;
  std::unique_ptr<Sad> sad_;
  std::unique_ptr<TunnelTable> tunnels_;
  std::unique_ptr<EventRing> events_;
  std::unique_ptr<FilterTable> filters_;
  FilterSets filter_sets_;
  bool filters_moving_ = false;
  // The count of flows, as far as it has come.
  Instant next_flow_count_{};
  size_t counted_places_ = 0, counted_flows_ = 0;
  ipc::CounterTable* counters_ = nullptr;
  WorkBoard board_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<SlowPath> slow_path_;
  std::unique_ptr<Ports> ports_;
  Holdings holdings_;
  unsigned holds_ = 0;
  std::atomic<bool> stop_{false};
  bool launched_ = false;
};

}  // namespace sekisho::dataplane
