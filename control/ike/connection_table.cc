#include "control/ike/connection_table.h"

#include <algorithm>

namespace sekisho::ike {
namespace {

bool same_key(const std::shared_ptr<const SecretBytes>& a, const std::shared_ptr<const SecretBytes>& b) {
  if (!a || !b) return a == b;
  return constant_time_equal(a->view(), b->view());
}

template <typename Proposal>
bool same_proposals(const std::vector<Proposal>& a, const std::vector<Proposal>& b) {
  return std::ranges::equal(a, b, {}, &Proposal::text, &Proposal::text);
}

bool same_negotiated(const ChildDefinition& a, const ChildDefinition& b) {
  return a.name == b.name && same_proposals(a.esp_proposals, b.esp_proposals) &&
         a.local_selectors == b.local_selectors && a.remote_selectors == b.remote_selectors &&
         a.replay_window == b.replay_window;
}

bool same_negotiated(const Connection& a, const Connection& b) {
  return a.version == b.version && a.aggressive == b.aggressive && a.local == b.local && a.remote == b.remote &&
         a.local_id == b.local_id && a.remote_id == b.remote_id && same_key(a.psk, b.psk) &&
         same_proposals(a.ike_proposals, b.ike_proposals) &&
         std::ranges::equal(a.children, b.children,
                            [](const auto& one, const auto& other) { return same_negotiated(one, other); }) &&
         a.encapsulation == b.encapsulation && a.fragmentation == b.fragmentation;
}

bool same_local(const ChildDefinition& a, const ChildDefinition& b) {
  return a.lifetime == b.lifetime && a.lifetime_bytes == b.lifetime_bytes && a.lifetime_packets == b.lifetime_packets;
}

bool same_local(const Connection& a, const Connection& b) {
  return a.start == b.start && a.ike_lifetime == b.ike_lifetime &&
         std::ranges::equal(a.children, b.children,
                            [](const auto& one, const auto& other) { return same_local(one, other); }) &&
         a.dpd_interval == b.dpd_interval && a.retransmission.first == b.retransmission.first &&
         a.retransmission.factor == b.retransmission.factor && a.retransmission.tries == b.retransmission.tries &&
         a.retry_interval == b.retry_interval && a.fragment_size == b.fragment_size;
}

}  // namespace

bool ReportLimit::allows(const Message& message, Instant now) {
  Bucket& bucket = buckets_.try_emplace(&message, Bucket{burst, now}).first->second;
  const auto earned = static_cast<uint64_t>((now - bucket.since) / refill);
  if (earned > 0) {
    bucket.left = static_cast<unsigned>(std::min<uint64_t>(burst, bucket.left + earned));
    bucket.since = now;
  }
  if (bucket.left == 0) return false;
  --bucket.left;
  return true;
}

ConnectionEntry* ConnectionTable::find(const std::string& name) {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

ChildEntry* ConnectionTable::find(const std::string& name, const std::string& child) {
  ConnectionEntry* entry = find(name);
  if (!entry) return nullptr;
  const auto found = entry->children.find(child);
  return found == entry->children.end() ? nullptr : &found->second;
}

ConnectionEntry& ConnectionTable::set(Connection connection) {
  const std::string name = connection.name;
  ConnectionEntry& entry = entries_[name];
  entry.connection = std::make_shared<const Connection>(std::move(connection));
  std::map<std::string, ChildEntry> children;
  for (const ChildDefinition& definition : entry.connection->children)
    children[definition.name] = entry.children[definition.name];
  entry.children = std::move(children);
  return entry;
}

std::vector<std::shared_ptr<const Connection>> ConnectionTable::matching(IkeVersion version, const IpAddress& local,
                                                                         const IpAddress& remote) const {
  std::vector<std::shared_ptr<const Connection>> result;
  const auto fits = [](const IpAddress& ours, const IpAddress& seen) { return ours.is_any() || ours == seen; };
  for (const auto& [name, entry] : entries_)
    if (entry.connection->version == version && fits(entry.connection->local, local) &&
        fits(entry.connection->remote, remote))
      result.push_back(entry.connection);
  std::ranges::stable_partition(result, [](const auto& connection) { return !connection->remote.is_any(); });
  return result;
}

Difference compare(const Connection& a, const Connection& b) {
  if (!same_negotiated(a, b)) return Difference::negotiated;
  return same_local(a, b) ? Difference::none : Difference::local;
}

}  // namespace sekisho::ike
