#include "control/ike/context.h"

#include <algorithm>

namespace sekisho::ike {

void Context::report(const Message& message, const std::string& connection, std::string detail,
                     std::optional<Mismatch> mismatch, Report::Proof proof) {
  ConnectionEntry* entry = connections.find(connection);
  if (entry && message.severity != Severity::info && (proof == Report::Proof::authentic || !entry->last_failure))
    entry->last_failure = Failure{&message, detail, mismatch, now};
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

Bytes Context::random_bytes(size_t size) {
  Bytes bytes(size);
  random().fill(bytes);
  return bytes;
}

Duration Context::jittered(Duration longest) {
  const auto half = static_cast<uint64_t>(std::max<Duration::rep>(longest.count() / 2, 0));
  return longest - Duration(static_cast<Duration::rep>(random().below(half + 1)));
}

Instant Context::renewal_of(Duration lifetime) {
  const auto margin = static_cast<uint64_t>(std::max<Duration::rep>(lifetime.count() / 10, 0));
  const auto early = margin + random().below(margin + 1);
  return now + lifetime - Duration(static_cast<Duration::rep>(early));
}

uint64_t Context::soft_limit(uint64_t hard) {
  const uint64_t margin = hard / 10;
  return hard - margin - random().below(margin + 1);
}

}  // namespace sekisho::ike
