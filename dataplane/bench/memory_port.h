// A DPDK device made of memory rings (net_ring): a pair of queues a worker. Receiving and sending move pointers and
// copy nothing. What is delivered to a queue comes in there; what a worker sends is collected from its queue.
#pragma once

#include <rte_mempool.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/message.h"

struct rte_mbuf;
struct rte_ring;

namespace sekisho::dataplane::bench {

class MemoryPort {
 public:
  // The device lives as long as the process: DPDK 22.11 cannot take one of these away without losing its memory.
  static Result<MemoryPort> create(const std::string& name, unsigned queues, rte_mempool* pool);

  uint16_t device() const { return device_; }
  // False where there is no room for all of them.
  [[nodiscard]] bool deliver(unsigned queue, std::span<rte_mbuf* const> frames);
  // How many had been sent, at most frames.size().
  size_t collect(unsigned queue, std::span<rte_mbuf*> frames);

  static constexpr unsigned ring_size = 1024;

 private:
  std::vector<rte_ring*> rx_, tx_;
  uint16_t device_ = 0;
};

}  // namespace sekisho::dataplane::bench
