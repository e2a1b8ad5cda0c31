#include "dataplane/stage/tx_buffers.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <bit>

#include "dataplane/stage/count.h"

namespace sekisho::dataplane {

void TxBuffers::add(const WorkerPorts& ports, ipc::PortId port, rte_mbuf* frame) {
  Buffer& buffer = buffers_[port.value()];
  buffer.frames[buffer.count++] = frame;
  waiting_ |= uint32_t{1} << port.value();
  if (buffer.count == capacity) flush_port(ports, port.value());
}

void TxBuffers::flush(const WorkerPorts& ports) {
  while (waiting_ != 0) flush_port(ports, static_cast<unsigned>(std::countr_zero(waiting_)));
}

void TxBuffers::flush_port(const WorkerPorts& ports, unsigned port) {
  waiting_ &= ~(uint32_t{1} << port);
  Buffer& buffer = buffers_[port];
  const WorkerPort& to = ports.ports[port];
  uint64_t bytes = 0;
  // Lengths first: a frame that was sent is no longer ours.
  std::array<uint32_t, capacity> lengths;
  for (unsigned i = 0; i < buffer.count; ++i) lengths[i] = buffer.frames[i]->pkt_len;
  const auto wanted = static_cast<uint16_t>(buffer.count);
  const unsigned sent =
      to.handover != nullptr
          ? rte_ring_enqueue_burst(to.handover, reinterpret_cast<void**>(buffer.frames.data()), wanted, nullptr)
          : rte_eth_tx_burst(to.device, to.tx_queue, buffer.frames.data(), wanted);
  buffer.count = 0;
  if (sent < wanted) {
    rte_pktmbuf_free_bulk(buffer.frames.data() + sent, wanted - sent);
    count(counters_.drops, ipc::DropReason::port_tx_full, wanted - sent);
  }
  // What is handed over is counted by the worker that sends it.
  if (to.handover != nullptr) return;
  for (unsigned i = 0; i < sent; ++i) bytes += lengths[i];
  count(counters_.ports[port], ipc::PortCounter::tx_packets, sent);
  count(counters_.ports[port], ipc::PortCounter::tx_bytes, bytes);
}

}  // namespace sekisho::dataplane
