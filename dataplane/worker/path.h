// The path of a burst through the stages, for one worker.
#pragma once

#include <memory>
#include <span>

#include "dataplane/stage/stages.h"
#include "dataplane/worker/worker.h"

namespace sekisho::dataplane {

class Path {
 public:
  Path(const SharedTables& shared, SharedCrypto& crypto, HandedRing& to_kernel, ipc::WriterCounters& counters);

  // What holds until the next call: the tables of this iteration.
  void begin(const Replica* replica, const WorkerPorts* ports);
  // A burst that came in by a port.
  void receive(ipc::PortId port, std::span<rte_mbuf* const> frames);
  // A burst of what the kernel sent into TAPs and TUNs.
  void from_kernel(std::span<const Handed> items);
  // Where to add up the cycles of each stage from now on, or nullptr.
  void set_profile(StageProfile* profile) { context_.profile = profile; }
  // Frames that another worker could not send itself.
  void hand_over(ipc::PortId port, std::span<rte_mbuf* const> frames);

 private:
  void forward(Burst& in);
  void receive_reassembled(std::span<const Handed> items);
  void decapsulate(Burst& esp, Burst& transit);
  void encapsulate(BurstOf<Outbound>& packets);
  void encapsulate_fragmented(BurstOf<Outbound>& packets);
  void seal(BurstOf<Outbound>& packets);
  void send_raw(ipc::PortId port, rte_mbuf* frame);

  Context context_;
};

}  // namespace sekisho::dataplane
