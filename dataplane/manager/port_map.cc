#include "dataplane/manager/port_map.h"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <string>

#include "base/messages/dataplane.h"

namespace sekisho::dataplane {

unsigned queue_owner(ipc::PortId port, uint16_t queue, unsigned workers) { return (port.value() + queue) % workers; }

void HandoverRingDeleter::operator()(rte_ring* ring) const {
  void* packet = nullptr;
  while (rte_ring_dequeue(ring, &packet) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
  rte_ring_free(ring);
}

Result<HandoverRing> make_handover_ring(ipc::PortId port, uint16_t queue) {
  constexpr unsigned size = 1024;
  const std::string name = "tx-" + std::to_string(port.value()) + "-" + std::to_string(queue);
  rte_ring* ring = rte_ring_create(name.c_str(), size, SOCKET_ID_ANY, RING_F_SC_DEQ);
  if (ring == nullptr) return fail(messages::port_unusable, "hand-over ring: " + std::string(rte_strerror(rte_errno)));
  return HandoverRing(ring);
}

std::unique_ptr<WorkerPorts> map_ports(const std::map<ipc::PortId, MappedPort>& ports, unsigned worker,
                                       unsigned workers) {
  auto view = std::make_unique<WorkerPorts>();
  for (const auto& [id, port] : ports) {
    WorkerPort& own = view->ports[id.value()];
    own.device = port.device;
    own.mtu = port.mtu;
    own.mac = port.mac.bytes;
    own.vrf = port.vrf;
    for (uint16_t queue = 0; queue < port.rx_queues; ++queue)
      if (queue_owner(id, queue, workers) == worker) view->rx.push_back({id, port.device, queue});
    for (uint16_t queue = 0; queue < port.tx_queues; ++queue) {
      if (queue_owner(id, queue, workers) != worker) continue;
      own.tx_queue = queue;
      if (!port.handover.empty()) view->handover.push_back({id, port.handover[queue]});
    }
    const bool owns_queue = (worker + workers - queue_owner(id, 0, workers)) % workers < port.tx_queues;
    if (!owns_queue) own.handover = port.handover[worker % port.tx_queues];
  }
  return view;
}

}  // namespace sekisho::dataplane
