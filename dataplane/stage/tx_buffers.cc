#include "dataplane/stage/tx_buffers.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <bit>
#include <utility>

#include "dataplane/stage/count.h"

namespace sekisho::dataplane {

void TxBuffers::flush(const WorkerPorts& ports) {
  while (waiting_ != 0) flush_port(ports, static_cast<unsigned>(std::countr_zero(waiting_)));
}

void TxBuffers::flush_port(const WorkerPorts& ports, unsigned port) {
  waiting_ &= ~(uint32_t{1} << port);
  Buffer& buffer = buffers_[port];
  const WorkerPort& to = ports.ports[port];
  const auto wanted = static_cast<uint16_t>(buffer.count);
  const unsigned sent =
      to.handover != nullptr
          ? rte_ring_enqueue_burst(to.handover, reinterpret_cast<void**>(buffer.frames.data()), wanted, nullptr)
          : rte_eth_tx_burst(to.device, to.tx_queue, buffer.frames.data(), wanted);
  // A frame that was sent is no longer ours to look at.
  uint64_t bytes = std::exchange(buffer.bytes, 0);
  buffer.count = 0;
  if (sent < wanted) [[unlikely]] {
    for (unsigned i = sent; i < wanted; ++i) bytes -= buffer.frames[i]->pkt_len;
    rte_pktmbuf_free_bulk(buffer.frames.data() + sent, wanted - sent);
    count(counters_.drops, ipc::DropReason::port_tx_full, wanted - sent);
  }
  // What is handed over is counted by the worker that sends it.
  if (to.handover != nullptr) return;
  count(counters_.ports[port], ipc::PortCounter::tx_packets, sent);
  count(counters_.ports[port], ipc::PortCounter::tx_bytes, bytes);
}

}  // namespace sekisho::dataplane
