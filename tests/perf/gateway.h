// One worker of the data path with two ports made of memory rings, and the manager's part played by hand: tunnels,
// SAs in both directions, routes. Packets go in and come out as mbufs; none is copied.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/fib/fib.h"
#include "dataplane/worker/worker.h"

struct rte_mempool;

namespace sekisho::perf {

inline constexpr ipc::PortId wan_port{0}, lan_port{1};

// A DPDK device of two rings.
class MemoryPort {
 public:
  MemoryPort(const char* name, rte_mempool* pool);
  uint16_t device() const { return device_; }
  void deliver(std::span<rte_mbuf* const> frames);
  // As many as were sent, at most frames.size().
  size_t collect(std::span<rte_mbuf*> frames);

 private:
  rte_ring* rx_;
  rte_ring* tx_;
  uint16_t device_ = 0;
};

// Whatever fails throws std::runtime_error.
class Gateway {
 public:
  static constexpr unsigned max_tunnels = 4096;
  Gateway(MemoryPort& wan, MemoryPort& lan, crypto::EspBackend backend, unsigned tunnels);
  ~Gateway();

  // Replaces all SAs: tunnel t has outbound SA t and inbound SA max_tunnels + t, both with the material key_of(t).
  void set_suite(EspSuite suite);
  static Bytes key_of(EspSuite suite, unsigned tunnel);
  static uint32_t inbound_spi(unsigned tunnel) { return 1u << 15 | (max_tunnels + tunnel); }

  // Runs the worker until it has taken `packets`; returns TSC cycles.
  uint64_t run(size_t packets);
  // Why packets are missing, for an error message.
  std::string drops() const;

 private:
  void set_routes();

  unsigned tunnel_count_;
  dataplane::Qsbr qsbr_{1};
  std::unique_ptr<dataplane::Fib> fib_;
  std::unique_ptr<dataplane::Sad> sad_ = std::make_unique<dataplane::Sad>();
  std::unique_ptr<dataplane::TunnelTable> tunnels_ = std::make_unique<dataplane::TunnelTable>();
  std::unique_ptr<ipc::WriterCounters> counters_ = std::make_unique<ipc::WriterCounters>();
  std::unique_ptr<dataplane::EventRing> events_;
  dataplane::Doorbell manager_bell_, slow_path_bell_;
  std::unique_ptr<crypto::EspCrypto> crypto_;
  dataplane::WorkerPorts ports_;
  std::unique_ptr<dataplane::Worker> worker_;
};

}  // namespace sekisho::perf
