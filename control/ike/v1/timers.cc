#include "control/ike/v1/timers.h"

#include <algorithm>

#include "base/messages/ike.h"
#include "control/ike/v1/informational.h"
#include "control/ike/v1/lifecycle.h"
#include "control/ike/v1/quick_mode.h"

namespace sekisho::ike::v1 {
namespace {

void take_earlier(std::optional<Instant>& earliest, std::optional<Instant> candidate) {
  if (candidate && (!earliest || *candidate < *earliest)) earliest = candidate;
}

std::optional<Instant> probe_at(const IkeSa& sa) {
  if (sa.state != IkeState::established || sa.close_at || !sa.probe.idle() || !is_probed(sa)) return {};
  return sa.last_heard + sa.connection->dpd_interval;
}

std::optional<Instant> deadline(const IkeSa& sa) {
  std::optional<Instant> earliest = sa.close_at;
  take_earlier(earliest, sa.sent.deadline());
  take_earlier(earliest, sa.probe.deadline());
  take_earlier(earliest, probe_at(sa));
  if (sa.state == IkeState::established) {
    take_earlier(earliest, sa.expires_at);
    if (!sa.close_at) take_earlier(earliest, sa.rekey_at);
  }
  for (const auto& [message_id, quick_mode] : sa.quick_modes) take_earlier(earliest, v1::deadline(quick_mode));
  return earliest;
}

void probe(Context& context, IkeSa& sa) {
  if (const auto due = probe_at(sa); due && context.now >= *due) {
    sa.probe.sent({}, sa.connection->retransmission, context.now);
    return send_probe(context, sa);
  }
  switch (sa.probe.on_timer(context.now)) {
    case RequestWindow::Due::nothing:
      return;
    case RequestWindow::Due::retransmit:
      return send_probe(context, sa);
    case RequestWindow::Due::expired:
      return peer_dead(context, sa);
  }
}

// False where the SA is not established any more.
bool on_handshake_timer(Context& context, IkeSa& sa) {
  switch (sa.sent.on_timer(context.now)) {
    case RequestWindow::Due::nothing:
      break;
    case RequestWindow::Due::retransmit:
      context.send(sa.local, sa.remote, sa.sent.datagrams());
      break;
    case RequestWindow::Due::expired:
      phase1_silent(context, sa);
      break;
  }
  return sa.state == IkeState::established;
}

void close(Context& context, IkeSa& sa) {
  if (sa.state != IkeState::established) return drop(context, sa);
  // What was to replace it may have gone meanwhile.
  if (context.sas.newest(sa.name()) == &sa) return sa.close_at.reset();
  delete_ike_sa(context, sa);
}

void expire(Context& context, IkeSa& sa) {
  const std::string connection = sa.name();
  const bool last = context.sas.newest(connection) == &sa;
  if (last) context.report(messages::ike_expired, connection, describe(sa));
  delete_ike_sa(context, sa);
  if (last) context.retry(connection, Duration::zero());
}

void on_timer(Context& context, IkeSa& sa) {
  if (sa.close_at && context.now >= *sa.close_at) return close(context, sa);
  if (!on_handshake_timer(context, sa)) return;
  on_quick_mode_timers(context, sa);
  if (sa.state != IkeState::established) return;
  if (context.now >= sa.expires_at) return expire(context, sa);
  if (!sa.close_at && context.now >= sa.rekey_at) {
    // Until then the new one is under way, or failed and is tried again.
    sa.rekey_at = context.now + sa.connection->retry_interval;
    renew_ike_sa(context, sa.name());
  }
  probe(context, sa);
}

}  // namespace

std::optional<Instant> deadline(const SaTable& sas) {
  std::optional<Instant> earliest;
  sas.for_each([&](const IkeSa& sa) { take_earlier(earliest, deadline(sa)); });
  for (const ChildSa& child : sas.children()) take_earlier(earliest, v1::deadline(child));
  for (const Farewell& farewell : sas.farewells) take_earlier(earliest, farewell.next_at);
  return earliest;
}

void on_timers(Context& context) {
  context.sas.for_each([&](IkeSa& sa) { on_timer(context, sa); });
  send_farewells(context);
  std::vector<uint32_t> spis;
  for (const ChildSa& child : context.sas.children()) spis.push_back(child.inbound_spi);
  for (const uint32_t spi : spis)
    if (ChildSa* child = context.sas.find_child(spi)) on_timer(context, *child);
}

}  // namespace sekisho::ike::v1
