#include "dataplane/sa/sad.h"

namespace sekisho::dataplane {

Sad::~Sad() {
  for (uint32_t id = 0; id < ipc::max_sas; ++id) {
    unlink_inbound(ipc::SaId(id));
    unlink_outbound(ipc::SaId(id));
  }
}

TunnelTable::TunnelTable() {
  for (Cold& cold : cold_)
    for (auto& sa : cold.further) sa.store(ipc::no_sa, std::memory_order_relaxed);
}

void TunnelTable::set(ipc::TunnelId id, Tunnel tunnel, std::span<const ipc::SaId> further, MssLimits mss) {
  if (tunnel.tx_sa.value() >= ipc::max_sas) tunnel.tx_sa = ipc::no_sa;
  Cold& cold = cold_[id.value()];
  for (size_t i = 0; i < max_further; ++i)
    cold.further[i].store(i < further.size() ? further[i] : ipc::no_sa, std::memory_order_release);
  cold.mss.store(mss, std::memory_order_relaxed);
  tunnels_[id.value()].store(tunnel, std::memory_order_release);
  if (tunnel.tx_sa != ipc::no_sa) cold.quiet_until.store(0, std::memory_order_relaxed);
}

bool TunnelTable::wakes(ipc::TunnelId id, uint64_t now, uint64_t interval) {
  auto& quiet_until = cold_[id.value()].quiet_until;
  uint64_t until = quiet_until.load(std::memory_order_relaxed);
  return now >= until && quiet_until.compare_exchange_strong(until, now + interval, std::memory_order_relaxed);
}

}  // namespace sekisho::dataplane
