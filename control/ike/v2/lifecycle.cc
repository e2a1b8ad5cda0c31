#include "control/ike/v2/lifecycle.h"

#include "base/messages/ike.h"
#include "control/ike/v2/create_child_sa.h"
#include "control/ike/v2/ike_sa_init.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/informational.h"

namespace sekisho::ike::v2 {
namespace {

// How long the last reply is kept after the peer deleted an SA.
constexpr Duration closed_time = std::chrono::seconds(10);
// The end that began the surplus one of two crossing IKE SAs deletes it, once the other surely is up on both sides; the
// other end does it only if that does not happen.
constexpr Duration surplus_time = std::chrono::seconds(2);
constexpr Duration surplus_patience = std::chrono::seconds(10);

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
    if (has_live_child(*sa, child)) return true;
  return false;
}

// Asks for the children that are missing, but for those whose time has not come.
void pursue_children(Context& context, ConnectionEntry& entry, IkeSa& sa) {
  for (const ChildDefinition& definition : entry.connection->children) {
    ChildEntry& child = entry.children[definition.name];
    if (child.attempt_at && context.now < *child.attempt_at) continue;
    child.attempt_at.reset();
    if (lives_anywhere(context, sa.name(), definition.name) || sa.asks_for(definition.name)) continue;
    enqueue(sa, create_child_task(definition.name));
  }
  pump(context, sa);
}

void wipe_keys(IkeSa& sa) {
  sa.sealing.reset();
  sa.opening.reset();
  for (SecretBytes* key : {&sa.sk_d, &sa.sk_pi, &sa.sk_pr}) key->clear();
  sa.handshake.reset();
}

}  // namespace

void establish(Context& context, IkeSa& sa) {
  sa.state = IkeState::established;
  sa.established_at = sa.last_heard = context.now;
  sa.rekey_at = context.renewal_of(sa.connection->ike_lifetime);
  sa.expires_at = context.now + sa.connection->ike_lifetime;
  sa.close_at.reset();
  sa.handshake.reset();
  ConnectionEntry* entry = context.connections.find(sa.name());
  if (!entry) return;
  entry->attempts = 0;
  entry->held_down = false;
}

void fail_handshake(Context& context, IkeSa& sa, const Message& message, std::string detail,
                    std::optional<Mismatch> mismatch) {
  context.report(message, sa.name(), std::move(detail), std::move(mismatch));
  const std::string connection = sa.name();
  drop(context, sa, Farewell::silent);
  if (const ConnectionEntry* entry = context.connections.find(connection))
    retry(context, connection, entry->connection->retry_interval);
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
  abandon_tasks(context, sa);
  sa.state = IkeState::closed;
  sa.close_at = context.now + closed_time;
  remove_all_children(context, sa);
  wipe_keys(sa);
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
  remove_all_children(context, sa);
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
  if (sa.state == IkeState::established) {
    context.report(messages::ike_peer_dead, sa.name(), describe(sa));
    retry(context, sa.name(), Duration::zero());
  }
  drop(context, sa, Farewell::silent);
}

void retry(Context& context, const std::string& connection, Duration delay) { context.retry(connection, delay); }

void retry_child(Context& context, const std::string& connection, const std::string& child, Duration delay) {
  const ConnectionEntry* entry = context.connections.find(connection);
  ChildEntry* child_entry = context.connections.find(connection, child);
  if (entry && entry->wanted && child_entry) child_entry->attempt_at = context.now + delay;
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
    return begin_handshake(context, entry->connection);
  }
  pursue_children(context, *entry, *established);
}

void on_attempt_timer(Context& context, const std::string& connection) {
  ConnectionEntry* entry = context.connections.find(connection);
  if (!entry) return;
  if (entry->attempt_at && context.now >= *entry->attempt_at) return pursue(context, connection);
  for (IkeSa* sa : context.sas.of(connection))
    if (sa->state == IkeState::established) return pursue_children(context, *entry, *sa);
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
    } else if (other->state == IkeState::established && other->initiator == newest.initiator) {
      // Whoever began again has no use for the one before.
      context.report(messages::ike_duplicate, newest.name(), describe(*other));
      begin_delete(context, *other);
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

void honour_initial_contact(Context& context, IkeSa& newest) {
  for (IkeSa* other : context.sas.of(newest.name())) {
    if (other == &newest || other->handshaking()) continue;
    // One that we began, and that came up while this one was on its way, is news to the peer: both ends began at once.
    if (other->initiator && other->established_at > newest.created) continue;
    context.report(messages::ike_initial_contact, newest.name(), describe(*other));
    drop(context, *other, Farewell::silent);
  }
}

}  // namespace sekisho::ike::v2
