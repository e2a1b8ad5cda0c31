// The connections that the operator wants, and what the engine remembers about each beyond its SAs: whether to keep it
// up, when to try next, which child SAs it sends on, what failed last, and how much it reported lately.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/message.h"
#include "control/ike/connection.h"
#include "control/ike/failure.h"
#include "control/ike/schedule.h"
#include "control/ike/token_bucket.h"

namespace sekisho::ike {

// A bucket for each message: a burst is let through, then a trickle. What a network can provoke cannot fill the log.
class ReportLimit {
 public:
  bool allows(const Message& message, Instant now);

 private:
  static constexpr TokenRate rate{10, std::chrono::seconds(5)};
  std::map<const Message*, TokenBucket> buckets_;
};

// Of one ChildDefinition.
struct ChildEntry {
  uint32_t sends_on = 0;              // inbound SPI of the child SA that is sent on, or is about to be; 0: none
  std::optional<Instant> attempt_at;  // when to ask for it next, in the IKE SA that there is
  Instant not_before{};               // it failed; nor does traffic make us ask earlier
};

struct ConnectionEntry {
  std::shared_ptr<const Connection> connection;
  bool wanted = false;                         // we bring it up again whenever it goes down
  bool held_down = false;                      // by the operator, until he or the peer brings a child up
  std::optional<Instant> attempt_at;           // when to begin an IKE SA next
  Instant not_before{};                        // it failed; nor does traffic make us begin earlier
  unsigned attempts = 0;                       // begun here since one was established
  std::map<std::string, ChildEntry> children;  // one for each definition
  std::optional<Failure> last_failure;
  std::optional<Failure> unproven_since;  // what anybody may have provoked takes no authentic failure's place
  ReportLimit reports;

  // At whatever comes first, of an IKE SA or a child.
  std::optional<Instant> next_attempt() const;
  void note(Failure failure);
  // An IKE SA stands. An IKE SA alone, which may be all that the peer gets, does not end what holds the connection
  // down.
  void ike_sa_up();
  // A child SA stands that the peer asked for, and with IKEv1 confirmed.
  void child_up();
};

class ConnectionTable {
 public:
  ConnectionEntry* find(const std::string& name);
  ChildEntry* find(const std::string& name, const std::string& child);
  ConnectionEntry& set(Connection connection);
  void erase(const std::string& name);
  void clear();
  // Those of that version whose addresses fit; an unspecified remote address fits every peer, but comes last.
  std::vector<std::shared_ptr<const Connection>> matching(IkeVersion version, const IpAddress& local,
                                                          const IpAddress& remote) const;
  // Whether that is the remote address of a connection.
  bool knows_peer_at(const IpAddress& remote) const { return by_remote_.contains(remote); }
  // Whether there is a connection with its peer's address.
  bool knows_peers() const {
    return std::ranges::any_of(by_remote_, [](const auto& each) { return !each.first.is_any(); });
  }
  // Whether there are any.
  bool match(IkeVersion version, const IpAddress& local, const IpAddress& remote) const;
  const std::map<std::string, ConnectionEntry>& all() const { return entries_; }

  // Attempts. An entry that was handed out for change counts from settle() on, at the end of the step.
  std::optional<Instant> next_attempt() const { return attempts_.earliest(); }
  std::vector<std::string> due(Instant now) const { return attempts_.due(now); }
  void settle();

 private:
  void forget_remote(const std::string& name);
  // In that order, until `visit` returns false.
  void visit_matching(IkeVersion version, const IpAddress& local, const IpAddress& remote,
                      const std::function<bool(const std::shared_ptr<const Connection>&)>& visit) const;

  std::map<std::string, ConnectionEntry> entries_;
  std::map<IpAddress, std::set<std::string>> by_remote_;
  Schedule<std::string> attempts_;
  std::vector<std::string> touched_;
};

}  // namespace sekisho::ike
