#include "control/ike/v2/child_sa.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v2/ike_sa.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/path_probe.h"

namespace sekisho::ike::v2 {
namespace {

// How long inbound outlives a delete: packets that were on their way when the peer switched.
constexpr Duration linger_time = std::chrono::seconds(1);
// For a peer whose IKE daemon began anew: in that time our answer reaches it, though repeated twice, and its data path
// has the new SAs.
constexpr Duration turning_time = std::chrono::seconds(5);

ChildSa* find_if(IkeSa& sa, const auto& predicate) {
  const auto found = std::ranges::find_if(sa.children, predicate);
  return found == sa.children.end() ? nullptr : &*found;
}

// Another child that may carry the same traffic: the newest, and one that its IKE SA keeps.
std::pair<IkeSa*, ChildSa*> find_substitute(Context& context, const IkeSa& sa, const ChildSa& old) {
  std::pair<IkeSa*, ChildSa*> best{};
  for (IkeSa* other : context.sas.of(sa.name()))
    for (ChildSa& child : other->children)
      if (&child != &old && child.name == old.name && child.live() &&
          (!best.second || child.created >= best.second->created))
        best = {other, &child};
  return best;
}

// nullptr: no longer configured.
ChildEntry* entry_of(Context& context, const IkeSa& sa, const std::string& child) {
  return context.connections.find(sa.name(), child);
}

// Or is about to be.
bool is_sent_on(Context& context, const IkeSa& sa, const ChildSa& child) {
  const ChildEntry* entry = entry_of(context, sa, child.name);
  return entry && entry->sends_on == child.inbound_spi;
}

}  // namespace

std::string_view name(ChildState state) {
  switch (state) {
    case ChildState::installed:
      return "installed";
    case ChildState::rekeying:
      return "rekeying";
    case ChildState::rekeyed:
    case ChildState::redundant:
      return "rekeyed";
    case ChildState::deleting:
    case ChildState::lingering:
      break;
  }
  return "deleting";
}

ChildSa* find_inbound(IkeSa& sa, uint32_t spi) {
  return find_if(sa, [spi](const ChildSa& child) { return child.inbound_spi == spi; });
}

ChildSa* find_outbound(IkeSa& sa, uint32_t spi) {
  return find_if(
      sa, [spi](const ChildSa& child) { return child.outbound_spi == spi && child.state != ChildState::lingering; });
}

// RFC 7296 section 2.23, RFC 3948: only on port 4500, which the handshake reached where a NAT was seen or feigned.
bool encapsulates(const IkeSa& sa) {
  if (sa.connection->encapsulation == Encapsulation::off || sa.local.port != nat_port) return false;
  return sa.local_behind_nat || sa.remote_behind_nat || sa.connection->encapsulation == Encapsulation::force;
}

bool has_live_child(const IkeSa& sa) { return std::ranges::any_of(sa.children, &ChildSa::live); }

bool has_live_child(const IkeSa& sa, std::string_view name) {
  return std::ranges::any_of(sa.children, [&](const ChildSa& child) { return child.live() && child.name == name; });
}

ChildSa& install_child(Context& context, IkeSa& sa, const NegotiatedChild& negotiated) {
  const Connection& connection = *sa.connection;
  const ChildDefinition& definition = negotiated.definition;
  const SecretBytes no_secret;
  suite::ChildKeys keys = suite::derive_child_keys(sa.proposal.prf, sa.sk_d,
                                                   negotiated.shared_secret ? *negotiated.shared_secret : no_secret,
                                                   negotiated.nonce_i, negotiated.nonce_r, negotiated.chosen.suite);
  SecretBytes& outbound_key = negotiated.began_here ? keys.initiator_to_responder : keys.responder_to_initiator;
  SecretBytes& inbound_key = negotiated.began_here ? keys.responder_to_initiator : keys.initiator_to_responder;

  if (ConnectionEntry* own = context.connections.find(connection.name)) own->child_up();
  ChildEntry* entry = entry_of(context, sa, definition.name);
  const bool alone = negotiated.began_here || !entry || entry->sends_on == 0;
  const bool active =
      negotiated.began_here || (alone && !context.environment.carries(connection.name, definition.name));
  if (alone && entry) entry->sends_on = negotiated.inbound_spi;

  ChildSa& child = sa.children.emplace_back();
  child.name = definition.name;
  child.inbound_spi = negotiated.inbound_spi;
  child.outbound_spi = negotiated.chosen.peer_spi;
  child.suite = negotiated.chosen.suite;
  child.esn = negotiated.chosen.esn;
  child.udp_encapsulation = sa.child_path.udp_encapsulation;
  child.outbound_active = active;
  child.confirmed = negotiated.began_here;
  child.pfs = negotiated.chosen.pfs;
  child.selectors = negotiated.selectors;
  child.created = context.now;
  child.rekey_at = context.renewal_of(definition.lifetime, definition.renewal);
  child.expires_at = context.now + definition.lifetime;
  if (alone && !active) child.turn_at = context.now + turning_time;

  context.report(messages::child_established, connection.name,
                 fmt::format("{}: SPIs {:08x} in, {:08x} out, {}{}", child.name, child.inbound_spi, child.outbound_spi,
                             negotiated.chosen.text(), child.udp_encapsulation ? ", UDP-encapsulated" : ""));
  context.actions.push_back(InstallChildSa{
      .connection = connection.name,
      .child = child.name,
      .suite = child.suite,
      .esn = child.esn,
      .udp_encapsulation = child.udp_encapsulation,
      .outbound_active = active,
      .inbound = {child.inbound_spi, std::move(inbound_key)},
      .outbound = {child.outbound_spi, std::move(outbound_key)},
      .local = sa.child_path.local,
      .remote = sa.child_path.remote,
      .local_selectors = child.selectors.local,
      .remote_selectors = child.selectors.remote,
      .replay_window = definition.replay_window,
      .soft_packets = context.soft_limit(definition.lifetime_packets, definition.renewal.fuzz),
      .hard_packets = definition.lifetime_packets,
      .soft_bytes = context.soft_limit(definition.lifetime_bytes, definition.renewal.fuzz),
      .hard_bytes = definition.lifetime_bytes,
  });
  return child;
}

void confirm_children(Context& context, IkeSa& sa) {
  for (ChildSa& child : sa.children) {
    if (std::exchange(child.confirmed, true) || child.outbound_active || !child.live()) continue;
    const ChildEntry* entry = entry_of(context, sa, child.name);
    if (entry && (entry->sends_on == child.inbound_spi || !find_inbound(sa, entry->sends_on)))
      activate_outbound(context, sa, child);
  }
}

void turn_to(Context& context, IkeSa& sa, ChildSa& child) {
  child.turn_at.reset();
  if (child.live() && is_sent_on(context, sa, child)) activate_outbound(context, sa, child);
}

void activate_outbound(Context& context, IkeSa& sa, ChildSa& child) {
  child.outbound_active = true;
  child.turn_at.reset();
  if (ChildEntry* entry = entry_of(context, sa, child.name)) entry->sends_on = child.inbound_spi;
  context.actions.push_back(ActivateOutbound{sa.name(), child.inbound_spi});
}

void remove_child(Context& context, IkeSa& sa, uint32_t inbound_spi) {
  const auto found = std::ranges::find(sa.children, inbound_spi, &ChildSa::inbound_spi);
  if (found == sa.children.end()) return;
  ChildEntry* entry = entry_of(context, sa, found->name);
  if (entry && entry->sends_on == inbound_spi) {
    entry->sends_on = 0;
    const auto [other, child] = find_substitute(context, sa, *found);
    if (child) activate_outbound(context, *other, *child);
  }
  context.actions.push_back(RemoveChildSa{sa.name(), inbound_spi});
  sa.children.erase(found);
}

void retire_child(Context& context, IkeSa& sa, uint32_t inbound_spi) {
  ChildSa* child = find_inbound(sa, inbound_spi);
  if (!child) return;
  ChildEntry* entry = entry_of(context, sa, child->name);
  if (!entry || entry->sends_on == 0 || entry->sends_on == inbound_spi) return remove_child(context, sa, inbound_spi);
  child->state = ChildState::lingering;
  child->expires_at = context.now + linger_time;
}

void hand_over_children(Context& context, IkeSa& sa, ChildState rest) {
  std::vector<uint32_t> spis;
  for (ChildSa& child : sa.children) {
    if (child.state != ChildState::lingering) child.state = ChildState::deleting;
    spis.push_back(child.inbound_spi);
  }
  for (const uint32_t spi : spis) {
    ChildSa& child = *find_inbound(sa, spi);
    const auto [other, substitute] = find_substitute(context, sa, child);
    if (!substitute) {
      remove_child(context, sa, spi);
      continue;
    }
    if (const ChildEntry* entry = entry_of(context, sa, child.name); entry && entry->sends_on == spi)
      activate_outbound(context, *other, *substitute);
    if (rest != ChildState::lingering) continue;
    child.state = rest;
    child.expires_at = std::min(child.expires_at, context.now + linger_time);
  }
}

void linger(Context& context, IkeSa& sa) {
  for (ChildSa& child : sa.children) {
    child.state = ChildState::lingering;
    child.expires_at = std::min(child.expires_at, context.now + turning_time);
  }
}

void remove_idle_children(Context& context, IkeSa& sa) {
  std::vector<uint32_t> idle;
  for (const ChildSa& child : sa.children)
    if (!is_sent_on(context, sa, child)) idle.push_back(child.inbound_spi);
  for (const uint32_t spi : idle) remove_child(context, sa, spi);
}

void remove_all_children(Context& context, IkeSa& sa) {
  while (!sa.children.empty()) remove_child(context, sa, sa.children.back().inbound_spi);
}

void move_children(Context& context, IkeSa& sa, const Endpoint& remote) {
  context.report(messages::ike_moved, sa.name(), "from " + sa.local.text() + " to " + remote.text());
  sa.child_path = {sa.local, remote, encapsulates(sa)};
  for (ChildSa& child : sa.children) {
    child.udp_encapsulation = sa.child_path.udp_encapsulation;
    context.actions.push_back(UpdateChildSa{sa.name(), child.inbound_spi, child.udp_encapsulation, sa.local, remote});
  }
  watch_path(context, sa);
}

}  // namespace sekisho::ike::v2
