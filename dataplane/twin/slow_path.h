// The slow path: one thread that carries packets between the workers and the kernel.
//
//   worker, to_kernel    --> write() into the twin of the port or tunnel where the packet came in; or, for a sealed
//                            packet whose outer next hop is unknown, a raw socket, so that the kernel routes it
//   TAP readable         --> frame   --> from_kernel of a worker --> out of the port as it is
//   TUN readable         --> packet  --> from_kernel of a worker --> sealed into the tunnel
//
// A packet that found its tunnel without an SA waits here (waiting_packets.h), and then goes the way of a TUN's. ESP
// that came in fragments is put together here (reassembly.h), and goes back to a worker as one packet.
//
// It sleeps in epoll and is woken by the doorbell that workers ring. What does not fit somewhere is dropped and counted
// (punt_full); what waited in vain is dropped too (no_outbound_sa), and so are fragments (fragment_*); what the kernel
// sends with a length that cannot be is malformed. Packets of one twin always take the same worker, so they stay in
// order.
//
// Counters, in the slow path's slot: PortCounter::from_kernel for frames read from a TAP; the drops named above.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "base/message.h"
#include "base/unique_fd.h"
#include "dataplane/port/packet_pool.h"
#include "dataplane/sa/sad.h"
#include "dataplane/twin/kernel_twin.h"
#include "dataplane/twin/reassembly.h"
#include "dataplane/twin/waiting_packets.h"
#include "dataplane/worker/rings.h"
#include "ipc/counters.h"

namespace sekisho::dataplane {

class SlowPath {
 public:
  // The workers' rings, the doorbell and the tunnels outlive it.
  static Result<std::unique_ptr<SlowPath>> create(std::vector<WorkerRings*> workers, Doorbell& bell,
                                                  const TunnelTable& tunnels, const PacketPools& pools,
                                                  ipc::WriterCounters& counters);
  ~SlowPath();  // ends the thread; the twins vanish

  // The manager's side. `via` is port or tunnel; adding takes the kernel's interface over, removing ends it.
  Result<void> add(Via via, uint16_t id, KernelTwin twin);
  void remove(Via via, uint16_t id);
  Result<void> set_mtu(Via via, uint16_t id, uint16_t mtu);
  // The tunnel has a TX SA now: what waits for it goes.
  void tunnel_has_sa(ipc::TunnelId id);

 private:
  struct Key {
    Via via{};
    uint16_t id = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  SlowPath(std::vector<WorkerRings*> workers, Doorbell& bell, const TunnelTable& tunnels, const PacketPools& pools,
           ipc::WriterCounters& counters)
      : workers_(std::move(workers)),
        bell_(bell),
        tunnels_(tunnels),
        packets_(pools.packets),
        counters_(counters),
        reassembly_(pools.packets, pools.large) {}
  void run();
  bool something_punted() const;
  bool deliver(WorkerRings& rings);
  bool deliver(const Handed& item);
  void deliver_and_free(const Handed& item);
  bool route(const Handed& item);
  void wait(const Handed& item);
  void reassemble(const Handed& item);
  void settle(const Reassembly::Outcome& outcome);
  void give_up_late();
  int milliseconds_to_late();
  void read_twin(Key key);
  void hand_over(uint16_t id, std::span<const Handed> items);
  void abandon(const KernelTwin& twin);
  void drop(ipc::DropReason reason);

  std::vector<WorkerRings*> workers_;
  Doorbell& bell_;
  const TunnelTable& tunnels_;
  rte_mempool* packets_;
  ipc::WriterCounters& counters_;
  UniqueFd epoll_;
  UniqueFd raw_;       // sends complete IPv4 packets by the kernel's routes
  UniqueFd raw_ipv6_;  // IPv6 packets; none where the kernel has no IPv6

  // Of what follows, and of the producing end of from_kernel: both the manager and the thread put hands on these.
  std::mutex mutex_;
  std::map<Key, KernelTwin> twins_;
  WaitingPackets waiting_;
  Reassembly reassembly_;

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace sekisho::dataplane
