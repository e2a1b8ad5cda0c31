// A worker: one EAL lcore that polls its queues and takes every packet all the way, in bursts, through the stages of
// dataplane/stage. It owns its crypto context, TX buffers and rings; it reads the tables that the manager publishes and
// reports a quiescent state each iteration.
//
// A worker that saw nothing for a while sleeps in steps, up to 100 microseconds at a time, unless told to busy-poll;
// asleep it is offline for QSBR.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "base/message.h"
#include "crypto/esp/esp_crypto.h"
#include "dataplane/fib/fib.h"
#include "dataplane/filter/filter.h"
#include "dataplane/rcu/qsbr.h"
#include "dataplane/sa/event_ring.h"
#include "dataplane/sa/sad.h"
#include "dataplane/worker/ports.h"
#include "dataplane/worker/rings.h"
#include "dataplane/worker/shared_crypto.h"
#include "ipc/counters.h"

struct rte_mbuf;
struct rte_mempool;

namespace sekisho::dataplane {

class Idle;
class Path;
struct StageProfile;

// What all workers share; owned by the manager, outlives them.
struct SharedTables {
  Qsbr& qsbr;
  const Fib& fib;
  const Sad& sad;
  TunnelTable& tunnels;
  EventRing& events;
  Doorbell& manager_bell;      // rung for an event
  Doorbell& slow_path_bell;    // rung for a punted packet
  rte_mempool* packets;        // of packets that were not received: fragments
  WorkBoard* board = nullptr;  // none: workers do not share crypto work
  FilterTable* filters = nullptr;
};

struct WorkerOptions {
  unsigned index = 0;  // QSBR reader and counter slot
  bool busy_poll = false;
  crypto::EspBackend backend = crypto::EspCrypto::fastest();
};

class Worker {
 public:
  static Result<std::unique_ptr<Worker>> create(const WorkerOptions& options, const SharedTables& shared,
                                                ipc::WriterCounters& counters);
  ~Worker();

  // The loop; returns soon after `stop` becomes true. Joins and leaves the QSBR. Called on the worker's own thread.
  void run(const std::atomic<bool>& stop);

  // Publishes the ports; the caller keeps both sets alive, the old one until a grace period has passed.
  void set_ports(const WorkerPorts* ports) { ports_.store(ports, std::memory_order_release); }
  // The slow-path thread's ends of the rings.
  WorkerRings& rings() { return rings_; }

  // For tests and measurements, instead of run(): one iteration of the loop, without sleeping and without a QSBR report
  // (it tells how many packets it took); and one burst of at most burst_size Ethernet frames as though it had come in
  // by `port`. Meanwhile the caller's thread is the only one that changes the tables.
  unsigned poll();
  void inject(ipc::PortId port, std::span<rte_mbuf* const> frames);
  // Adds up the cycles of each stage from now on, or with nullptr no longer. Not while run() is under way.
  void set_profile(StageProfile* profile);

 private:
  Worker(const WorkerOptions& options, const SharedTables& shared, ipc::WriterCounters& counters, WorkerRings rings);

  void rest(Idle& idle);

  const WorkerOptions options_;
  const SharedTables shared_;
  WorkerRings rings_;
  std::atomic<const WorkerPorts*> ports_{nullptr};
  std::unique_ptr<crypto::EspCrypto> own_crypto_;
  SharedCrypto crypto_;
  std::unique_ptr<Path> path_;
};

}  // namespace sekisho::dataplane
