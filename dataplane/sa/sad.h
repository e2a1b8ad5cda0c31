// The SA database: SAs by SaId, and the tunnels with their TX SA. The manager publishes and unlinks; workers look up.
// What unlink() gives back goes to the Reclaimer, never straight to the heap.
#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "dataplane/sa/sa.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

class Sad {
 public:
  // Workers. nullptr: no such SA. id.value() < max_sas.
  InboundSa* inbound(ipc::SaId id) const { return inbound_[id.value()].load(std::memory_order_acquire); }
  OutboundSa* outbound(ipc::SaId id) const { return outbound_[id.value()].load(std::memory_order_acquire); }

  // The manager. The id must be free in both directions.
  bool holds(ipc::SaId id) const { return inbound(id) || outbound(id); }
  void publish(InboundSaPtr sa) { inbound_[sa->id.value()].store(sa.release(), std::memory_order_release); }
  void publish(OutboundSaPtr sa) { outbound_[sa->id.value()].store(sa.release(), std::memory_order_release); }
  InboundSaPtr unlink_inbound(ipc::SaId id) { return InboundSaPtr(inbound_[id.value()].exchange(nullptr)); }
  OutboundSaPtr unlink_outbound(ipc::SaId id) { return OutboundSaPtr(outbound_[id.value()].exchange(nullptr)); }

  Sad() = default;
  Sad(const Sad&) = delete;
  Sad& operator=(const Sad&) = delete;
  ~Sad();

 private:
  std::array<std::atomic<InboundSa*>, ipc::max_sas> inbound_{};
  std::array<std::atomic<OutboundSa*>, ipc::max_sas> outbound_{};
};

// A tunnel as the workers see it. An absent tunnel and one without an SA drop alike.
struct Tunnel {
  ipc::SaId tx_sa = ipc::no_sa;
  uint16_t mtu = 0;
};

class TunnelTable {
 public:
  Tunnel get(ipc::TunnelId id) const { return tunnels_[id.value()].load(std::memory_order_relaxed); }
  void set(ipc::TunnelId id, Tunnel tunnel) {
    if (tunnel.tx_sa.value() >= ipc::max_sas) tunnel.tx_sa = ipc::no_sa;
    tunnels_[id.value()].store(tunnel, std::memory_order_release);
  }
  void remove(ipc::TunnelId id) { set(id, {}); }

 private:
  std::array<std::atomic<Tunnel>, ipc::max_tunnels> tunnels_{};
  static_assert(std::atomic<Tunnel>::is_always_lock_free);
};

}  // namespace sekisho::dataplane
