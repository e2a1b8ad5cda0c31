// The kernel's side of the daemon: keeps the mirror, configures the twins by it, and tells the dataplane the routes.
//
//   kernel or wishes change -> (a moment later) reconcile the kernel -> plan the routes -> push what is new
//
// A moment is waited so that a burst of notifications is one change. What is new is pushed in pieces, so that an SA,
// which a peer may use at once, does not wait for a whole table, and a plan that is old by then goes no further. Where
// there is no room, FRR's routes that were to be added are left out; they are tried again from time to time, and once
// there are fewer routes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/kernel/configurator.h"
#include "control/kernel/mirror.h"
#include "control/loop/loop.h"
#include "control/routing/left_out.h"
#include "control/routing/plan.h"
#include "control/routing/pushed.h"
#include "control/tunnel/tunnels.h"
#include "control/twin/reconcile.h"

namespace sekisho::control {

// What the network is to be, and who hears of it.
class NetworkHost {
 public:
  virtual ~NetworkHost() = default;
  virtual KernelSpec kernel_spec() const = 0;
  // Twins of what the dataplane has acknowledged.
  virtual routing::Attachments attachments() const = 0;
  // By zebra's word; nullptr where that is not known.
  virtual const zserv::Table* learnt_routes() const = 0;
  // Peers' addresses: where one is on a link, its neighbour entry is kept resolved.
  virtual std::vector<IpAddress> peers() const = 0;
  virtual void network_changed() = 0;
  // The dataplane has acknowledged what this round, and all before it, had to tell.
  virtual void routed(uint64_t round) = 0;
  virtual void network_failed(const Error& error) = 0;
  // Static routes that cannot be installed; told once, while they stand in missing_routes().
  virtual void route_missing(const Error& error) = 0;
};

class Network {
 public:
  static Result<std::unique_ptr<Network>> open(sd_event* loop, TransactionSink& sink, NetworkHost& host);

  // The wishes or the dataplane have changed: looks at everything again, soon.
  void touch();
  // The dataplane knows no routes, or another control's; what was under way to it is not answered any more.
  void forget_pushed();
  // The last look that has begun; what is wished from now on is in the one after it.
  uint64_t round() const { return round_; }
  const kernel::State& state() const { return mirror_->state(); }
  const routing::Plan& plan() const { return plan_; }
  // FRR's, for want of room in the dataplane.
  size_t left_out() const { return left_out_.size(); }
  bool has_address(const IpAddress& address) const;
  // Static routes by their gateway, where that has been out of reach at two looks in a row.
  struct MissingRoutes {
    Prefix first;
    size_t count = 0;
    Instant since{};
    bool told = false;
  };
  void look_for_missing_routes();
  std::vector<std::pair<Error, Instant>> missing_routes() const;
  // Of links that are up; in no particular order, but the same one for the same state.
  std::vector<IpAddress> usable_addresses() const;

 private:
  Network(sd_event* loop, TransactionSink& sink, NetworkHost& host, std::unique_ptr<kernel::Mirror> mirror,
          kernel::Configurator configurator);
  void kernel_event();
  // Takes in what the kernel has told. True where something changed.
  bool take_in();
  void settle();
  // True where the kernel was told to change something.
  bool configure();
  void configure_whole();
  void guard();
  void enable_forwarding(const KernelSpec& spec, std::set<std::string>& failures);
  void push_routes();
  void push_piece();
  void piece_pushed(const std::optional<Error>& refusal);
  void refused(const Error& refusal);
  // Routes of the kernel and of zebra.
  size_t offered() const;
  void probe_wanted();
  void report_once(std::set<std::string>& known, const Error& error);
  bool attached_and_up(int link) const;

  TransactionSink& sink_;
  NetworkHost& host_;
  std::unique_ptr<kernel::Mirror> mirror_;
  kernel::Configurator configurator_;
  Watch watch_;
  Timer settle_timer_;
  Timer retry_timer_;
  Timer probe_timer_;
  Timer room_timer_;
  OwnAddresses own_addresses_;
  std::set<int> forwarding_;  // links that forward by now
  routing::Plan plan_;
  routing::Pushed pushed_;
  std::set<Prefix> left_out_;
  size_t too_many_ = 0;                         // how many were offered when they were left out
  std::vector<routing::RouteCommand> to_push_;  // by the plan of pushed_round_
  size_t next_to_push_ = 0, piece_begin_ = 0;
  bool piece_is_all_ = false;
  uint64_t pushed_round_ = 0;
  uint64_t round_ = 0;
  bool push_all_ = true;
  bool push_in_flight_ = false;
  bool push_waits_ = false;
  Instant settled_{};  // the end of the last settle()
  Duration last_settle_{};
  std::set<std::string> failures_;  // of the last round: said already
  std::map<IpAddress, MissingRoutes> missing_;
};

}  // namespace sekisho::control
