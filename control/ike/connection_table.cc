#include "control/ike/connection_table.h"

#include <algorithm>
#include <utility>

namespace sekisho::ike {
bool ReportLimit::allows(const Message& message, Instant now) { return buckets_[&message].take(rate, now); }

void ConnectionEntry::note(Failure failure) {
  if (!failure.authentic && last_failure && last_failure->authentic) {
    unproven_since = std::move(failure);
    return;
  }
  last_failure = std::move(failure);
  unproven_since.reset();
}

void ConnectionEntry::ike_sa_up() {
  attempts = 0;
  unproven_since.reset();
  wanted = !held_down && connection->start == StartMode::start;
}

void ConnectionEntry::child_up() {
  held_down = false;
  wanted = connection->start == StartMode::start;
}

std::optional<Instant> ConnectionEntry::next_attempt() const {
  std::optional<Instant> earliest = attempt_at;
  for (const auto& [name, child] : children)
    if (child.attempt_at && (!earliest || *child.attempt_at < *earliest)) earliest = child.attempt_at;
  return earliest;
}

ConnectionEntry* ConnectionTable::find(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return nullptr;
  touched_.push_back(name);
  return &found->second;
}

void ConnectionTable::forget_remote(const std::string& name) {
  const auto entry = entries_.find(name);
  if (entry == entries_.end() || !entry->second.connection) return;
  const auto names = by_remote_.find(entry->second.connection->remote);
  names->second.erase(name);
  if (names->second.empty()) by_remote_.erase(names);
}

void ConnectionTable::erase(const std::string& name) {
  forget_remote(name);
  attempts_.set(name, {});
  entries_.erase(name);
}

void ConnectionTable::clear() {
  by_remote_.clear();
  attempts_ = {};
  entries_.clear();
}

void ConnectionTable::settle() {
  for (const std::string& name : std::exchange(touched_, {}))
    if (const auto found = entries_.find(name); found != entries_.end())
      attempts_.set(name, found->second.next_attempt());
}

ChildEntry* ConnectionTable::find(const std::string& name, const std::string& child) {
  ConnectionEntry* entry = find(name);
  if (!entry) return nullptr;
  const auto found = entry->children.find(child);
  return found == entry->children.end() ? nullptr : &found->second;
}

ConnectionEntry& ConnectionTable::set(Connection connection) {
  const std::string name = connection.name;
  forget_remote(name);
  by_remote_[connection.remote].insert(name);
  touched_.push_back(name);
  ConnectionEntry& entry = entries_[name];
  entry.connection = std::make_shared<const Connection>(std::move(connection));
  std::map<std::string, ChildEntry> children;
  for (const ChildDefinition& definition : entry.connection->children)
    children[definition.name] = entry.children[definition.name];
  entry.children = std::move(children);
  return entry;
}

void ConnectionTable::visit_matching(IkeVersion version, const IpAddress& local, const IpAddress& remote,
                                     const std::function<bool(const std::shared_ptr<const Connection>&)>& visit) const {
  const auto is_local = [&](const Connection& connection) {
    return connection.local.is_any() || connection.local == local ||
           std::ranges::find(connection.other_locals, local) != connection.other_locals.end();
  };
  for (const IpAddress& configured : {remote, IpAddress::any(Family::ipv4), IpAddress::any(Family::ipv6)}) {
    const auto names = by_remote_.find(configured);
    if (names == by_remote_.end()) continue;
    for (const std::string& name : names->second)
      if (const auto& connection = entries_.at(name).connection;
          connection->version == version && is_local(*connection) && !visit(connection))
        return;
  }
}

std::vector<std::shared_ptr<const Connection>> ConnectionTable::matching(IkeVersion version, const IpAddress& local,
                                                                         const IpAddress& remote) const {
  std::vector<std::shared_ptr<const Connection>> result;
  visit_matching(version, local, remote, [&](const auto& connection) {
    result.push_back(connection);
    return true;
  });
  return result;
}

bool ConnectionTable::match(IkeVersion version, const IpAddress& local, const IpAddress& remote) const {
  bool any = false;
  visit_matching(version, local, remote, [&](const auto&) {
    any = true;
    return false;
  });
  return any;
}

}  // namespace sekisho::ike
