// Which worker polls which queue and sends by which: made anew for every change of the ports, and handed to the workers
// as one WorkerPorts each.
//
// Where a device has as many queues as there are workers, queue n belongs to worker n. Where it has fewer, its queues
// are dealt to the workers starting with one that depends on the port, so that several such ports spread; a worker
// without a TX queue hands its packets to one that has one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/address.h"
#include "base/message.h"
#include "dataplane/worker/ports.h"
#include "ipc/schema.h"

struct rte_ring;

namespace sekisho::dataplane {

// The worker that owns queue `queue` of a port.
unsigned queue_owner(ipc::PortId port, uint16_t queue, unsigned workers);

// A hand-over ring: mbufs from any worker to the one that owns the TX queue. Frees what is left in it.
struct HandoverRingDeleter {
  void operator()(rte_ring* ring) const;
};
using HandoverRing = std::unique_ptr<rte_ring, HandoverRingDeleter>;
Result<HandoverRing> make_handover_ring(ipc::PortId port, uint16_t queue);

struct MappedPort {
  uint16_t device = no_device;
  uint16_t rx_queues = 0;
  uint16_t tx_queues = 0;
  uint16_t mtu = 0;
  MacAddress mac;
  std::vector<rte_ring*> handover;  // one a TX queue where there are fewer than workers, else empty
  ipc::VrfId vrf = ipc::front_door;
};

// The view of one worker.
std::unique_ptr<WorkerPorts> map_ports(const std::map<ipc::PortId, MappedPort>& ports, unsigned worker,
                                       unsigned workers);

}  // namespace sekisho::dataplane
