#include "dataplane/bench/memory_port.h"

#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "base/messages/dataplane.h"

namespace sekisho::dataplane::bench {
namespace {

std::unexpected<Error> refused(const std::string& name, const char* step) {
  return fail(messages::port_unusable, name + ": " + step + ": " + rte_strerror(rte_errno));
}

bool make_rings(const std::string& name, unsigned count, std::vector<rte_ring*>& rings) {
  for (unsigned i = 0; i < count; ++i)
    rings.push_back(rte_ring_create((name + std::to_string(i)).c_str(), MemoryPort::ring_size, SOCKET_ID_ANY,
                                    RING_F_SP_ENQ | RING_F_SC_DEQ));
  return rings.back() != nullptr;
}

}  // namespace

Result<MemoryPort> MemoryPort::create(const std::string& name, unsigned queues, rte_mempool* pool) {
  MemoryPort port;
  if (!make_rings(name + "-rx", queues, port.rx_) || !make_rings(name + "-tx", queues, port.tx_))
    return refused(name, "rings");
  const int device = rte_eth_from_rings(name.c_str(), port.rx_.data(), queues, port.tx_.data(), queues, 0);
  if (device < 0) return refused(name, "device");
  port.device_ = static_cast<uint16_t>(device);
  const auto count = static_cast<uint16_t>(queues);
  const rte_eth_conf configuration{};
  bool good = rte_eth_dev_configure(port.device_, count, count, &configuration) == 0;
  for (uint16_t queue = 0; queue < count && good; ++queue)
    good = rte_eth_rx_queue_setup(port.device_, queue, ring_size, 0, nullptr, pool) == 0 &&
           rte_eth_tx_queue_setup(port.device_, queue, ring_size, 0, nullptr) == 0;
  if (!good || rte_eth_dev_start(port.device_) != 0) return refused(name, "start");
  return port;
}

bool MemoryPort::deliver(unsigned queue, std::span<rte_mbuf* const> frames) {
  void* const* objects = reinterpret_cast<void* const*>(frames.data());
  return rte_ring_enqueue_bulk(rx_[queue], objects, static_cast<unsigned>(frames.size()), nullptr) == frames.size();
}

size_t MemoryPort::collect(unsigned queue, std::span<rte_mbuf*> frames) {
  return rte_ring_dequeue_burst(tx_[queue], reinterpret_cast<void**>(frames.data()),
                                static_cast<unsigned>(frames.size()), nullptr);
}

}  // namespace sekisho::dataplane::bench
