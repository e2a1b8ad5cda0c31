#include "control/ike/v1/lifecycle.h"

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v1/informational.h"
#include "control/ike/v1/phase1.h"
#include "control/ike/v1/quick_mode.h"

namespace sekisho::ike::v1 {
namespace {

// Within which the peer surely has noticed what carries the traffic now.
constexpr Duration first_to_clear = std::chrono::seconds(10), second_to_clear = std::chrono::seconds(40);
// How long a deleted ISAKMP SA is remembered for a peer that has not had the delete.
constexpr Duration deleting_time = std::chrono::seconds(10);

bool began_here(Context& context, const std::string& connection) {
  return std::ranges::any_of(context.sas.of(connection), [](const IkeSa* sa) { return sa->handshaking(); });
}

// What was being made under it is asked for again under another one, which held back as long as it was under way here.
void abandon_all(Context& context, IkeSa& sa) {
  bool unfinished = false;
  for (auto& [message_id, quick_mode] : sa.quick_modes) {
    unfinished = unfinished || (quick_mode.initiator && !quick_mode.done);
    abandon(context, quick_mode);
  }
  sa.quick_modes.clear();
  if (!unfinished) return;
  // Without another one a peer that answers a quick mode by a delete would have phase 1 over and over.
  context.retry(sa.name(), context.sas.newest(sa.name()) ? Duration::zero() : Duration(sa.connection->retry_interval));
}

}  // namespace

Duration clearing_delay(const Connection& connection) {
  return connection.local_id < connection.remote_id ? first_to_clear : second_to_clear;
}

void drop(Context& context, IkeSa& sa) {
  if (sa.state == IkeState::gone) return;
  sa.state = IkeState::gone;
  abandon_all(context, sa);
}

void fail_phase1(Context& context, IkeSa& sa, const Message& message, std::string detail,
                 std::optional<Mismatch> mismatch) {
  context.report(message, sa.name(), std::move(detail), std::move(mismatch));
  const auto connection = sa.connection;
  drop(context, sa);
  context.back_off(connection->name);
}

void phase1_silent(Context& context, IkeSa& sa) {
  // The peer's last message is welcome until the SA is forgotten.
  if (sa.half_open()) return sa.sent.forget();
  const Handshake& handshake = *sa.handshake;
  if (handshake.hint) return fail_phase1(context, sa, *handshake.hint, handshake.hint_detail, handshake.hint_mismatch);
  const std::string tries = " sent " + std::to_string(sa.sent.tries()) + " times";
  if (sa.state == IkeState::main_5)
    return fail_phase1(context, sa, messages::ike_identity_unanswered,
                       "peer " + sa.remote.text() + " does not answer the identity" + tries + "; local id " +
                           sa.connection->local_id.text());
  fail_phase1(context, sa, messages::ike_peer_unreachable,
              "no answer from " + sa.remote.text() + " to phase 1" + tries);
}

void peer_dead(Context& context, IkeSa& sa) {
  const std::string connection = sa.name();
  context.report(messages::ike_peer_dead, connection, describe(sa));
  for (IkeSa* other : context.sas.of(connection))
    if (!other->handshaking()) drop(context, *other);
  remove_children_of(context, connection);
  context.after_death(connection);
}

void delete_ike_sa(Context& context, IkeSa& sa, std::span<const uint32_t> inbound_spis) {
  sa.deleted_children.assign(inbound_spis.begin(), inbound_spis.end());
  send_delete_ike(context, sa, inbound_spis);
  abandon_all(context, sa);
  sa.probe.forget();
  sa.state = IkeState::deleting;
  sa.close_at = context.now + deleting_time;
}

void terminate(Context& context, const std::string& connection) {
  std::vector<uint32_t> spis;
  for (const ChildSa& child : context.sas.children())
    if (child.connection == connection && child.live()) spis.push_back(child.inbound_spi);
  if (IkeSa* newest = context.sas.newest(connection); newest && !spis.empty())
    send_delete_children(context, *newest, spis);
  for (IkeSa* sa : context.sas.of(connection)) {
    if (sa->handshaking()) {
      drop(context, *sa);
      continue;
    }
    context.report(messages::ike_closed, connection, describe(*sa));
    // The children once more: messages that are not answered may be lost.
    delete_ike_sa(context, *sa, spis);
  }
  // A peer that has not proven itself began under what was the connection's then.
  context.sas.for_each([&](IkeSa& sa) {
    if (sa.half_open() && sa.name() == connection) drop(context, sa);
  });
  remove_children_of(context, connection);
}

void begin_ike_sa(Context& context, const std::string& connection) {
  const ConnectionEntry* entry = context.connections.find(connection);
  if (!entry || entry->connection->remote.is_any() || began_here(context, connection)) return;
  begin_phase1(context, entry->connection);
}

void renew_ike_sa(Context& context, const std::string& connection) {
  const ConnectionEntry* entry = context.connections.find(connection);
  if (!entry || entry->held_down || entry->connection->start == StartMode::respond || context.now < entry->not_before)
    return;
  begin_ike_sa(context, connection);
}

void pursue(Context& context, const std::string& connection) {
  ConnectionEntry* entry = context.connections.find(connection);
  if (!entry) return;
  entry->attempt_at.reset();
  if (IkeSa* sa = context.sas.newest(connection)) return begin_missing(context, *sa);
  if (entry->connection->remote.is_any())
    return context.report(messages::ike_no_address, connection, "its address is \"any\"");
  begin_ike_sa(context, connection);
}

void settle(Context& context, IkeSa& newest) {
  auto all = context.sas.of(newest.name());
  std::erase_if(all, [&](const IkeSa* sa) { return sa == &newest || sa->handshaking(); });
  // A peer that makes new ones without end and answers no delete holds no more than that.
  std::ranges::sort(all, std::greater{}, &IkeSa::established_at);
  for (size_t i = 0; i < all.size(); ++i) {
    if (i + 1 >= max_ike_sas) {
      drop(context, *all[i]);
    } else if (!all[i]->close_at) {
      all[i]->close_at = context.now + clearing_delay(*newest.connection);
    }
  }
  const ConnectionEntry* entry = context.connections.find(newest.name());
  if (newest.initiator)
    begin_missing(context, newest);
  else if (entry && entry->wanted && misses_children(context, *newest.connection))
    context.retry(newest.name(), newest.connection->retry_interval);
}

void honour_initial_contact(Context& context, IkeSa& newest) {
  if (std::exchange(newest.initial_contact_seen, true)) return;
  const auto news = [&](Instant established) { return established > newest.created; };
  bool left_over = false;
  for (IkeSa* other : context.sas.of(newest.name())) {
    // One that we began, and that came up while this one was on its way, is news to the peer: both ends began at once.
    if (other == &newest || other->handshaking() || (other->initiator && news(other->established_at))) continue;
    drop(context, *other);
    left_over = true;
  }
  const bool had_children = peer_lost_children(context, newest.name(), newest.created);
  if (left_over || had_children) context.report(messages::ike_initial_contact, newest.name(), describe(newest));
}

}  // namespace sekisho::ike::v1
