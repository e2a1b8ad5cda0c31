// Connection and disconnection: how the tunnels and what a dataplane holds are brought together.
#include <algorithm>

#include "control/tunnel/tunnels.h"
#include "ipc/convert.h"

namespace sekisho::control {
namespace {

// Nobody is left who would rekey or delete a leftover, and its peer may be one that is not trusted any more; it goes
// when the default lifetime of a child SA is over, successor or not.
constexpr Duration leftover_lifetime = std::chrono::hours(1);

}  // namespace

void Tunnels::dataplane_down() {
  std::set<ipc::SaId> kept;
  for (auto& [name, tunnel] : tunnels_) {
    tunnel.present = false;
    forget_refusal(tunnel);
    tunnel.leftovers.clear();
    tunnel.leftover_tx.clear();
    tunnel.leftovers_until.reset();
    tunnel.replaced.clear();
    for (Child& child : tunnel.children) {
      account(tunnel, child);
      child.installed = false;
      child.lost = true;
      // The engine still counts on them; their ids stay theirs until it lets go.
      kept.insert({child.inbound, child.outbound});
    }
    note_liveness(name, tunnel);
  }
  const std::set<ipc::SaId> held = in_dataplane_;
  for (const ipc::SaId id : held)
    if (!kept.contains(id)) dataplane_gave_up(id);
}

// Tunnels are recognized by their twin's name and their VRF.
void Tunnels::adopt_tunnels(const Inventory& inventory, Transaction& removal) {
  for (auto& [name, tunnel] : tunnels_) tunnel.id.reset();
  for (const ipc::TunnelState& held : inventory.tunnels) {
    const std::string twin = *ipc::to_string(held.name);
    const auto wanted = std::ranges::find_if(
        tunnels_, [&](const auto& each) { return each.second.twin == twin && each.second.vrf == held.vrf; });
    if (wanted == tunnels_.end()) {
      removal.add(ipc::TunnelRemove{held.id});
    } else {
      wanted->second.id = held.id;
      wanted->second.present = true;
      wanted->second.leftover_mtu = held.mtu;
      // Those of our own among them are no leftovers, which tells them apart.
      wanted->second.leftover_tx.assign(held.tx_sas.begin(), held.tx_sas.begin() + held.tx_count);
    }
  }
}

void Tunnels::adopt_sas(const Inventory& inventory, Transaction& removal, std::vector<ipc::SaId>& removed) {
  for (const ipc::SaState& held : inventory.sas) {
    const auto tunnel = std::ranges::find_if(tunnels_, [&](const auto& each) { return each.second.id == held.tunnel; });
    if (tunnel != tunnels_.end()) {
      const auto own = std::ranges::find_if(tunnel->second.children, [&](const Child& child) {
        return held.direction == ipc::Direction::inbound ? child.inbound == held.id && child.inbound_spi == held.spi
                                                         : child.outbound == held.id && child.outbound_spi == held.spi;
      });
      if (own != tunnel->second.children.end()) {
        own->installed = true;
        auto& base = held.direction == ipc::Direction::inbound ? own->inbound_base : own->outbound_base;
        base = sum_sa(sink_.counters(), held.id);
        continue;
      }
    }
    const bool claimed = ids_.claim(held.id);
    if (claimed) dataplane_took(held.id);
    if (tunnel != tunnels_.end() && claimed) {
      tunnel->second.leftovers.push_back(held.id);
      tunnel->second.leftovers_until = clock_() + leftover_lifetime;
    } else {
      removal.add(ipc::SaRemove{held.id});
      if (claimed) removed.push_back(held.id);
    }
  }
}

// A child SA is lost unless both its halves are there.
std::vector<std::string> Tunnels::find_lost(const Inventory& inventory) {
  std::set<ipc::SaId> held;
  for (const ipc::SaState& sa : inventory.sas) held.insert(sa.id);
  std::vector<std::string> lost;
  for (auto& [name, tunnel] : tunnels_) {
    bool any = false;
    for (Child& child : tunnel.children) {
      child.installed = child.installed && held.contains(child.inbound) && held.contains(child.outbound);
      child.lost = !child.installed;
      any |= child.lost;
    }
    if (any) lost.push_back(name);
  }
  return lost;
}

std::vector<std::string> Tunnels::dataplane_up(const Inventory& inventory) {
  Transaction removal;
  std::vector<ipc::SaId> removed;
  adopt_tunnels(inventory, removal);
  adopt_sas(inventory, removal, removed);
  std::vector<std::string> lost = find_lost(inventory);
  if (!removal.commands().empty()) submit_removal(std::move(removal), std::move(removed));
  for (auto& [name, tunnel] : tunnels_) {
    if (!is_guess(name, tunnel)) push(name);  // else once a way is known
    note_liveness(name, tunnel);
  }
  return lost;
}

}  // namespace sekisho::control
