// The rings between a worker and the slow-path thread, one pair a worker, each with one producer and one consumer.
//
//   to_kernel    worker -> slow path: punted packets, for the twin where they came in; sealed packets whose outer
//                next hop is not resolved, for the kernel to route; packets that are to wait for an SA; and
//                fragments.
//   from_kernel  slow path -> worker: frames that the kernel sent into a TAP, to go out of the port as they are; and
//                packets that it sent into a TUN, to be sealed into the tunnel; and packets put together.
//
// Whoever takes an mbuf out of a ring owns it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "base/message.h"
#include "base/unique_fd.h"

struct rte_mbuf;
struct rte_ring;

namespace sekisho::dataplane {

enum class Via : uint8_t {
  port,    // an Ethernet frame; id is a PortId
  tunnel,  // an IP packet without a link header; id is a TunnelId
  // to_kernel only: a complete IPv4 packet, sealed already, that the kernel is to send by its own routes (a raw socket
  // with IP_HDRINCL), which makes it resolve the neighbour too; id is 0.
  route,
  waiting,      // to_kernel only: an IP packet for a tunnel without an SA; id is a TunnelId
  fragment,     // to_kernel only: a frame with a fragment to us of what may be ESP; id is a PortId
  reassembled,  // from_kernel only: a frame with a packet made of such fragments; id is a PortId
};

struct Handed {
  rte_mbuf* mbuf = nullptr;
  uint16_t id = 0;
  Via via{};
};
static_assert(sizeof(Handed) == 16);

class HandedRing {
 public:
  static Result<HandedRing> create(unsigned size);
  HandedRing(HandedRing&& other) noexcept;
  HandedRing& operator=(HandedRing&&) = delete;
  ~HandedRing();  // frees what is left

  // How many fitted in; the caller keeps the rest.
  unsigned push(std::span<const Handed> items);
  unsigned pop(std::span<Handed> items);
  bool empty() const;

 private:
  explicit HandedRing(rte_ring* ring) : ring_(ring) {}
  rte_ring* ring_;
};

struct WorkerRings {
  HandedRing to_kernel;
  HandedRing from_kernel;

  static Result<WorkerRings> create(unsigned size = 1024);
};

// Wakes a thread that sleeps in epoll, at the price of a syscall only where it does sleep. The sleeper: sleep_soon(),
// look at all rings once more, epoll on fd(), then awake(). The other side: put something into a ring, then ring().
class Doorbell {
 public:
  Doorbell();  // aborts the start (std::system_error) where there is no eventfd
  int fd() const { return fd_.get(); }
  void sleep_soon();
  void awake();  // also drains the eventfd
  void ring();

 private:
  UniqueFd fd_;
  std::atomic<bool> asleep_{false};
};

}  // namespace sekisho::dataplane
