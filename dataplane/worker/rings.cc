#include "dataplane/worker/rings.h"

#include <rte_mbuf.h>
#include <rte_ring.h>
#include <sys/eventfd.h>

#include <string>
#include <system_error>
#include <utility>

#include "base/messages/dataplane.h"

namespace sekisho::dataplane {
namespace {

// Rings live in a process-wide list of DPDK's and need names of their own.
std::string next_ring_name() {
  static std::atomic<unsigned> count{0};
  return "handed" + std::to_string(count++);
}

}  // namespace

Result<HandedRing> HandedRing::create(unsigned size) {
  const unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
  rte_ring* ring = rte_ring_create_elem(next_ring_name().c_str(), sizeof(Handed), size, SOCKET_ID_ANY, flags);
  if (ring == nullptr) return fail(messages::packet_memory_exhausted, "a ring to or from the kernel");
  return HandedRing(ring);
}

HandedRing::HandedRing(HandedRing&& other) noexcept : ring_(std::exchange(other.ring_, nullptr)) {}

HandedRing::~HandedRing() {
  if (ring_ == nullptr) return;
  Handed item;
  while (pop({&item, 1}) == 1) rte_pktmbuf_free(item.mbuf);
  rte_ring_free(ring_);
}

unsigned HandedRing::push(std::span<const Handed> items) {
  return rte_ring_sp_enqueue_burst_elem(ring_, items.data(), sizeof(Handed), static_cast<unsigned>(items.size()),
                                        nullptr);
}

unsigned HandedRing::pop(std::span<Handed> items) {
  return rte_ring_sc_dequeue_burst_elem(ring_, items.data(), sizeof(Handed), static_cast<unsigned>(items.size()),
                                        nullptr);
}

bool HandedRing::empty() const { return rte_ring_empty(ring_) == 1; }

Result<WorkerRings> WorkerRings::create(unsigned size) {
  auto to_kernel = HandedRing::create(size);
  if (!to_kernel) return std::unexpected(to_kernel.error());
  auto from_kernel = HandedRing::create(size);
  if (!from_kernel) return std::unexpected(from_kernel.error());
  return WorkerRings{std::move(*to_kernel), std::move(*from_kernel)};
}

Doorbell::Doorbell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!fd_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void Doorbell::sleep_soon() {
  asleep_.store(true, std::memory_order_relaxed);
  // Either the sleeper now sees what was put into the ring, or ring() sees that it sleeps.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Doorbell::awake() {
  asleep_.store(false, std::memory_order_relaxed);
  eventfd_t count;
  ::eventfd_read(fd_.get(), &count);
}

void Doorbell::ring() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (asleep_.load(std::memory_order_relaxed) && asleep_.exchange(false)) ::eventfd_write(fd_.get(), 1);
}

}  // namespace sekisho::dataplane
