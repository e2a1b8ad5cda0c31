#include "control/tunnel/tunnels.h"

#include <algorithm>
#include <iterator>

#include "base/secret_bytes.h"
#include "control/tunnel/sa_command.h"
#include "ipc/convert.h"

namespace sekisho::control {
namespace {

template <typename T>
void wipe_command(T& command) {
  wipe({reinterpret_cast<uint8_t*>(&command), sizeof command});
}

// Of a leftover whose tunnel has an SA of its own. A responder that has nothing from us on the new SA, as where answers
// go by another tunnel, sends on the old one until it has done with the old IKE SA: Sekisho does after 8 s.
constexpr Duration replaced_lifetime = std::chrono::seconds(15);

constexpr size_t at(ipc::SaCounter counter) { return static_cast<size_t>(counter); }

}  // namespace

Tunnels::Tunnel* Tunnels::find(const std::string& name) {
  const auto found = tunnels_.find(name);
  return found == tunnels_.end() ? nullptr : &found->second;
}

const Tunnels::Tunnel* Tunnels::find(const std::string& name) const {
  const auto found = tunnels_.find(name);
  return found == tunnels_.end() ? nullptr : &found->second;
}

Tunnels::Child* Tunnels::find_child(Tunnel& tunnel, uint32_t inbound_spi) {
  const auto found = std::ranges::find(tunnel.children, inbound_spi, &Child::inbound_spi);
  return found == tunnel.children.end() ? nullptr : &*found;
}

// ------------------------------------------------------------------------------------------------------- SaIds

void Tunnels::dataplane_gave_up(ipc::SaId id) {
  if (in_dataplane_.erase(id) > 0 && !with_engine_.contains(id)) ids_.release(id);
}

void Tunnels::engine_gave_up(ipc::SaId id) {
  if (with_engine_.erase(id) > 0 && !in_dataplane_.contains(id)) ids_.release(id);
}

std::optional<uint32_t> Tunnels::allocate_inbound_spi() {
  if (!sink_.ready()) return {};
  const auto id = ids_.allocate();
  if (!id) return {};
  with_engine_.insert(*id);
  return make_spi(*id, random_);
}

void Tunnels::release_inbound_spi(uint32_t spi) { engine_gave_up(ipc::sa_of_spi(spi)); }

void Tunnels::submit_removal(Transaction transaction, std::vector<ipc::SaId> ids) {
  sink_.submit(std::move(transaction), [this, ids = std::move(ids)](const std::optional<Error>& refusal) {
    if (refusal) return listener_.tunnel_refused({}, *refusal);
    for (const ipc::SaId id : ids) dataplane_gave_up(id);
  });
}

// ----------------------------------------------------------------------------------------------------- tunnels

// What is not acknowledged yet is named too: it stands in a transaction before.
std::vector<const Tunnels::Child*> Tunnels::sending_children(const Tunnel& tunnel) {
  std::map<std::string_view, const Child*> by_definition;
  for (const Child& child : tunnel.children)
    if (child.active && !child.lost) by_definition[child.name] = &child;
  std::vector<const Child*> all;
  for (const auto& [name, child] : by_definition) all.push_back(child);
  return all;
}

std::vector<ipc::SaId> Tunnels::tx_sas(const Tunnel& tunnel) {
  std::vector<ipc::SaId> all;
  for (const Child* child : sending_children(tunnel)) all.push_back(child->outbound);
  for (const ipc::SaId sa : tunnel.leftover_tx)
    if (std::ranges::find(tunnel.leftovers, sa) != tunnel.leftovers.end()) all.push_back(sa);
  if (all.size() > ipc::max_tx_sas) all.resize(ipc::max_tx_sas);
  return all;
}

// The link that leads to the address now, or did last: a route that is gone for a moment says nothing about the path.
std::optional<OuterWay> Tunnels::way(const Tunnel& tunnel, const IpAddress& address) const {
  if (auto known = find_way_(address)) return known;
  const auto last = tunnel.ways.find(address);
  return last == tunnel.ways.end() ? std::nullopt : std::optional(last->second);
}

void Tunnels::remember_ways(const std::string& name, Tunnel& tunnel) const {
  std::map<IpAddress, OuterWay> ways;
  const auto remember = [&](const IpAddress& address) {
    if (auto known = way(tunnel, address)) ways.emplace(address, std::move(*known));
  };
  remember(tunnel.peer);
  for (const Child& child : tunnel.children) remember(child.peer);
  const bool another = ways != tunnel.ways;
  tunnel.ways = std::move(ways);
  if (another) listener_.outer_way_changed(name);
}

std::optional<uint16_t> Tunnels::path_mtu(const Tunnel& tunnel, const IpAddress& address) {
  if (tunnel.mtu.outer_mtu || !tunnel.mtu.path_mtu_discovery) return {};
  // Also of a peer that has moved, until something is found of the way to where it is now.
  const bool counts = tunnel.path_mtu && tunnel.path_mtu->peer.family() == address.family();
  return counts ? std::optional(tunnel.path_mtu->mtu) : std::nullopt;
}

// It sends, and of some way that this takes nothing was ever known: what the dataplane has may be less for a reason.
bool Tunnels::is_guess(const Tunnel& tunnel, const TunnelMtu& sizes) {
  return !tx_sas(tunnel).empty() &&
         std::ranges::any_of(sizes.sealings, [](const SealingMtu& each) { return !each.sealing.way; });
}

// Of what an earlier control left, nobody knows what it adds: it is taken for the worst that this configuration may
// negotiate, which need not be what that control's could.
TunnelMtu Tunnels::mtu_alone(const Tunnel& tunnel) const {
  std::vector<Sealing> sealings;
  for (const Child* child : sending_children(tunnel))
    sealings.push_back({.child = child->name,
                        .suite = child->suite,
                        .outer = child->peer.family(),
                        .in_udp = child->in_udp,
                        .way = way(tunnel, child->peer),
                        .path_mtu = path_mtu(tunnel, child->peer)});
  if (sealings.empty() || !tunnel.leftovers.empty())
    std::ranges::move(
        expected_sealings(tunnel.mtu, tunnel.peer.family(), way(tunnel, tunnel.peer), path_mtu(tunnel, tunnel.peer)),
        std::back_inserter(sealings));
  TunnelMtu sizes = tunnel_mtu(tunnel.mtu, std::move(sealings));
  // That control may have found the path to be narrower than its link; ours has yet to look for it.
  const bool unknown = !tunnel.mtu.outer_mtu && tunnel.mtu.path_mtu_discovery && !tunnel.path_mtu;
  if (unknown && !tunnel.leftovers.empty()) recall(sizes, tunnel.mtu, tunnel.leftover_mtu);
  return sizes;
}

std::vector<const std::pair<const std::string, Tunnels::Tunnel>*> Tunnels::live_mates(const std::string& name) const {
  std::vector<const std::pair<const std::string, Tunnel>*> all;
  const auto mates = mates_.find(name);
  if (mates == mates_.end()) return all;
  for (const std::string& mate : mates->second)
    if (const auto found = tunnels_.find(mate); mate != name && found != tunnels_.end() && is_live(found->second))
      all.push_back(&*found);
  return all;
}

bool Tunnels::is_guess(const std::string& name, const Tunnel& tunnel) const {
  return is_guess(tunnel, mtu_alone(tunnel)) || std::ranges::any_of(live_mates(name), [this](const auto* mate) {
           return is_guess(mate->second, mtu_alone(mate->second));
         });
}

TunnelMtu Tunnels::mtu_among_mates(const std::string& name, const Tunnel& tunnel) const {
  TunnelMtu sizes = mtu_alone(tunnel);
  for (const auto* mate : live_mates(name)) lower_to(sizes, mate->first, mtu_alone(mate->second));
  return sizes;
}

ipc::TunnelSet Tunnels::tunnel_set(const std::string& name, Tunnel& tunnel) const {
  remember_ways(name, tunnel);
  const TunnelMtu sizes = mtu_among_mates(name, tunnel);
  ipc::TunnelSet set{.id = *tunnel.id,
                     .mtu = sizes.mtu,
                     .mss_ipv4 = sizes.mss_ipv4,
                     .mss_ipv6 = sizes.mss_ipv6,
                     .df = tunnel.mtu.df,
                     .on_traffic = tunnel.flags.on_traffic,
                     .filtered = tunnel.flags.filtered,
                     .vrf = tunnel.vrf};
  const auto sas = tx_sas(tunnel);
  set.tx_count = static_cast<uint8_t>(sas.size());
  std::ranges::copy(sas, set.tx_sas.begin());
  set.name = ipc::to_text<16>(tunnel.twin);
  const bool another = set.mtu != tunnel.said.mtu;
  tunnel.said = set;
  if (another) listener_.tunnel_mtu_changed();
  return set;
}

void Tunnels::set(const std::string& name, const std::string& twin, const MtuSettings& mtu, const IpAddress& peer,
                  const TunnelFlags& flags, ipc::VrfId vrf) {
  Tunnel& tunnel = tunnels_[name];
  tunnel.twin = twin;
  tunnel.mtu = mtu;
  tunnel.peer = peer;
  tunnel.flags = flags;
  tunnel.vrf = vrf;
  forget_refusal(tunnel);  // of the former definition
  if (sink_.ready()) push(name);
}

void Tunnels::set_vrf(const std::string& name, ipc::VrfId vrf) {
  if (Tunnel* tunnel = find(name)) tunnel->vrf = vrf;
}

uint16_t Tunnels::told_mtu(const std::string& name) const {
  const Tunnel* tunnel = find(name);
  return tunnel && tunnel->present ? tunnel->said.mtu : 0;
}

void Tunnels::tell_mtu(const std::string& name, Tunnel& tunnel) {
  const TunnelMtu sizes = mtu_among_mates(name, tunnel);
  const ipc::TunnelSet& said = tunnel.said;
  const bool differs = sizes.mtu != said.mtu || sizes.mss_ipv4 != said.mss_ipv4 || sizes.mss_ipv6 != said.mss_ipv6;
  const bool wanted = sizes.mtu < said.mtu || (differs && !is_guess(name, tunnel));
  if (tunnel.id && wanted) push(name);
}

void Tunnels::ways_changed() {
  if (!sink_.ready()) return;
  for (auto& [name, tunnel] : tunnels_) {
    remember_ways(name, tunnel);
    tell_mtu(name, tunnel);
  }
}

void Tunnels::set_path_mtu(const std::string& name, const IpAddress& remote, std::optional<uint16_t> mtu) {
  Tunnel* tunnel = find(name);
  if (!tunnel) return;
  tunnel->path_mtu.reset();
  if (mtu) tunnel->path_mtu = Tunnel::PathMtu{remote, *mtu};
  if (!sink_.ready()) return;
  tell_mtu(name, *tunnel);
  if (const auto mates = mates_.find(name); mates != mates_.end())
    for (const std::string& mate : mates->second)
      if (Tunnel* other = find(mate); other && other != tunnel) tell_mtu(mate, *other);
}

// The dataplane's routes follow a moment later than its tunnels. Until then a route of a tunnel that is gone names its
// id, which therefore goes to no other tunnel before all the rest have had their turn.
std::optional<ipc::TunnelId> Tunnels::free_id() {
  for (unsigned i = 0; i < ipc::max_tunnels; ++i) {
    const ipc::TunnelId id(static_cast<uint16_t>(next_id_++ % ipc::max_tunnels));
    if (std::ranges::none_of(tunnels_, [id](const auto& each) { return each.second.id == id; })) return id;
  }
  return {};
}

void Tunnels::push(const std::string& name) {
  Tunnel& tunnel = tunnels_.at(name);
  tunnel.retry_at.reset();
  if (!tunnel.id) tunnel.id = free_id();
  if (!tunnel.id) return;
  Transaction transaction;
  transaction.add(tunnel_set(name, tunnel));
  sink_.submit(std::move(transaction), [this, name](const std::optional<Error>& refusal) {
    Tunnel* tunnel = find(name);
    if (!tunnel) return;
    if (refusal) return note_refusal(name, *tunnel, *refusal);
    forget_refusal(*tunnel);
    tunnel->present = true;
    note_liveness(name, *tunnel);
    listener_.tunnel_changed(name);
  });
}

void Tunnels::note_refusal(const std::string& name, Tunnel& tunnel, const Error& refusal) {
  tunnel.retry_at = clock_() + tunnel.retry_delay;
  tunnel.retry_delay = std::min(2 * tunnel.retry_delay, longest_retry);
  const std::string known = std::exchange(tunnel.refusal, refusal.text());
  if (tunnel.refusal != known) listener_.tunnel_refused(name, refusal);
}

void Tunnels::forget_refusal(Tunnel& tunnel) {
  tunnel.refusal.clear();
  tunnel.retry_at.reset();
  tunnel.retry_delay = first_retry;
}

void Tunnels::retry(const std::string& name) {
  Tunnel* tunnel = find(name);
  if (!tunnel || tunnel->refusal.empty() || !sink_.ready()) return;
  forget_refusal(*tunnel);
  push(name);
}

void Tunnels::retry_refused() {
  if (!sink_.ready()) return;
  for (auto& [name, tunnel] : tunnels_)
    if (tunnel.retry_at && clock_() >= *tunnel.retry_at) push(name);
}

void Tunnels::remove(const std::string& name) {
  auto gone = tunnels_.extract(name);
  if (gone.empty()) return;
  Tunnel& tunnel = gone.mapped();
  std::vector<ipc::SaId> ids = tunnel.leftovers;
  for (const Child& child : tunnel.children) ids.insert(ids.end(), {child.inbound, child.outbound});
  if (!sink_.ready() || !tunnel.id) {
    for (const ipc::SaId id : ids) dataplane_gave_up(id);
    return;
  }
  Transaction transaction;
  for (const ipc::SaId id : ids) transaction.add(ipc::SaRemove{id});
  transaction.add(ipc::TunnelRemove{*tunnel.id});
  submit_removal(std::move(transaction), std::move(ids));
}

// --------------------------------------------------------------------------------------------------- child SAs

bool Tunnels::install(const ike::InstallChildSa& install) {
  Tunnel* tunnel = find(install.connection);
  if (!tunnel || !tunnel->id || !sink_.ready()) return false;
  const auto outbound = ids_.allocate();
  if (!outbound) return false;
  Child child{.name = install.child,
              .inbound_spi = install.inbound.spi,
              .outbound_spi = install.outbound.spi,
              .inbound = ipc::sa_of_spi(install.inbound.spi),
              .outbound = *outbound,
              .active = install.outbound_active,
              .suite = install.suite,
              .in_udp = install.udp_encapsulation,
              .peer = install.remote.address};
  child.inbound_base = sum_sa(sink_.counters(), child.inbound);
  child.outbound_base = sum_sa(sink_.counters(), child.outbound);
  dataplane_took(child.inbound);
  dataplane_took(child.outbound);

  Transaction transaction;
  for (const auto direction : {ipc::Direction::inbound, ipc::Direction::outbound}) {
    const ipc::SaId id = direction == ipc::Direction::inbound ? child.inbound : child.outbound;
    ipc::SaAdd command = make_sa_add(install, direction, id, *tunnel->id);
    transaction.add(command);
    wipe_command(command);
  }
  tunnel->children.insert(child.active ? tunnel->children.end() : tunnel->children.begin(), child);
  if (child.active) transaction.add(tunnel_set(install.connection, *tunnel));
  sink_.submit(std::move(transaction),
               [this, name = install.connection, spi = child.inbound_spi](const std::optional<Error>& refusal) {
                 if (refusal)
                   refused(name, spi, *refusal);
                 else
                   installed(name, spi);
               });
  return true;
}

void Tunnels::installed(const std::string& name, uint32_t inbound_spi) {
  Tunnel* tunnel = find(name);
  Child* child = tunnel ? find_child(*tunnel, inbound_spi) : nullptr;
  if (!child) return;
  child->installed = true;
  note_liveness(name, *tunnel);
}

void Tunnels::refused(const std::string& name, uint32_t inbound_spi, const Error& error) {
  Tunnel* tunnel = find(name);
  Child* child = tunnel ? find_child(*tunnel, inbound_spi) : nullptr;
  if (!child) return;
  const Child gone = *child;
  std::erase_if(tunnel->children, [&](const Child& each) { return each.inbound_spi == inbound_spi; });
  dataplane_gave_up(gone.inbound);
  dataplane_gave_up(gone.outbound);
  if (gone.active && sink_.ready()) push(name);
  note_liveness(name, *tunnel);
  listener_.child_refused(name, inbound_spi, error);
}

void Tunnels::activate(const std::string& name, uint32_t inbound_spi) {
  Tunnel* tunnel = find(name);
  Child* child = tunnel ? find_child(*tunnel, inbound_spi) : nullptr;
  if (!child || !sink_.ready()) return;
  child->active = true;
  std::rotate(tunnel->children.begin() + (child - tunnel->children.data()),
              tunnel->children.begin() + (child - tunnel->children.data()) + 1, tunnel->children.end());
  push(name);  // it lives with the answer
}

// A child that the dataplane does not hold gets a successor, which knows the new addresses.
void Tunnels::move(const ike::UpdateChildSa& update) {
  Tunnel* tunnel = find(update.connection);
  Child* child = tunnel ? find_child(*tunnel, update.inbound_spi) : nullptr;
  if (!child || child->lost || !sink_.ready()) return;
  child->in_udp = update.udp_encapsulation;
  child->peer = update.remote.address;
  Transaction transaction;
  transaction.add(make_sa_move(update, ipc::Direction::inbound, child->inbound, child->inbound_spi));
  transaction.add(make_sa_move(update, ipc::Direction::outbound, child->outbound, child->outbound_spi));
  sink_.submit(std::move(transaction), [this, name = update.connection](const std::optional<Error>& refusal) {
    if (refusal) listener_.tunnel_refused(name, *refusal);
  });
  if (mtu_among_mates(update.connection, *tunnel).mtu != tunnel->said.mtu) push(update.connection);
}

void Tunnels::remove_child(const std::string& name, uint32_t inbound_spi) {
  engine_gave_up(ipc::sa_of_spi(inbound_spi));
  Tunnel* tunnel = find(name);
  Child* child = tunnel ? find_child(*tunnel, inbound_spi) : nullptr;
  if (!child) return;
  const Child gone = *child;
  account(*tunnel, gone);
  const auto sent_on = tx_sas(*tunnel);
  std::erase_if(tunnel->children, [&](const Child& each) { return each.inbound_spi == inbound_spi; });
  if (sink_.ready()) {
    Transaction transaction;
    transaction.add(ipc::SaRemove{gone.inbound});
    transaction.add(ipc::SaRemove{gone.outbound});
    if (tx_sas(*tunnel) != sent_on) push(name);
    submit_removal(std::move(transaction), {gone.inbound, gone.outbound});
  } else {
    dataplane_gave_up(gone.inbound);
    dataplane_gave_up(gone.outbound);
  }
  note_liveness(name, *tunnel);
}

// One that only receives carries nothing to the peer.
bool Tunnels::sends(const Tunnel& tunnel) {
  return std::ranges::any_of(tunnel.children, [](const Child& each) { return each.installed && each.active; });
}

bool Tunnels::leftovers_send(const Tunnel& tunnel) {
  return std::ranges::any_of(tunnel.leftover_tx, [&](ipc::SaId sa) {
    return std::ranges::find(tunnel.leftovers, sa) != tunnel.leftovers.end();
  });
}

bool Tunnels::is_live(const Tunnel& tunnel) {
  if (!tunnel.present) return false;
  // The successor's transaction came first, or comes with what ends its predecessor: there is no gap between them.
  const bool handed_over = tunnel.live_since && std::ranges::any_of(tunnel.children, &Child::under_way);
  return handed_over || sends(tunnel) || leftovers_send(tunnel);
}

void Tunnels::note_replaced(Tunnel& tunnel) const {
  if (tunnel.leftovers.empty()) return;
  for (const Child& child : tunnel.children)
    if (child.installed && child.active && tunnel.replaced.insert(child.name).second)
      tunnel.leftovers_until = clock_() + replaced_lifetime;
}

void Tunnels::note_liveness(const std::string& name, Tunnel& tunnel) {
  note_replaced(tunnel);
  const bool live = is_live(tunnel);
  if (live == tunnel.live_since.has_value()) return;
  tunnel.live_since = live ? std::optional(clock_()) : std::nullopt;
  listener_.tunnel_changed(name);
}

void Tunnels::abandon(const std::string& name) {
  Tunnel* tunnel = find(name);
  if (!tunnel || !adopted(name) || !tunnel->leftovers_until) return;
  tunnel->leftovers_until = clock_();
  expire_leftovers();
}

void Tunnels::expire_leftovers() {
  for (auto& [name, tunnel] : tunnels_) {
    if (!tunnel.leftovers_until || clock_() < *tunnel.leftovers_until) continue;
    tunnel.leftovers_until.reset();
    const std::vector<ipc::SaId> ids = std::exchange(tunnel.leftovers, {});
    Transaction transaction;
    for (const ipc::SaId id : ids) transaction.add(ipc::SaRemove{id});
    if (sink_.ready() && tunnel.id) push(name);
    if (sink_.ready()) submit_removal(std::move(transaction), ids);
    note_liveness(name, tunnel);
  }
}

std::optional<Instant> Tunnels::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [name, tunnel] : tunnels_)
    for (const auto& at : {tunnel.leftovers_until, tunnel.retry_at})
      if (at && (!next || *at < *next)) next = at;
  return next;
}

}  // namespace sekisho::control
