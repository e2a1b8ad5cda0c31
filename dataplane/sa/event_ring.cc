#include "dataplane/sa/event_ring.h"

#include <rte_ring.h>

#include <atomic>
#include <string>

#include "base/messages/dataplane.h"

namespace sekisho::dataplane {

Result<std::unique_ptr<EventRing>> EventRing::create() {
  static std::atomic<unsigned> count{0};
  const std::string name = "path-events" + std::to_string(count++);
  rte_ring* ring = rte_ring_create_elem(name.c_str(), sizeof(PathEvent), 1024, SOCKET_ID_ANY, RING_F_SC_DEQ);
  if (ring == nullptr) return fail(messages::packet_memory_exhausted, "the ring of SA events");
  return std::unique_ptr<EventRing>(new EventRing(ring));
}

EventRing::~EventRing() { rte_ring_free(ring_); }

bool EventRing::push(const PathEvent& event) {
  return rte_ring_mp_enqueue_elem(ring_, const_cast<PathEvent*>(&event), sizeof event) == 0;
}

bool EventRing::pop(PathEvent& event) { return rte_ring_sc_dequeue_elem(ring_, &event, sizeof event) == 0; }

}  // namespace sekisho::dataplane
