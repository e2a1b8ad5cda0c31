// The security groups of the configuration, as filters in the dataplane (config/security_groups.h), and what the
// dataplane says of them.
//
// They are sent whole, by names of interfaces, and before the interfaces. Safety does not hang on that: an interface
// that has groups is set with the flag `filtered` (ipc::PortSet, ipc::TunnelSet), and passes nothing while no filter is
// attached to its name, be it that it was refused, or that a control which does not know the interface has replaced all
// filters. Where the dataplane refuses them, those that it has stay in force.
#pragma once

#include <deque>
#include <functional>
#include <optional>
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
  };

  ipc::FilterId free_id() const;
  Transaction replacement() const;
  void push();
  void answered(const std::optional<Error>& refusal);
  void count_from_now();

  TransactionSink& sink_;
  std::function<void(const Error&)> failed_;
  std::vector<Held> held_;
  std::optional<Error> refusal_;  // of what was sent last and answered
};

}  // namespace sekisho::control
