// A DPDK device whose wire is memory: frames are put in, and what a worker sent is taken out. Built on net_ring.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

namespace sekisho::dataplane::test {

// Starts EAL for this process, without hugepages or devices, on the first call.
void start_eal();
// The pool that all packets of a test come from, and the one of those that do not fit it.
rte_mempool* packet_pool();
rte_mempool* large_pool();
// Packets of either that someone holds.
unsigned packets_in_use();

// For frames between workers.
rte_ring* make_ring();
void free_ring(rte_ring* ring);

class MemoryPort {
 public:
  MemoryPort();
  ~MemoryPort();
  MemoryPort(const MemoryPort&) = delete;
  MemoryPort& operator=(const MemoryPort&) = delete;

  uint16_t device() const { return device_; }
  void deliver(ByteView frame);
  std::vector<Bytes> sent();
  // The same for many frames: at most so many, as they are; the caller owns those returned.
  std::span<rte_mbuf*> collect(std::span<rte_mbuf*> room);
  bool quiet() const;  // nothing sent that was not taken
  // Fills the TX queue up, so that a worker finds it full.
  void fill_up();

 private:
  rte_ring* rx_;
  rte_ring* tx_;
  uint16_t device_ = 0;
};

}  // namespace sekisho::dataplane::test
