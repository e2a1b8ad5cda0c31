#include "control/ike/v2/lifecycle.h"

#include <algorithm>
#include <utility>

#include "base/messages/ike.h"
#include "control/ike/v2/create_child_sa.h"
#include "control/ike/v2/ike_sa_init.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/informational.h"
#include "control/ike/v2/path_probe.h"

namespace sekisho::ike::v2 {
namespace {

// How long the last reply is kept after the peer deleted an SA.
constexpr Duration closed_time = std::chrono::seconds(10);
// The end that began the surplus one of two crossing IKE SAs deletes it, once the other surely is up on both sides; the
// other end does it only if that does not happen.
constexpr Duration surplus_time = std::chrono::seconds(2);
constexpr Duration surplus_patience = std::chrono::seconds(10);
// A superseded IKE SA goes after so long, whatever has become of its children in the new one. Whoever began the new one
// deletes the old one; the other end does so only if that does not happen.
constexpr Duration handover_time = std::chrono::seconds(5);
constexpr Duration handover_patience = std::chrono::seconds(8);

void abandon_tasks(Context& context, IkeSa& sa) {
  if (sa.active) sa.active->abandon(context, sa);
  sa.active.reset();
  for (const auto& task : sa.queue) task->abandon(context, sa);
  sa.queue.clear();
  sa.requests.forget();
  sa.request_fragments.clear();
  sa.response_fragments.clear();
}

bool lives_anywhere(Context& context, const std::string& connection, const std::string& child) {
  for (const IkeSa* sa : context.sas.of(connection))
    if (!sa->superseded && has_live_child(*sa, child)) return true;
  return false;
}

// Asks for the children that are missing, but for those whose time has not come.
void pursue_children(Context& context, ConnectionEntry& entry, IkeSa& sa) {
  for (const ChildDefinition& definition : entry.connection->children) {
    ChildEntry& child = entry.children[definition.name];
    if (context.now < child.not_before) continue;
    child.attempt_at.reset();
    if (lives_anywhere(context, sa.name(), definition.name) || sa.asks_for(definition.name)) continue;
    enqueue(sa, create_child_task(definition.name));
  }
  pump(context, sa);
}

// Whether the new IKE SA has every child that lives in the old one.
bool covers(const IkeSa& newest, const IkeSa& old) {
  return std::ranges::all_of(old.children,
                             [&](const ChildSa& child) { return !child.live() || has_live_child(newest, child.name); });
}

// The old one stays until its children live in the new one too, so that nothing is lost. Whoever began the new one
// deletes it.
void take_over(Context& context, IkeSa& newest, IkeSa& old) {
  inherit_path_mtu(context, old, newest);
  if (old.superseded) {  // a peer that begins again and again holds two at most
    remove_all_children(context, old);
    return begin_delete(context, old);
  }
  old.superseded = true;
  // Nothing is made or renewed in it any more, unless the new one comes to nothing: then that is due.
  std::erase_if(old.queue, [&](const auto& task) {
    if (task->kind() != Task::Kind::create_child && task->kind() != Task::Kind::rekey_ike) return false;
    task->abandon(context, old);
    return true;
  });
  for (ChildSa& child : old.children)
    if (std::exchange(child.rekey_queued, false)) child.rekey_at = context.now;
  old.close_at = context.now + (newest.initiator ? handover_time : handover_patience);
}

void wipe_keys(IkeSa& sa) {
  sa.sealing.reset();
  sa.opening.reset();
  for (SecretBytes* key : {&sa.sk_d, &sa.sk_pi, &sa.sk_pr}) key->clear();
  sa.handshake.reset();
}

// Only the peer's retransmissions are answered, and not for long.
void end_exchanges(Context& context, IkeSa& sa) {
  abandon_tasks(context, sa);
  sa.state = IkeState::closed;
  sa.close_at = context.now + closed_time;
  wipe_keys(sa);
}

}  // namespace

void establish(Context& context, IkeSa& sa) {
  sa.state = IkeState::established;
  sa.established_at = sa.last_heard = context.now;
  sa.child_path = {sa.local, sa.remote, encapsulates(sa)};
  const Connection& connection = *sa.connection;
  sa.rekey_at = context.renewal_of(connection.ike_lifetime, connection.ike_renewal);
  sa.expires_at = context.now + connection.ike_lifetime;
  if (connection.reauthenticate) {
    // The end that began is first.
    sa.reauthenticate_at = sa.initiator ? sa.rekey_at : sa.rekey_at + (sa.expires_at - sa.rekey_at) / 2;
    sa.rekey_at = sa.expires_at;
  }
  sa.close_at.reset();
  sa.handshake.reset();
  if (ConnectionEntry* entry = context.connections.find(sa.name())) entry->ike_sa_up();
}

void fail_handshake(Context& context, IkeSa& sa, const Message& message, std::string detail,
                    std::optional<Mismatch> mismatch) {
  context.report(message, sa.name(), std::move(detail), std::move(mismatch));
  const std::string connection = sa.name();
  drop(context, sa, Farewell::silent);
  context.back_off(connection);
}

void drop(Context& context, IkeSa& sa, Farewell farewell) {
  if (sa.state == IkeState::gone) return;
  if (farewell == Farewell::send_delete && sa.state < IkeState::closed && sa.state != IkeState::init_answered)
    send_farewell(context, sa, {wire::Delete{.protocol = wire::Protocol::ike, .spis = {}}});
  abandon_tasks(context, sa);
  // No substitute is to be looked for among the children of an SA that goes.
  sa.state = IkeState::gone;
  remove_all_children(context, sa);
  wipe_keys(sa);
}

void close(Context& context, IkeSa& sa) {
  end_exchanges(context, sa);
  hand_over_children(context, sa, ChildState::lingering);
}

void begin_delete(Context& context, IkeSa& sa) {
  if (sa.handshaking()) {
    // After IKE_AUTH was sent the peer may have an SA already.
    drop(context, sa, sa.state == IkeState::auth_sent ? Farewell::send_delete : Farewell::silent);
    return;
  }
  if (sa.state != IkeState::established && sa.state != IkeState::rekeyed) return;
  for (const auto& task : sa.queue) task->abandon(context, sa);
  sa.queue.clear();
  sa.state = IkeState::deleting;
  sa.close_at.reset();
  hand_over_children(context, sa, ChildState::deleting);
  enqueue(sa, delete_ike_task());
  pump(context, sa);
}

void peer_silent(Context& context, IkeSa& sa) {
  if (sa.handshaking()) {
    const bool hinted = sa.handshake && sa.handshake->hint;
    const Message& message = hinted ? *sa.handshake->hint : messages::ike_peer_unreachable;
    std::string detail = hinted ? sa.handshake->hint_detail
                                : "no answer from " + sa.remote.text() + " to " +
                                      (sa.state == IkeState::init_sent ? "IKE_SA_INIT" : "IKE_AUTH") + " sent " +
                                      std::to_string(sa.requests.tries()) + " times";
    fail_handshake(context, sa, message, std::move(detail),
                   hinted ? std::move(sa.handshake->hint_mismatch) : std::nullopt);
    return;
  }
  if (sa.state == IkeState::established && !sa.superseded) {
    context.report(messages::ike_peer_dead, sa.name(), describe(sa));
    context.after_death(sa.name());
  }
  drop(context, sa, Farewell::silent);
}

void retry(Context& context, const std::string& connection, Duration delay) { context.retry(connection, delay); }

void retry_child(Context& context, const std::string& connection, const std::string& child, Duration delay) {
  const ConnectionEntry* entry = context.connections.find(connection);
  ChildEntry* child_entry = context.connections.find(connection, child);
  if (!child_entry) return;
  child_entry->not_before = context.now + delay;
  if (entry->wanted) child_entry->attempt_at = child_entry->not_before;
}

void pursue(Context& context, const std::string& connection) {
  ConnectionEntry* entry = context.connections.find(connection);
  if (!entry) return;
  entry->attempt_at.reset();
  IkeSa* established = nullptr;
  for (IkeSa* sa : context.sas.of(connection)) {
    if (sa->handshaking()) return;
    if (sa->state == IkeState::established && (!established || established->close_at)) established = sa;
  }
  if (!established) {
    for (auto& [name, child] : entry->children) child.attempt_at.reset();
    if (!entry->connection->remote.is_any()) return begin_handshake(context, entry->connection);
    return context.report(messages::ike_no_address, connection, "its address is \"any\"");
  }
  pursue_children(context, *entry, *established);
}

void on_attempt_timer(Context& context, const std::string& connection) {
  ConnectionEntry* entry = context.connections.find(connection);
  if (!entry) return;
  if (entry->attempt_at && context.now >= *entry->attempt_at) return pursue(context, connection);
  for (IkeSa* sa : context.sas.of(connection))
    if (sa->state == IkeState::established && !sa->superseded) return pursue_children(context, *entry, *sa);
  // Nothing to ask for them in; the next IKE SA brings them.
  for (auto& [name, child] : entry->children) child.attempt_at.reset();
}

void settle_duplicates(Context& context, IkeSa& newest) {
  if (const auto all = context.sas.of(newest.name()); all.size() > max_ike_sas)
    for (IkeSa* other : all)
      if (other->state > IkeState::established) drop(context, *other, Farewell::silent);
  for (IkeSa* other : context.sas.of(newest.name())) {
    if (other == &newest) continue;
    if (other->state == IkeState::init_sent) {
      drop(context, *other, Farewell::silent);
    } else if (other->state == IkeState::established &&
               (other->initiator == newest.initiator || other->local_spi() == newest.replaces)) {
      // Whoever began again has no use for the one before, once its children are in the new one.
      take_over(context, newest, *other);
    } else if (other->state == IkeState::established && other->established_at > newest.created) {
      // Both ends began at once. Both know both SPIs, so both pick the same one.
      IkeSa& surplus = other->spi_i > newest.spi_i ? *other : newest;
      surplus.close_at = context.now + (surplus.initiator ? surplus_time : surplus_patience);
    } else if (other->state == IkeState::established && !other->pending(Task::Kind::probe)) {
      enqueue(*other, probe_task());
      pump(context, *other);
    }
  }
}

void take_auth_lifetime(Context& context, IkeSa& sa, const wire::Payloads& payloads) {
  const auto* hint = wire::find_notify(payloads, wire::NotifyType::auth_lifetime);
  if (!hint || !sa.initiator) return;
  ByteReader reader(hint->data);
  const Duration lifetime = std::chrono::seconds(reader.u32());
  if (!reader.finished()) return;
  const Instant at = context.renewal_of(lifetime, {.fuzz = sa.connection->ike_renewal.fuzz});
  // A peer that names no time at all would have us do nothing else.
  const Instant earliest = context.now + sa.connection->retry_interval;
  sa.reauthenticate_at = std::min(std::max(at, earliest), sa.reauthenticate_at.value_or(Instant::max()));
}

wire::Notify auth_lifetime(const Connection& connection) {
  ByteWriter data;
  data.u32(static_cast<uint32_t>(connection.ike_lifetime / std::chrono::seconds(1)));
  return notify(wire::NotifyType::auth_lifetime, std::move(data).take());
}

bool reauthenticate(Context& context, IkeSa& sa) {
  const Connection& connection = *sa.connection;
  if (sa.state != IkeState::established || sa.superseded || connection.remote.is_any()) return false;
  if (connection.start == StartMode::respond && !sa.initiator) return false;
  if (const ConnectionEntry* entry = context.connections.find(sa.name()); !entry || entry->held_down) return false;
  // Again, where nothing comes of it.
  if (sa.reauthenticate_at) sa.reauthenticate_at = context.now + connection.retry_interval;
  const auto handshakes = [&] {
    auto all = context.sas.of(sa.name());
    std::erase_if(all, [](const IkeSa* other) { return !other->handshaking(); });
    return all;
  };
  if (!handshakes().empty()) return true;
  begin_handshake(context, sa.connection);
  for (IkeSa* made : handshakes()) made->replaces = sa.local_spi();
  return true;
}

void finish_handover(Context& context, IkeSa& newest) {
  if (!newest.initiator || newest.superseded || newest.state != IkeState::established) return;
  for (IkeSa* old : context.sas.of(newest.name())) {
    if (!old->superseded || old->state != IkeState::established || !covers(newest, *old)) continue;
    context.report(messages::ike_duplicate, newest.name(), describe(*old));
    begin_delete(context, *old);
  }
}

void honour_initial_contact(Context& context, IkeSa& newest) {
  // A peer that begins anew again and again holds no more than this time's, and what is sent on.
  for (IkeSa* closed : context.sas.closed_of(newest.name())) remove_idle_children(context, *closed);
  for (IkeSa* other : context.sas.of(newest.name())) {
    if (other == &newest || other->handshaking() || other->state >= IkeState::closed) continue;
    // One that we began, and that came up while this one was on its way, is news to the peer: both ends began at once.
    if (other->initiator && other->established_at > newest.created) continue;
    context.report(messages::ike_initial_contact, newest.name(), describe(*other));
    inherit_path_mtu(context, *other, newest);
    end_exchanges(context, *other);
    linger(context, *other);
  }
}

}  // namespace sekisho::ike::v2
