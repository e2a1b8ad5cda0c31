// sekisho-control, assembled: the IKE engine and its sockets, the tunnels and ports in the dataplane, the kernel, and
// the operations that the control socket offers. One thread, one loop.
//
//   peers <-> UdpTransport <-> Engine -> actions -> Tunnels -> DataplaneClient <-> dataplane
//                                  ^--- SA events, refusals ---'         ^
//   configuration -> Ports, Tunnels, Engine          Network (kernel) ---' routes
//                                        FRR's zebra <-> Zebra ---^
//
// Events for the engine are queued and taken one after the other, because carrying out its actions may raise new ones.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "base/random.h"
#include "control/config/config.h"
#include "control/config/warnings.h"
#include "control/dp/client.h"
#include "control/ike/connection_table.h"
#include "control/ike/engine.h"
#include "control/key_log/key_log.h"
#include "control/main/filters.h"
#include "control/main/frr_doors.h"
#include "control/main/network.h"
#include "control/main/ports.h"
#include "control/main/probes.h"
#include "control/main/vrf_ids.h"
#include "control/main/zebra.h"
#include "control/routing/bgp/inquiries.h"
#include "control/rpc/operations.h"
#include "control/transport/handshake_queue.h"
#include "control/transport/udp.h"
#include "control/tunnel/group.h"
#include "control/tunnel/tunnels.h"
#include "control/tunnel/up_since.h"

