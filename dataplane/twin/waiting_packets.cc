#include "dataplane/twin/waiting_packets.h"

#include <rte_mbuf.h>

#include <algorithm>

namespace sekisho::dataplane {

WaitingPackets::~WaitingPackets() {
  for (const Waiting& each : waiting_) rte_pktmbuf_free(each.mbuf);
}

bool WaitingPackets::keep(uint16_t tunnel, rte_mbuf* mbuf, Instant now) {
  if (waiting_.size() == capacity || std::ranges::find(waiting_, tunnel, &Waiting::tunnel) != waiting_.end())
    return false;
  waiting_.push_back({tunnel, mbuf, now + patience});
  return true;
}

rte_mbuf* WaitingPackets::take(uint16_t tunnel) {
  const auto found = std::ranges::find(waiting_, tunnel, &Waiting::tunnel);
  if (found == waiting_.end()) return nullptr;
  rte_mbuf* mbuf = found->mbuf;
  waiting_.erase(found);
  return mbuf;
}

rte_mbuf* WaitingPackets::take_late(Instant now) {
  if (waiting_.empty() || now < waiting_.front().until) return nullptr;
  rte_mbuf* mbuf = waiting_.front().mbuf;
  waiting_.pop_front();
  return mbuf;
}

std::optional<Instant> WaitingPackets::next_late() const {
  return waiting_.empty() ? std::nullopt : std::optional(waiting_.front().until);
}

}  // namespace sekisho::dataplane
