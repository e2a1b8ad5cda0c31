// The security groups of the configuration, as filters in the dataplane (config/security_groups.h), and what the
// dataplane says of them.
//
// They are sent whole, by names of interfaces, and before the interfaces: one that is new is never there without its
// filter, and one that goes keeps its own until the next change. Where the dataplane refuses them, filters without
// rules are sent instead: what was to be filtered is dropped.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "control/config/security_groups.h"
#include "control/rpc/operations.h"
#include "control/tunnel/counters.h"
#include "control/tunnel/tunnels.h"

namespace sekisho::control {

class Filters {
 public:
  static constexpr size_t kept_denials = 16;  // of each filter

  Filters(TransactionSink& sink, std::function<void(const Error&)> failed) : sink_(sink), failed_(std::move(failed)) {}

  // As the configuration has them.
  void set(const config::Config& config);
  void dataplane_up();
  void denied(const ipc::PacketDenied& report, Instant now);
  rpc::SecurityView view() const;

 private:
  struct Held {
    config::Filter filter;
    ipc::FilterId id;
    Counts<ipc::FilterCounter> before{};  // what the id had counted when it became this filter's
    std::deque<rpc::Denial> denials;      // the last first
    std::vector<std::string> leaving;     // interfaces that the configuration has no longer
  };

  void let_go(const config::Config& config, const std::vector<config::Filter>& wanted);
  Transaction replacement(bool with_rules) const;
  void push();
  ipc::FilterId free_id() const;

  TransactionSink& sink_;
  std::function<void(const Error&)> failed_;
  std::vector<Held> held_;
};

}  // namespace sekisho::control
