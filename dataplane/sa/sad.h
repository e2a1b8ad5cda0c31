// The SA database: SAs by SaId, and the tunnels with their TX SAs. The manager publishes and unlinks; workers look up.
// What unlink() gives back goes to the Reclaimer, never straight to the heap.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>

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
  ipc::SaId tx_sa = ipc::no_sa;  // the first of its TX SAs
  uint16_t mtu = 0;
  bool on_traffic = false;  // a packet that finds no TX SA may wait for one
  ipc::DfPolicy df{};
};

// What TCP connections through a tunnel may announce as their MSS; 0: anything.
struct MssLimits {
  uint16_t ipv4 = 0, ipv6 = 0;
};

class TunnelTable {
 public:
  static constexpr unsigned max_further = ipc::max_tx_sas - 1;

  TunnelTable();

  // Workers.
  Tunnel get(ipc::TunnelId id) const { return tunnels_[id.value()].load(std::memory_order_relaxed); }
  // The TX SAs behind the first one, in order; no_sa ends them. They change one by one, so whoever reads them looks
  // whether an SA is this tunnel's. index < max_further.
  ipc::SaId further(ipc::TunnelId id, unsigned index) const {
    return cold_[id.value()].further[index].load(std::memory_order_acquire);
  }
  MssLimits mss(ipc::TunnelId id) const { return cold_[id.value()].mss.load(std::memory_order_relaxed); }
  // By whose routes what comes out of the tunnel is forwarded.
  ipc::VrfId vrf(ipc::TunnelId id) const { return vrfs_[id.value()].load(std::memory_order_acquire); }
  // Whether a packet that found no TX SA is to be reported, at this TSC; then none is for `interval` or until there was
  // a TX SA.
  bool wakes(ipc::TunnelId id, uint64_t now, uint64_t interval);

  // The manager. `further` holds at most max_further.
  void set(ipc::TunnelId id, Tunnel tunnel, std::span<const ipc::SaId> further = {}, MssLimits mss = {});
  // Before the tunnel's first SA. The VRF has its tables.
  void set_vrf(ipc::TunnelId id, ipc::VrfId vrf) { vrfs_[id.value()].store(vrf, std::memory_order_release); }
  // The VRF stays what it was, for packets that a worker has taken out.
  void remove(ipc::TunnelId id) { set(id, {}); }

 private:
  struct Cold {
    std::array<std::atomic<ipc::SaId>, max_further> further;
    std::atomic<uint64_t> quiet_until{0};
    std::atomic<MssLimits> mss;
  };
  std::array<std::atomic<Tunnel>, ipc::max_tunnels> tunnels_{};
  std::array<Cold, ipc::max_tunnels> cold_{};
  std::array<std::atomic<ipc::VrfId>, ipc::max_tunnels> vrfs_{};  // by themselves: 64 share a cache line
  static_assert(std::atomic<Tunnel>::is_always_lock_free);
};

}  // namespace sekisho::dataplane
