// What every handler of one engine step works with, whichever version it speaks: the world outside, the connections,
// the time, and the list of actions that the step will return. Lives for that step only.
#pragma once

#include <string>

#include "control/ike/connection_table.h"
#include "control/ike/engine.h"
#include "control/ike/exchange.h"

namespace sekisho::ike {

class AnswerLimit;

struct Context {
  Environment& environment;
  const EngineOptions& options;
  ConnectionTable& connections;
  ReportLimit& anonymous_reports;  // of what belongs to no connection
  AnswerLimit& answers;            // to who has proven nothing
  Instant now;
  Actions& actions;

  // Rate-limited per connection and message. What is worse than news stays as the connection's last failure. `proof`:
  // whether what is reported was said by the peer itself, or by who may have been anybody.
  void report(const Message& message, const std::string& connection, std::string detail,
              std::optional<Mismatch> mismatch = {}, Report::Proof proof = Report::Proof::authentic);
  void send(const Endpoint& local, const Endpoint& remote, Bytes data);
  void send(const Endpoint& local, const Endpoint& remote, const Datagrams& message);
  // Where the connection is wanted, it is tried again after `delay`.
  void retry(const std::string& connection, Duration delay);
  // An attempt failed: nothing, not even traffic, begins the next one before the connection's retry_interval is over.
  void back_off(const std::string& connection);
  // Its peer stopped answering and its SAs go: what DpdAction says.
  void after_death(const std::string& connection);

  Random& random() { return environment.random(); }
  Bytes random_bytes(size_t size);
  // Somewhere between half of `longest` and all of it, so that two ends with equal settings rarely act at once.
  Duration jittered(Duration longest);
  // When to renew what lives for `lifetime` from now.
  Instant renewal_of(Duration lifetime, const Renewal& renewal);
  // The same for a limit of bytes or packets: a tenth before it and up to `fuzz` percent of that earlier, but no less
  // than half of it. 0 stays 0.
  uint64_t soft_limit(uint64_t hard, unsigned fuzz);
};

inline constexpr uint16_t ike_port = 500;
inline constexpr uint16_t nat_port = 4500;

}  // namespace sekisho::ike
