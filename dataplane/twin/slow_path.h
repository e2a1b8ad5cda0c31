// The slow path: one thread that carries packets between the workers and the kernel.
//
//   worker, to_kernel    --> write() into the twin of the port or tunnel where the packet came in; or, for a sealed
//                            packet whose outer next hop is unknown, a raw socket, so that the kernel routes it
//   TAP readable         --> frame   --> from_kernel of a worker --> out of the port as it is
//   TUN readable         --> packet  --> from_kernel of a worker --> sealed into the tunnel
//
// It sleeps in epoll and is woken by the doorbell that workers ring. What does not fit somewhere is dropped and counted
// (punt_full); what the kernel sends with a length that cannot be is malformed. Packets of one twin always take the
// same worker, so they stay in order.
//
// Counters, in the slow path's slot: PortCounter::from_kernel for frames read from a TAP; the drops named above.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/message.h"
#include "base/unique_fd.h"
#include "dataplane/twin/kernel_twin.h"
#include "dataplane/worker/rings.h"
#include "ipc/counters.h"

struct rte_mempool;

namespace sekisho::dataplane {

class SlowPath {
 public:
  // The workers' rings and the doorbell outlive it.
  static Result<std::unique_ptr<SlowPath>> create(std::vector<WorkerRings*> workers, Doorbell& bell,
                                                  rte_mempool* packets, ipc::WriterCounters& counters);
  ~SlowPath();  // ends the thread; the twins vanish

  // The manager's side. `via` is port or tunnel; adding takes the kernel's interface over, removing ends it.
  Result<void> add(Via via, uint16_t id, KernelTwin twin);
  void remove(Via via, uint16_t id);
  Result<void> set_mtu(Via via, uint16_t id, uint16_t mtu);

 private:
  struct Key {
    Via via{};
    uint16_t id = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  SlowPath(std::vector<WorkerRings*> workers, Doorbell& bell, rte_mempool* packets, ipc::WriterCounters& counters)
      : workers_(std::move(workers)), bell_(bell), packets_(packets), counters_(counters) {}
  void run();
  bool something_punted() const;
  bool deliver(WorkerRings& rings);
  bool deliver(const Handed& item);
  bool route(const Handed& item);
  void read_twin(Key key);
  void abandon(const KernelTwin& twin);
  void drop(ipc::DropReason reason);

  std::vector<WorkerRings*> workers_;
  Doorbell& bell_;
  rte_mempool* packets_;
  ipc::WriterCounters& counters_;
  UniqueFd epoll_;
  UniqueFd raw_;  // sends complete IPv4 packets by the kernel's routes

  std::mutex mutex_;  // twins_: changed by the manager, used by the thread
  std::map<Key, KernelTwin> twins_;

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace sekisho::dataplane