namespace sekisho::control {

class Daemon final : public rpc::Operations,
                     private ike::Environment,
                     private DataplaneListener,
                     private TransactionSink,
                     private TunnelListener,
                     private NetworkHost,
                     private ProbeHost,
                     private ZebraHost {
 public:
  // Opens sockets and reads the kernel; the dataplane is waited for in the loop.
  static Result<std::unique_ptr<Daemon>> start(sd_event* loop, config::Config config, std::string config_file,
                                               const std::string& dataplane_socket, FrrDoors frr,
                                               NamespaceDoor namespaces);
  ~Daemon() override;

  // Reads the file again and applies what differs; an invalid file changes nothing.
  void reload();
  // Says goodbye to the peers and takes the SAs away; ends the loop when the dataplane has done so, or after a second.
  void shut_down();

  // rpc::Operations
  Instant now() const override { return MonotonicClock::now(); }
  WallTime wall_clock() const override { return std::chrono::system_clock::now(); }  // ike::Environment's, too
  const config::Config& running() const override { return config_; }
  rpc::DaemonView daemon() const override;
  std::vector<rpc::TunnelView> tunnels() const override;
  std::optional<TunnelMtu> tunnel_mtu(const std::string& name) const override { return tunnels_.mtu(name); }
  std::vector<ike::IkeSaView> ike_sas() const override;
  std::vector<ike::ConnectionView> connections() const override;
  std::vector<rpc::ChildCounters> child_counters() const override;
  rpc::RoutePart routes(const std::optional<rpc::RoutePlace>& after, size_t most) const override {
    return route_views().part(after, most);
  }
  std::vector<rpc::RouteView> routes_to(const Prefix& prefix) const override { return route_views().to(prefix); }
  std::vector<rpc::RouteView> routes_taken_by(const IpAddress& address) const override {
    return route_views().taken_by(address);
  }
  bool has_interface(std::string_view name) const override;
  std::vector<rpc::NeighbourView> neighbours() const override;
  std::vector<rpc::VrfView> vrfs() const override;
  std::vector<rpc::PortView> ports() const override;
  rpc::DropCounters drops() const override;
  void bgp(bgp::View view, std::string neighbour, std::function<void(Result<nlohmann::json>)> done) override;
  std::vector<rpc::GroupView> groups() const override;
  rpc::SecurityView security() const override { return filters_.view(); }
  Result<void> tunnel_up(std::string_view name) override;
  Result<void> tunnel_down(std::string_view name) override;
  Result<void> rekey_child(std::string_view name, std::string_view child) override;
  Result<void> rekey_ike(std::string_view name) override;
  Result<void> group_prefer(std::string_view name, std::string_view tunnel) override;
  Result<void> group_fail_back(std::string_view name) override;
  Result<void> apply(config::Config desired, const config::Plan& plan) override;

 private:
  // What is known of a configured tunnel beyond its SAs.
  struct Status {
    bool connection_set = false;  // the engine has it
    bool held_down = false;
    std::optional<Instant> asked_again;  // for SAs in place of those that an earlier control left
    std::optional<rpc::LastError> last_error;
    ike::Report::Proof last_error_proof = ike::Report::Proof::authentic;
  };

  Daemon(sd_event* loop, config::Config config, std::string config_file, const std::string& dataplane_socket,
         FrrDoors frr);

  RouteViews route_views() const;

  // ike::Environment
  Random& random() override { return random_; }
  std::optional<uint32_t> allocate_inbound_spi() override { return tunnels_.allocate_inbound_spi(); }
  void release_inbound_spi(uint32_t spi) override { tunnels_.release_inbound_spi(spi); }
  std::optional<OuterWay> outer_way(const IpAddress& peer) const override { return find_way(peer); }
  bool carries(const std::string& connection, const std::string& child) const override {
    return tunnels_.carries_leftover(connection, child);
  }
  ike::KeyObserver* key_observer() override { return key_log_.get(); }
  // DataplaneListener
  void dataplane_up(const Inventory& inventory) override;
  void dataplane_down(const Error& error) override;
  void dataplane_unreachable(const Error& error) override;
  void port_changed(const ipc::PortState& port) override { ports_.port_changed(port); }
  void sa_event(const ipc::SaEvent& event) override;
  void unknown_spi(const ipc::UnknownSpi& report) override;
  void traffic_waiting(const ipc::TrafficWaiting& report) override;
  void packet_denied(const ipc::PacketDenied& report) override { filters_.denied(report, now()); }
  // TransactionSink
  bool ready() const override { return dataplane_.up(); }
  void submit(Transaction transaction, DataplaneClient::Done done) override;
  const ipc::CounterTable* counters() const override { return dataplane_.counters(); }
  // TunnelListener
  void tunnel_changed(const std::string& name) override;
  void tunnel_mtu_changed() override { network_->touch(); }
  void outer_way_changed(const std::string& name) override { raise(ike::WayChanged{name}); }
  void tunnel_refused(const std::string& name, const Error& error) override;
  void child_refused(const std::string& name, uint32_t inbound_spi, const Error& error) override;
  // NetworkHost
  std::map<std::string, ipc::VrfId> vrf_ids() const override { return vrf_ids_.all(); }
  KernelSpec kernel_spec(const std::string& vrf) const override;
  std::map<std::string, routing::Attachments> attachments() const override;
  void vrfs_changed() override;
  void twins_gone(const std::set<std::string>& twins) override;
  const zserv::Table* learnt_routes() const override { return zebra_ ? zebra_->table() : nullptr; }
  std::vector<IpAddress> peers() const override;
  void network_settles() override;
  void network_changed() override;
  void routed(uint64_t round) override;
  void network_failed(const Error& error) override { note_daemon_error(error); }
  void route_missing(const Error& error) override;
  // ProbeHost
  std::optional<int> probe_link(const std::string& tunnel) const override;
  std::string probe_interface(const std::string& tunnel) const override;
  void probe_changed(const std::string& tunnel) override;
  // ZebraHost
  void zebra_changed() override { network_->touch(); }
  void zebra_failed(const Error& error) override { note_daemon_error(error); }

  // Puts an event into the queue and works the queue off, unless that is being done already.
  void raise(ike::Event event);
  void receive(const Endpoint& local, const Endpoint& remote, ByteView message);
  void take_handshake();
  void perform(ike::Action& action);
  void perform(const ike::SendDatagram& action);
  void perform(const ike::InstallChildSa& action);
  void perform(const ike::UpdateChildSa& action);
  void perform(const ike::ActivateOutbound& action);
  void perform(const ike::RemoveChildSa& action);
  void perform(const ike::SetPathMtu& action);
  void perform(const ike::Report& action);
  void arm_timers();
  void keep_nat_mappings();
  void look_around();
  bool dataplane_silent() const;

  bool has_local_address(const ike::Connection& connection) const;
  void tell_local_addresses();
  void set_ready_connections();
  void renew_adopted();
  void set_tunnel(const std::string& name, const config::Tunnel& tunnel);
  std::optional<OuterWay> find_way(const IpAddress& peer) const;
  void note_tunnel_error(const std::string& name, const Error& error,
                         ike::Report::Proof proof = ike::Report::Proof::authentic);
  void note_daemon_error(const Error& error);
  // Nothing where `config` wants none.
  Result<std::unique_ptr<key_log::KeyLog>> open_key_log(const config::Config& config);
  void open_zebra();
  Zebra::OwnRoutes routes_for_zebra() const;
  void stand_behind_zebra(auto& routes, const config::Propagation& propagation, bool leads) const;
  // It is live and answers its probe, if it has one.
  bool usable(const std::string& tunnel) const;
  // As the configuration has them.
  void set_groups();
  // After a start of control: which tunnels carried traffic before.
  void recall_carriers();
  // Tells the tunnel's group, if it is in one, whether it is usable.
  void tell_group(const std::string& tunnel);
  void decide(const std::string& name, Group& group);
  void decide_groups();
  void arm_group_timer();
  // One that carries traffic, and its share of it beside others.
  struct Carrier {
    const config::Tunnel* tunnel;
    uint16_t weight;
  };
  std::vector<Carrier> carriers(std::string_view group) const;
  // Of a tunnel that cannot lead that group.
  std::string why_unusable(std::string_view group, const std::string& tunnel) const;
  void withdraw(const std::vector<Prefix>& routes, const std::string& vrf);
  void forget_tunnel(const std::string& name);
  void forget_tunnel_for_now(const std::string& name);
  void renew_tunnel(const std::string& name);
  void set_vrfs();
  void adopt_vrfs(const Inventory& inventory);
  void set_port(const std::string& name, const config::Port& port);
  void warn();  // of what is due
  void check_farewell();

  sd_event* loop_;
  config::Config config_;
  std::string config_file_;
  Instant started_ = MonotonicClock::now();
  SystemRandom random_;
  std::map<std::string, Status, std::less<>> status_;
  UpSince up_since_;
  VrfIds vrf_ids_;
  std::map<std::string, Group, std::less<>> groups_;
  Probes probes_;
  DataplaneClient dataplane_;
  Filters filters_;
  Ports ports_;
  Tunnels tunnels_;
  std::unique_ptr<key_log::KeyLog> key_log_;
  ike::Engine engine_;
  std::unique_ptr<UdpTransport> transport_;
  std::unique_ptr<Network> network_;
  FrrDoors frr_;
  std::unique_ptr<Zebra> zebra_;  // where the configuration has FRR
  bgp::Inquiries inquiries_;
  std::vector<IpAddress> usable_addresses_;  // as the engine has been told
  HandshakeQueue handshakes_;
  std::optional<Instant> handshake_dropped_said_;
  ike::ReportLimit refusals_;  // of child SAs, by the dataplane
  std::deque<ike::Event> events_;
  bool working_ = false;
  bool installing_ = false;                // this step of the engine has an SA for the dataplane
  size_t held_datagrams_ = 0;              // until the dataplane has acknowledged one
  std::set<std::string> doubtful_;         // tunnels that did not carry before control's start, whose probes may fail
  bool adopting_ = false;                  // what the dataplane has is being taken over
  std::optional<Instant> farewell_until_;  // ending
  Timer engine_timer_;
  Turn handshake_turn_;
  Timer tunnel_timer_;
  Timer group_timer_;
  Timer keepalive_timer_;
  Timer look_timer_;
  Timer farewell_timer_;
  Timer warning_timer_;  // daily
  std::optional<Instant> dataplane_since_;
  std::optional<Instant> unknown_spi_said_;
  bool silence_said_ = false;
  config::WarningWatch warnings_;
  std::optional<rpc::LastError> last_error_;
};

}  // namespace sekisho::control
