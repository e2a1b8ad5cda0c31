// The kernel's side of the daemon: keeps the mirrors, one for the front door and one for each VRF, configures the twins
// by them, and tells the dataplane the routes. A twin is made in the front door, and moved from there into its VRF.
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

#include "control/loop/loop.h"
#include "control/main/namespaces.h"
#include "control/main/route_views.h"
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
  // The VRFs by name; the front door's is empty, and always among them.
  virtual std::map<std::string, ipc::VrfId> vrf_ids() const = 0;
  // Of one of them, without `elsewhere`.
  virtual KernelSpec kernel_spec(const std::string& vrf) const = 0;
  // Twins of what the dataplane has acknowledged, by VRF.
  virtual std::map<std::string, routing::Attachments> attachments() const = 0;
  // VRFs can be used or not any more.
  virtual void vrfs_changed() = 0;
  // These twins stand nowhere any more: somebody deleted them, or the namespace in which they were.
  virtual void twins_gone(const std::set<std::string>& twins) = 0;
  // The front door's, by zebra's word; nullptr where that is not known.
  virtual const zserv::Table* learnt_routes() const = 0;
  // Peers' addresses: where one is on a link, its neighbour entry is kept resolved.
  virtual std::vector<IpAddress> peers() const = 0;
  // Before a look at everything, and after it.
  virtual void network_settles() = 0;
  virtual void network_changed() = 0;
  // The dataplane has acknowledged what this round, and all before it, had to tell.
  virtual void routed(uint64_t round) = 0;
  virtual void network_failed(const Error& error) = 0;
  // Static routes that cannot be installed; told once, while they stand in missing_routes().
  virtual void route_missing(const Error& error) = 0;
};

class Network {
 public:
  static Result<std::unique_ptr<Network>> open(sd_event* loop, TransactionSink& sink, NetworkHost& host,
                                               NamespaceDoor door);

  // The wishes or the dataplane have changed: looks at everything again, soon.
  void touch();
  // The dataplane knows no routes, or another control's; what was under way to it is not answered any more.
  void forget_pushed();
  // The last look that has begun; what is wished from now on is in the one after it.
  uint64_t round() const { return round_; }
  // Of the front door.
  const kernel::State& state() const { return spaces_.front_door().state(); }
  const routing::Plan& plan() const { return plans_.at(ipc::front_door); }
  // Why a VRF cannot be used, and since when; nullptr where it can.
  const Namespaces::Fault* fault(const std::string& vrf) const;
  // Whether the dataplane may have routes of that VRF.
  bool has_routes(ipc::VrfId vrf) const { return push_all_ || pushed_.has_routes(vrf); }
  // All that can be looked into, by name.
  std::vector<VrfRoutes> vrfs() const;
  // FRR's, for want of room in the dataplane.
  size_t left_out() const;
  // Likewise, a group whose routes take the first of its ways.
  bool lacks_room(const routing::Group& group) const { return pushed_.lacks_room(group); }
  bool has_address(const IpAddress& address) const;
  // Whether the kernel has refused that at the last look too.
  bool still_refused(const Error& change) const { return failures_.contains(change.text()); }
  // Static routes by their VRF and gateway, where that has been out of reach at two looks in a row.
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
  Network(sd_event* loop, TransactionSink& sink, NetworkHost& host, Namespaces spaces);
  using Namespace = Namespaces::Namespace;
  void look_for_vrfs(bool again);
  void leave(const std::string& vrf);
  void look_for_twins();
  std::set<std::string> due_again(const std::set<std::string>& gone);
  // The twins that are in a VRF's namespace. While the front door still has one, what bears its name there is another.
  routing::Attachments twins_in(const std::string& vrf) const;
  void kernel_event(const std::string& vrf);
  // Takes in what the kernel has told. True where something changed.
  bool take_in();
  bool take_in(const std::string& vrf, Namespace& space);
  void settle();
  void plan_all();
  // True where the kernel was told to change something.
  bool configure();
  bool configure(const std::string& vrf, Namespace& space, std::set<std::string>& failures);
  Result<void> carry_out(const std::string& vrf, Namespace& space, const KernelChange& change);
  void configure_whole();
  void guard();
  void enable_forwarding(const KernelSpec& spec, std::set<std::string>& failures);
  void push_routes();
  void push_piece();
  void piece_pushed(const std::optional<Error>& refusal);
  void refused(const Error& refusal);
  std::set<Prefix> in_the_way(const routing::Destination& failing) const;
  void give_up(ipc::VrfId vrf, const Error& refusal);
  // Routes of the kernel, in all VRFs, and of zebra.
  size_t offered() const;
  void probe_wanted();
  void add_peers(std::vector<kernel::NeighbourKey>& wanted) const;
  void report_once(std::set<std::string>& known, const Error& error);
  bool attached_and_up(const std::string& vrf, const Namespace& space, int link) const;

  TransactionSink& sink_;
  NetworkHost& host_;
  Namespaces spaces_;
  std::map<std::string, routing::Attachments> attachments_;  // as of the last look
  std::map<std::string, Namespaces::Fault> full_;            // VRFs whose routes found no room
  Timer settle_timer_;
  Timer retry_timer_;
  Timer probe_timer_;
  Timer room_timer_;
  Timer vrf_timer_;
  std::set<int> forwarding_;  // links of the front door that forward by now
  routing::Plans plans_;
  routing::Pushed pushed_;
  std::map<ipc::VrfId, std::set<Prefix>> left_out_;
  size_t too_many_ = 0;                         // how many were offered when they were left out
  std::vector<routing::RouteCommand> to_push_;  // by the plan of pushed_round_
  size_t next_to_push_ = 0, piece_begin_ = 0;
  bool piece_is_all_ = false;
  uint64_t pushed_round_ = 0;
  uint64_t round_ = 0;
  bool push_all_ = true;
  bool push_in_flight_ = false;
  bool push_waits_ = false;
  // Twins that were found gone: no other try before, and then after that pause.
  struct Again {
    Instant at;
    Duration pause;
  };
  std::map<std::string, Again> again_;
  Instant settled_{};  // the end of the last settle()
  Duration last_settle_{};
  std::set<std::string> failures_;  // of the last round: said already
  std::map<std::pair<std::string, IpAddress>, MissingRoutes> missing_;
};

}  // namespace sekisho::control
