// Packets that wait for their tunnel to get an SA: the first one of each tunnel, for so long at most. What is in here
// is owned by it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.h"
#include "dataplane/worker/rings.h"

namespace sekisho::dataplane {

class WaitingPackets {
 public:
  static constexpr Duration patience = std::chrono::seconds(30);
  static constexpr size_t capacity = 256;

  WaitingPackets() = default;
  WaitingPackets(const WaitingPackets&) = delete;
  WaitingPackets& operator=(const WaitingPackets&) = delete;
  ~WaitingPackets();  // frees them

  // False: one waits for that tunnel already, or there is no room; the caller keeps the packet.
  bool keep(uint16_t tunnel, rte_mbuf* mbuf, Instant now);
  // nullptr: none waits.
  rte_mbuf* take(uint16_t tunnel);
  // One that has waited too long, or nullptr.
  rte_mbuf* take_late(Instant now);
  std::optional<Instant> next_late() const;

 private:
  struct Waiting {
    uint16_t tunnel;
    rte_mbuf* mbuf;
    Instant until;
  };
  std::deque<Waiting> waiting_;  // the oldest first
};

}  // namespace sekisho::dataplane
