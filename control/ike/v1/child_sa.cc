#include "control/ike/v1/child_sa.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v1/ike_sa.h"
#include "control/ike/v1/informational.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/quick_mode.h"

namespace sekisho::ike::v1 {
namespace {

// How long inbound outlives a delete: packets that were on their way when the peer switched.
constexpr Duration linger_time = std::chrono::seconds(1);
// How long all of it outlives the peer's beginning anew, unless another one is made before.
constexpr Duration turning_time = std::chrono::seconds(10);
// A delete is not answered by its RFC, but by those that speak as we do; it is sent so often without an answer.
// Nobody acknowledges a delete, so it is repeated: at first while the SA is there still, then for longer than it takes
// to find a peer dead, by whose death all of it is forgotten anyway.
constexpr unsigned max_deletes = 4, max_farewells = 9;
constexpr Duration delete_interval = std::chrono::seconds(1);
constexpr size_t max_farewells_of_connection = 16;
// Without an ISAKMP SA nothing can be said; the peer's half will not outlast this by much.
constexpr Duration farewell_time = std::chrono::minutes(10);

// Some responders have the new SA in place only once our third message is there. While another one carries the traffic,
// outbound moves with the peer's first packet, or after this.
constexpr Duration switch_time = std::chrono::seconds(1);

// The newest other one for the same traffic. One that the peer may not have yet is better than none: a peer that
// deletes the one before most likely has it.
ChildSa* find_substitute(Context& context, const ChildSa& child) {
  const auto rank = [](const ChildSa& one) { return std::pair(one.state != ChildState::unconfirmed, one.created); };
  ChildSa* best = nullptr;
  for (ChildSa& other : context.sas.children())
    if (&other != &child && other.carries(child) && other.live() && (!best || rank(other) >= rank(*best)))
      best = &other;
  return best;
}

// For whoever asks whether the child is up: the SPI of one that is sent on.
void note_traffic(Context& context, const std::string& connection, const std::string& name) {
  ChildEntry* entry = context.connections.find(connection, name);
  if (!entry) return;
  entry->sends_on = 0;
  for (const ChildSa& child : context.sas.children())
    if (child.connection == connection && child.name == name && child.outbound_active)
      entry->sends_on = child.inbound_spi;
}

// That one carries the traffic; the others of its kind are kept until the peer surely uses it too.
void supersede_others(Context& context, const ChildSa& newest) {
  const ConnectionEntry* entry = context.connections.find(newest.connection);
  for (ChildSa& other : context.sas.children()) {
    if (&other == &newest || !other.carries(newest)) continue;
    other.outbound_active = false;
    if (other.state != ChildState::installed) continue;
    other.state = ChildState::superseded;
    other.next_at = context.now + (entry ? clearing_delay(*entry->connection) : Duration::zero());
  }
  note_traffic(context, newest.connection, newest.name);
}

void activate(Context& context, ChildSa& child) {
  if (child.state == ChildState::superseded) child.state = ChildState::installed;
  if (!std::exchange(child.outbound_active, true))
    context.actions.push_back(ActivateOutbound{child.connection, child.inbound_spi});
  supersede_others(context, child);
}

void send_delete(Context& context, ChildSa& child) {
  child.state = ChildState::deleting;
  ++child.deletes;
  child.next_at = context.now + delete_interval;
  if (IkeSa* sa = context.sas.newest(child.connection)) send_delete_children(context, *sa, {&child.inbound_spi, 1});
}

void linger(Context& context, ChildSa& child, Duration time) {
  child.state = ChildState::lingering;
  child.expires_at = std::min(child.expires_at, context.now + time);
}

bool may_be_rekeyed(const ChildSa& child) { return child.state == ChildState::installed; }

Duration retry_interval(Context& context, const ChildSa& child) {
  const ConnectionEntry* entry = context.connections.find(child.connection);
  return entry ? entry->connection->retry_interval : linger_time;
}

}  // namespace

std::string_view name(ChildState state) {
  switch (state) {
    case ChildState::unconfirmed:
    case ChildState::installed:
      return "installed";
    case ChildState::superseded:
      return "rekeyed";
    case ChildState::deleting:
    case ChildState::lingering:
      break;
  }
  return "deleting";
}

bool encapsulates(const IkeSa& sa) {
  if (sa.peer.nat_traversal == NatTraversal::none) return false;
  return sa.local_behind_nat || sa.remote_behind_nat || sa.connection->encapsulation == Encapsulation::force;
}

void install_child(Context& context, IkeSa& sa, const NegotiatedChild& negotiated) {
  const ChildDefinition& definition = *negotiated.definition;
  const SecretBytes no_secret;
  const SecretBytes& shared_secret = negotiated.shared_secret ? *negotiated.shared_secret : no_secret;
  const auto keys_for = [&](uint32_t spi) {
    return suite::keymat(sa.proposal.prf, sa.keys.d, shared_secret, spi, negotiated.nonce_i, negotiated.nonce_r,
                         negotiated.chosen.suite);
  };
  ChildSa& child = context.sas.children().emplace_back();
  child.connection = sa.name();
  child.name = definition.name;
  child.inbound_spi = negotiated.inbound_spi;
  child.outbound_spi = negotiated.chosen.peer_spi;
  child.suite = negotiated.chosen.suite;
  child.pfs = negotiated.chosen.pfs;
  child.udp_encapsulation = encapsulates(sa);
  child.selectors = negotiated.selectors;
  child.local = sa.local;
  child.remote = sa.remote;
  child.created = context.now;
  child.rekey_at = context.renewal_of(negotiated.lifetime.time, definition.renewal);
  child.expires_at = context.now + negotiated.lifetime.time;
  const bool first = std::ranges::none_of(context.sas.children(), [&](const ChildSa& other) {
    return other.carries(child) && other.live() && other.outbound_active;
  });
  child.outbound_active = negotiated.began_here && first && !context.environment.carries(child.connection, child.name);
  child.state = child.outbound_active ? ChildState::installed : ChildState::unconfirmed;
  child.next_at = negotiated.began_here ? context.now + switch_time : child.expires_at;

  const uint64_t hard_bytes =
      negotiated.lifetime.kilobytes > UINT64_MAX / 1024 ? 0 : negotiated.lifetime.kilobytes * 1024;
  context.report(messages::child_established, child.connection,
                 fmt::format("SPIs {:08x} in, {:08x} out, {}{}", child.inbound_spi, child.outbound_spi,
                             negotiated.chosen.text(), child.udp_encapsulation ? ", UDP-encapsulated" : ""));
  context.actions.push_back(InstallChildSa{
      .connection = child.connection,
      .child = child.name,
      .suite = child.suite,
      .esn = false,
      .udp_encapsulation = child.udp_encapsulation,
      .outbound_active = child.outbound_active,
      .inbound = {child.inbound_spi, keys_for(child.inbound_spi)},
      .outbound = {child.outbound_spi, keys_for(child.outbound_spi)},
      .local = child.local,
      .remote = child.remote,
      .local_selectors = child.selectors.local,
      .remote_selectors = child.selectors.remote,
      .replay_window = definition.replay_window,
      .soft_packets = context.soft_limit(definition.lifetime_packets, definition.renewal.fuzz),
      .hard_packets = definition.lifetime_packets,
      .soft_bytes = context.soft_limit(hard_bytes, definition.renewal.fuzz),
      .hard_bytes = hard_bytes,
  });
  if (child.outbound_active) supersede_others(context, child);
}

void confirm_child(Context& context, ChildSa& child) {
  if (child.state != ChildState::unconfirmed) return;
  finish_quick_mode(context, child.inbound_spi);
  child.state = ChildState::installed;
  if (ConnectionEntry* entry = context.connections.find(child.connection)) entry->child_up();
  activate(context, child);
}

void give_up_unconfirmed(Context& context, uint32_t inbound_spi) {
  ChildSa* child = context.sas.find_child(inbound_spi);
  if (child && child->state == ChildState::unconfirmed) send_delete(context, *child);
}

void remove_child(Context& context, uint32_t inbound_spi) {
  auto& children = context.sas.children();
  const auto found = std::ranges::find(children, inbound_spi, &ChildSa::inbound_spi);
  if (found == children.end()) return;
  finish_quick_mode(context, inbound_spi);
  if (found->outbound_active)
    if (ChildSa* other = find_substitute(context, *found)) activate(context, *other);
  const std::string connection = found->connection, name = found->name;
  context.actions.push_back(RemoveChildSa{connection, inbound_spi});
  children.erase(found);
  note_traffic(context, connection, name);
}

void remove_children_of(Context& context, const std::string& connection) {
  std::erase_if(context.sas.farewells, [&](const Farewell& each) { return each.connection == connection; });
  std::erase_if(context.sas.children(), [&](const ChildSa& child) {
    if (child.connection != connection) return false;
    finish_quick_mode(context, child.inbound_spi);
    context.actions.push_back(RemoveChildSa{connection, child.inbound_spi});
    return true;
  });
  if (const ConnectionEntry* entry = context.connections.find(connection))
    for (const ChildDefinition& definition : entry->connection->children)
      note_traffic(context, connection, definition.name);
}

bool peer_lost_children(Context& context, const std::string& connection, Instant began) {
  bool any = false;
  for (ChildSa& child : context.sas.children()) {
    if (child.connection != connection || child.created > began || child.state == ChildState::lingering) continue;
    finish_quick_mode(context, child.inbound_spi);
    linger(context, child, turning_time);
    any = true;
  }
  return any;
}

void peer_deletes_child(Context& context, IkeSa& sa, uint32_t outbound_spi) {
  std::erase_if(context.sas.farewells, [&](const Farewell& each) {
    return each.outbound_spi == outbound_spi && each.connection == sa.name();
  });
  const auto found = std::ranges::find_if(context.sas.children(), [&](const ChildSa& child) {
    return child.outbound_spi == outbound_spi && child.connection == sa.name() && child.state != ChildState::lingering;
  });
  if (found == context.sas.children().end()) return;
  ChildSa& child = *found;
  // Of a pair each end deletes its half; that is the answer which a peer that repeats its delete waits for.
  if (child.state != ChildState::deleting) send_delete_children(context, sa, {&child.inbound_spi, 1});
  ChildSa* substitute = find_substitute(context, child);
  if (substitute) {
    if (child.outbound_active) {
      child.outbound_active = false;
      activate(context, *substitute);
    }
    return linger(context, child, linger_time);
  }
  const std::string connection = child.connection;
  context.report(messages::child_closed, connection, fmt::format("SPI {:08x} in", child.inbound_spi));
  remove_child(context, child.inbound_spi);
  context.retry(connection, sa.connection->retry_interval);
}

namespace {

Duration delete_pause(unsigned sent) {
  return sent < max_deletes ? delete_interval : delete_interval * (2 << (sent - max_deletes));
}

// Goes, and leaves the deletes that are yet to be sent.
void take_leave(Context& context, ChildSa& child, Instant next_at) {
  Farewell farewell{.connection = child.connection,
                    .inbound_spi = child.inbound_spi,
                    .outbound_spi = child.outbound_spi,
                    .deletes = child.deletes,
                    .next_at = next_at,
                    .forget_at = context.now + farewell_time};
  remove_child(context, child.inbound_spi);
  auto& all = context.sas.farewells;
  const auto same = [&](const Farewell& each) { return each.connection == farewell.connection; };
  if (std::ranges::count_if(all, same) >= static_cast<ptrdiff_t>(max_farewells_of_connection))
    all.erase(std::ranges::find_if(all, same));
  all.push_back(std::move(farewell));
}

// Another one is asked for after `pause`.
void end_child(Context& context, ChildSa& child, Duration pause) {
  const std::string connection = child.connection;
  if (!child.live()) return remove_child(context, child.inbound_spi);
  take_leave(context, child, context.now);
  send_farewells(context);
  context.retry(connection, pause);
}

}  // namespace

void hard_expire_child(Context& context, ChildSa& child) { end_child(context, child, Duration::zero()); }

void refuse_child(Context& context, ChildSa& child) {
  const ConnectionEntry* entry = context.connections.find(child.connection);
  end_child(context, child, entry ? Duration(entry->connection->retry_interval) : Duration::zero());
}

void send_farewells(Context& context) {
  for (Farewell& farewell : context.sas.farewells) {
    if (context.now < farewell.next_at) continue;
    farewell.next_at = context.now + delete_pause(farewell.deletes);
    IkeSa* sa = context.sas.newest(farewell.connection);
    if (!sa) continue;
    ++farewell.deletes;
    send_delete_children(context, *sa, {&farewell.inbound_spi, 1});
  }
  std::erase_if(context.sas.farewells,
                [&](const Farewell& each) { return each.deletes >= max_farewells || context.now >= each.forget_at; });
}

void rekey_child(Context& context, ChildSa& child) {
  if (!may_be_rekeyed(child)) return;
  // Until then it is under way, or failed and is tried again.
  child.rekey_at = context.now + retry_interval(context, child);
  if (making(context, child.connection, child.name, child.selectors)) return;
  if (IkeSa* sa = context.sas.newest(child.connection)) {
    begin_quick_mode(context, *sa, child.name, child.selectors);
  } else {
    child.rekey_at = context.now + linger_time;
    renew_ike_sa(context, child.connection);
  }
}

std::optional<Instant> deadline(const ChildSa& child) {
  switch (child.state) {
    case ChildState::installed:
      return std::min(child.rekey_at, child.expires_at);
    case ChildState::unconfirmed:
    case ChildState::superseded:
    case ChildState::deleting:
      return std::min(child.next_at, child.expires_at);
    case ChildState::lingering:
      break;
  }
  return child.expires_at;
}

void on_timer(Context& context, ChildSa& child) {
  if (context.now >= child.expires_at) {
    if (may_be_rekeyed(child))
      context.report(messages::child_expired, child.connection, fmt::format("SPI {:08x} in", child.inbound_spi));
    return hard_expire_child(context, child);
  }
  if (may_be_rekeyed(child) && context.now >= child.rekey_at) return rekey_child(context, child);
  if (child.state == ChildState::unconfirmed && context.now >= child.next_at) return confirm_child(context, child);
  if (child.state == ChildState::superseded && context.now >= child.next_at) return send_delete(context, child);
  if (child.state == ChildState::deleting && context.now >= child.next_at) {
    if (child.deletes == max_deletes) return take_leave(context, child, context.now + delete_pause(child.deletes));
    send_delete(context, child);
  }
}

}  // namespace sekisho::ike::v1
