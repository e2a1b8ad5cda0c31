#include "control/ike/v2/timers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v2/create_child_sa.h"
#include "control/ike/v2/ike_sa_table.h"
#include "control/ike/v2/informational.h"
#include "control/ike/v2/lifecycle.h"
#include "control/ike/v2/path_probe.h"
#include "control/ike/v2/rekey_ike.h"

namespace sekisho::ike::v2 {
namespace {

void take_earlier(std::optional<Instant>& earliest, Instant candidate) {
  if (!earliest || candidate < *earliest) earliest = candidate;
}

std::optional<Instant> probe_at(const IkeSa& sa) {
  if (sa.state != IkeState::established || sa.connection->dpd_interval == Duration::zero() ||
      sa.connection->dpd_action == DpdAction::none)
    return {};
  if (!sa.requests.idle() || !sa.queue.empty()) return {};
  return sa.last_heard + sa.connection->dpd_interval;
}

bool may_be_rekeyed(const ChildSa& child) { return child.state == ChildState::installed; }
bool may_be_rekeyed(const IkeSa& sa) {
  return !sa.superseded && sa.rekey_at < sa.expires_at && !sa.pending(Task::Kind::rekey_ike);
}

void retransmit(Context& context, IkeSa& sa) {
  switch (sa.requests.on_timer(context.now)) {
    case RequestWindow::Due::nothing:
      return;
    case RequestWindow::Due::retransmit:
      context.send(sa.local, sa.remote, sa.requests.datagrams());
      if (sa.active) sa.active->repeated(context, sa);
      return;
    case RequestWindow::Due::expired:
      return peer_silent(context, sa);
  }
}

// One of two IKE SAs that both ends began at once; only if the other is still there.
void close_surplus(Context& context, IkeSa& sa) {
  sa.close_at.reset();
  sa.superseded = false;
  for (const IkeSa* other : context.sas.of(sa.name()))
    if (other != &sa && other->state == IkeState::established && has_live_child(*other)) {
      context.report(messages::ike_duplicate, sa.name(), describe(sa));
      begin_delete(context, sa);
      return retry(context, sa.name(), Duration::zero());  // for children that only this one had
    }
}

void expire_child(Context& context, IkeSa& sa, uint32_t inbound_spi) {
  const ChildSa* child = find_inbound(sa, inbound_spi);
  if (child->state != ChildState::lingering && child->state != ChildState::redundant) {
    if (may_be_rekeyed(*child) || child->state == ChildState::rekeying)
      context.report(messages::child_expired, sa.name(), fmt::format("{}: SPI {:08x} in", child->name, inbound_spi));
    // The peer may have it still. Ours is gone at once: past its lifetime nothing is sent or taken on it.
    hard_expire_child(context, sa, inbound_spi);
    return;
  }
  remove_child(context, sa, inbound_spi);
}

void renew_and_expire_children(Context& context, IkeSa& sa) {
  std::vector<uint32_t> expired;
  for (ChildSa& child : sa.children) {
    if (child.turn_at && context.now >= *child.turn_at) turn_to(context, sa, child);
    if (context.now >= child.expires_at)
      expired.push_back(child.inbound_spi);
    else if (!sa.superseded && may_be_rekeyed(child) && context.now >= child.rekey_at)
      rekey_child(context, sa, child);
  }
  for (const uint32_t spi : expired) expire_child(context, sa, spi);
}

// Out of the data path at once, and out of the peer's; asked for again after `pause` where none of its kind is left.
void end_child(Context& context, IkeSa& sa, uint32_t inbound_spi, Duration pause) {
  const ChildSa* child = find_inbound(sa, inbound_spi);
  if (!child) return;
  const std::string name = child->name;
  const bool tell = child->state == ChildState::installed || child->state == ChildState::rekeyed;
  remove_child(context, sa, inbound_spi);
  if (sa.state != IkeState::established) return;
  if (tell) enqueue(sa, delete_child_task(inbound_spi, Installed::gone));
  if (!has_live_child(sa, name)) retry_child(context, sa.name(), name, pause);
  pump(context, sa);
}

}  // namespace

void hard_expire_child(Context& context, IkeSa& sa, uint32_t inbound_spi) {
  end_child(context, sa, inbound_spi, Duration::zero());
}

// The next one may be refused as well.
void refuse_child(Context& context, IkeSa& sa, uint32_t inbound_spi) {
  end_child(context, sa, inbound_spi, sa.connection->retry_interval);
}

std::optional<Instant> deadline(const IkeSa& sa) {
  std::optional<Instant> earliest = sa.close_at;
  if (const auto due = sa.requests.deadline()) take_earlier(earliest, *due);
  for (const auto& due : {probe_at(sa), path_probe_at(sa)})
    if (due) take_earlier(earliest, *due);
  if (sa.state == IkeState::established) {
    take_earlier(earliest, sa.expires_at);
    if (may_be_rekeyed(sa)) take_earlier(earliest, sa.rekey_at);
    if (sa.reauthenticate_at && !sa.superseded) take_earlier(earliest, *sa.reauthenticate_at);
  }
  for (const ChildSa& child : sa.children) {
    take_earlier(earliest, child.expires_at);
    if (child.turn_at) take_earlier(earliest, *child.turn_at);
    if (sa.state == IkeState::established && !sa.superseded && may_be_rekeyed(child))
      take_earlier(earliest, child.rekey_at);
  }
  return earliest;
}

void on_timer(Context& context, IkeSa& sa) {
  if (sa.close_at && context.now >= *sa.close_at)
    return sa.state == IkeState::established ? close_surplus(context, sa) : drop(context, sa, Farewell::silent);
  retransmit(context, sa);
  renew_and_expire_children(context, sa);
  if (sa.state != IkeState::established) return;
  if (context.now >= sa.expires_at) {
    context.report(messages::ike_expired, sa.name(), describe(sa));
    retry(context, sa.name(), Duration::zero());
    return begin_delete(context, sa);
  }
  if (!sa.superseded && sa.reauthenticate_at && context.now >= *sa.reauthenticate_at && !reauthenticate(context, sa))
    sa.reauthenticate_at.reset();
  if (context.now >= sa.rekey_at && may_be_rekeyed(sa)) enqueue(sa, rekey_ike_task());
  if (const auto due = probe_at(sa); due && context.now >= *due) enqueue(sa, probe_task());
  if (const auto due = path_probe_at(sa); due && context.now >= *due) enqueue(sa, path_probe_task());
  pump(context, sa);
}

}  // namespace sekisho::ike::v2
