#include "control/ike/context.h"

#include <algorithm>

namespace sekisho::ike {

void Context::report(const Message& message, const std::string& connection, std::string detail,
                     std::optional<Mismatch> mismatch, Report::Proof proof) {
  ConnectionEntry* entry = connections.find(connection);
  const bool authentic = proof == Report::Proof::authentic;
  if (entry && message.severity != Severity::info) entry->note({&message, detail, mismatch, now, authentic});
  ReportLimit& limit = entry ? entry->reports : anonymous_reports;
  if (limit.allows(message, now))
    actions.push_back(Report{&message, connection, std::move(detail), std::move(mismatch), proof});
}

void Context::send(const Endpoint& local, const Endpoint& remote, Bytes data) {
  actions.push_back(SendDatagram{local, remote, std::move(data)});
}

void Context::send(const Endpoint& local, const Endpoint& remote, const Datagrams& message) {
  for (const Bytes& datagram : message) send(local, remote, datagram);
}

void Context::retry(const std::string& connection, Duration delay) {
  ConnectionEntry* entry = connections.find(connection);
  if (!entry || !entry->wanted) return;
  const Instant at = now + delay;
  if (!entry->attempt_at || *entry->attempt_at > at) entry->attempt_at = at;
}

void Context::back_off(const std::string& connection) {
  ConnectionEntry* entry = connections.find(connection);
  if (!entry) return;
  entry->not_before = now + entry->connection->retry_interval;
  retry(connection, entry->connection->retry_interval);
}

void Context::after_death(const std::string& connection) {
  ConnectionEntry* entry = connections.find(connection);
  if (!entry || entry->held_down) return;
  if (entry->connection->dpd_action == DpdAction::clear) {
    entry->wanted = false;
    entry->attempt_at.reset();
  } else if (entry->connection->start != StartMode::respond) {
    entry->attempt_at = now;
  }
}

Bytes Context::random_bytes(size_t size) {
  Bytes bytes(size);
  random().fill(bytes);
  return bytes;
}

Duration Context::jittered(Duration longest) {
  const auto half = static_cast<uint64_t>(std::max<Duration::rep>(longest.count() / 2, 0));
  return longest - Duration(static_cast<Duration::rep>(random().below(half + 1)));
}

Instant Context::renewal_of(Duration lifetime, const Renewal& renewal) {
  const Duration margin = renewal.margin == Duration::zero() ? lifetime / 10 : renewal.margin;
  const auto most = static_cast<uint64_t>(std::max<Duration::rep>((margin / 100 * renewal.fuzz).count(), 0));
  const Duration early = margin + Duration(static_cast<Duration::rep>(random().below(most + 1)));
  // A peer may cut the lifetime below the margin.
  return now + (early < lifetime ? lifetime - early : lifetime / 2);
}

uint64_t Context::soft_limit(uint64_t hard, unsigned fuzz) {
  const uint64_t margin = hard / 10;
  const uint64_t early = margin + random().below(margin / 100 * fuzz + margin % 100 * fuzz / 100 + 1);
  return hard - std::min(early, hard / 2);
}

}  // namespace sekisho::ike
