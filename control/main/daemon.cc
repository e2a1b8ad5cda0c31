#include "control/main/daemon.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/messages/dataplane.h"
#include "base/messages/ike.h"
#include "base/messages/routing.h"
#include "base/printable.h"
#include "ipc/convert.h"

namespace sekisho::control {
namespace {

constexpr auto keepalive_interval = std::chrono::seconds(20);  // RFC 3948 section 4
constexpr auto look_interval = std::chrono::seconds(5);
constexpr auto longest_silence = std::chrono::seconds(10);  // a table of a million routes takes its time
constexpr auto farewell_patience = std::chrono::seconds(1);
constexpr auto farewell_step = std::chrono::milliseconds(30);
constexpr auto warning_interval = std::chrono::hours(24);
constexpr auto unknown_spi_interval = std::chrono::seconds(10);
constexpr auto handshake_dropped_interval = std::chrono::seconds(10);

spdlog::level::level_enum level(Severity severity) {
  switch (severity) {
    case Severity::info:
      return spdlog::level::info;
    case Severity::warning:
      return spdlog::level::warn;
    case Severity::error:
      break;
  }
  return spdlog::level::err;
}

void log(const std::string& tunnel, const Error& error) {
  const std::string owner = tunnel.empty() ? "" : "tunnel " + tunnel + ": ";
  spdlog::log(level(error.message->severity), "{}{}", owner, printable(error.text()));
}

bool wakes_on_traffic(const config::Tunnel& tunnel) { return tunnel.connection.start == ike::StartMode::on_traffic; }

}  // namespace

Daemon::Daemon(sd_event* loop, config::Config config, std::string config_file, const std::string& dataplane_socket,
               FrrDoors frr)
    : loop_(loop),
      config_(std::move(config)),
      config_file_(std::move(config_file)),
      probes_(loop, *this, random_, [this] { return frr_.connect(FrrDoor::bfdd_vty); }),
      dataplane_(loop, dataplane_socket, *this),
      filters_(*this, [this](const Error& error) { note_daemon_error(error); }),
      ports_(
          *this, [this] { network_->touch(); }, [this] { return network_->round(); }),
      tunnels_(*this, *this, random_, &MonotonicClock::now, [this](const IpAddress& peer) { return find_way(peer); }),
      engine_({}, *this),
      frr_(std::move(frr)),
      inquiries_(loop, [this] { return frr_.connect(FrrDoor::bgpd_vty); }, {}),
      handshakes_([this](ByteView message) { return engine_.knows(message); }),
      engine_timer_(loop,
                    [this] {
                      // After a turn that took long, the answer may have come before the time for it was over.
                      transport_->receive_waiting();
                      take_handshake();
                      raise(ike::TimerFired{});
                    }),
      handshake_turn_(loop, [this] { take_handshake(); }),
      tunnel_timer_(loop,
                    [this] {
                      tunnels_.expire_leftovers();
                      tunnels_.retry_refused();
                      arm_timers();
                    }),
      group_timer_(loop, [this] { decide_groups(); }),
      keepalive_timer_(loop, [this] { keep_nat_mappings(); }),
      look_timer_(loop, [this] { look_around(); }),
      farewell_timer_(loop, [this] { check_farewell(); }),
      warning_timer_(loop, [this] { warn(); }) {
  keepalive_timer_.set_in(keepalive_interval);
  look_timer_.set_in(look_interval);
}

Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::start(sd_event* loop, config::Config config, std::string config_file,
                                              const std::string& dataplane_socket, FrrDoors frr,
                                              NamespaceDoor namespaces) {
  std::unique_ptr<Daemon> daemon(
      new Daemon(loop, std::move(config), std::move(config_file), dataplane_socket, std::move(frr)));
  daemon->set_vrfs();
  auto network = Network::open(loop, *daemon, *daemon, std::move(namespaces));
  if (!network) return std::unexpected(network.error());
  daemon->network_ = std::move(*network);
  auto transport =
      UdpTransport::open(loop, [raw = daemon.get()](const Endpoint& local, const Endpoint& remote, ByteView message) {
        raw->receive(local, remote, message);
      });
  if (!transport) return std::unexpected(transport.error());
  daemon->transport_ = std::move(*transport);
  daemon->filters_.set(daemon->config_);
  for (const auto& [name, port] : daemon->config_.ports) daemon->set_port(name, port);
  for (const auto& [name, tunnel] : daemon->config_.tunnels) {
    daemon->status_[name];
    daemon->set_tunnel(name, tunnel);
    daemon->probes_.set(name, tunnel.probe, false);
  }
  daemon->set_groups();
  daemon->recall_carriers();
  if (auto key_log = daemon->open_key_log(daemon->config_)) {
    daemon->key_log_ = std::move(*key_log);
  } else {
    daemon->config_.key_log.reset();
    daemon->config_.key_log_fault = key_log.error();
  }
  daemon->open_zebra();
  daemon->warn();
  return daemon;
}

// ---------------------------------------------------------------------------------------------------- the engine

void Daemon::raise(ike::Event event) {
  events_.push_back(std::move(event));
  if (working_) return;
  working_ = true;
  while (!events_.empty()) {
    ike::Event next = std::move(events_.front());
    events_.pop_front();
    installing_ = false;
    for (ike::Action& action : engine_.step(std::move(next), now())) perform(action);
  }
  working_ = false;
  arm_timers();
}

void Daemon::receive(const Endpoint& local, const Endpoint& remote, ByteView message) {
  using Verdict = HandshakeQueue::Verdict;
  switch (handshakes_.offer(local, remote, message)) {
    case Verdict::elsewhere:
      return raise(ike::DatagramReceived{local, remote, Bytes(message.begin(), message.end())});
    case Verdict::queued:
      return handshake_turn_.ask();
    case Verdict::repeated:
    case Verdict::refused:
      return;
    case Verdict::dropped:
      break;
  }
  if (handshake_dropped_said_ && now() - *handshake_dropped_said_ < handshake_dropped_interval) return;
  handshake_dropped_said_ = now();
  note_daemon_error({&messages::ike_handshakes_dropped,
                     fmt::format("{} so far; the last one from {}", handshakes_.counters().dropped, remote.text())});
}

void Daemon::take_handshake() {
  if (auto next = handshakes_.take()) raise(ike::DatagramReceived{next->local, next->remote, std::move(next->data)});
  if (handshakes_.size() > 0) handshake_turn_.ask();
}

void Daemon::arm_timers() {
  if (const auto deadline = engine_.next_deadline())
    engine_timer_.set(*deadline);
  else
    engine_timer_.cancel();
  if (const auto deadline = tunnels_.next_deadline())
    tunnel_timer_.set(*deadline);
  else
    tunnel_timer_.cancel();
}

void Daemon::perform(ike::Action& action) {
  std::visit([this](const auto& particular) { perform(particular); }, action);
}

// A peer sends by a new SA as soon as it has the answer; so that waits until the dataplane, which may have many routes
// to set, knows the SA. What is sent after it stays behind it: a delete of an SA that the dataplane refused is for one
// that the peer knows. Where the dataplane goes meanwhile, the peer asks once more and is answered at once.
void Daemon::perform(const ike::SendDatagram& action) {
  const auto send = [this](const ike::SendDatagram& message) {
    transport_->send(message.local, message.remote, message.data,
                     message.dont_fragment ? Fragmentation::forbidden : Fragmentation::allowed);
  };
  if (!installing_ && held_datagrams_ == 0) return send(action);
  ++held_datagrams_;
  submit(Transaction(), [this, send, action](const std::optional<Error>&) {
    --held_datagrams_;
    send(action);
  });
}

void Daemon::perform(const ike::InstallChildSa& action) {
  if (tunnels_.install(action)) {
    installing_ = true;
    return;
  }
  const Error error{&messages::transaction_refused, "the dataplane cannot take SAs now"};
  child_refused(action.connection, action.inbound.spi, error);
}

void Daemon::perform(const ike::UpdateChildSa& action) { tunnels_.move(action); }

void Daemon::perform(const ike::ActivateOutbound& action) { tunnels_.activate(action.connection, action.inbound_spi); }

void Daemon::perform(const ike::RemoveChildSa& action) { tunnels_.remove_child(action.connection, action.inbound_spi); }

void Daemon::perform(const ike::SetPathMtu& action) {
  tunnels_.set_path_mtu(action.connection, action.remote, action.mtu);
}

void Daemon::perform(const ike::Report& action) {
  const Error error{action.message, action.detail};
  if (action.connection.empty())
    note_daemon_error(error);
  else
    note_tunnel_error(action.connection, error, action.proof);
  // Dead peer detection begins with an IKE SA of ours. Until then this is what says that the peer is dead.
  const auto tunnel = config_.tunnels.find(action.connection);
  if (action.message == &messages::ike_peer_unreachable && tunnel != config_.tunnels.end() &&
      tunnel->second.connection.dpd_interval > Duration::zero())
    tunnels_.abandon(action.connection);
}

void Daemon::keep_nat_mappings() {
  keepalive_timer_.set_in(keepalive_interval);
  for (const ike::IkeSaView& sa : engine_.ike_sas())
    if (sa.local_behind_nat && sa.local.port == ike_nat_port) transport_->send_keepalive(sa.local, sa.remote);
}

bool Daemon::dataplane_silent() const {
  const auto since = dataplane_.silent_since();
  return since && now() - *since > longest_silence;
}

// From time to time: for what nothing else would show.
void Daemon::look_around() {
  look_timer_.set_in(look_interval);
  ports_.retry();
  network_->look_for_missing_routes();
  renew_adopted();
  // A dataplane that is asked nothing gives no sign of life.
  if (ready() && dataplane_.pending() == 0) submit(Transaction(), [](const std::optional<Error>&) {});
  if (std::exchange(silence_said_, dataplane_silent()) == dataplane_silent()) return;
  if (silence_said_)
    log({}, {&messages::dataplane_silent, {}});
  else
    spdlog::info("the dataplane responds again, or is gone");
}

bool Daemon::has_local_address(const ike::Connection& connection) const {
  const auto here = [this](const IpAddress& address) { return address.is_any() || network_->has_address(address); };
  return here(connection.local) || std::ranges::any_of(connection.other_locals, here);
}

void Daemon::tell_local_addresses() {
  std::vector<IpAddress> usable = network_->usable_addresses();
  if (usable == usable_addresses_) return;
  usable_addresses_ = usable;
  raise(ike::AddressesChanged{std::move(usable)});
}

// A connection is the engine's from when it can work: the dataplane takes SAs and the local address is there.
void Daemon::set_ready_connections() {
  if (!ready() || farewell_until_) return;
  for (const auto& [name, tunnel] : config_.tunnels) {
    Status& status = status_[name];
    if (status.connection_set || !tunnels_.present(name) || !has_local_address(tunnel.connection)) continue;
    status.connection_set = true;
    raise(ike::SetConnection{tunnel.connection});
    if (status.held_down) raise(ike::Terminate{name});  // it was given another interface
  }
  renew_adopted();
}

// An earlier control's SAs, which nobody renews, take the packets that would ask for others.
void Daemon::renew_adopted() {
  for (const auto& [name, tunnel] : config_.tunnels) {
    Status& status = status_[name];
    if (!wakes_on_traffic(tunnel) || !status.connection_set || !tunnels_.adopted(name)) continue;
    if (status.asked_again && now() - *status.asked_again < tunnel.connection.retry_interval) continue;
    status.asked_again = now();
    raise(ike::TrafficWaiting{name});
  }
}

// ------------------------------------------------------------------------------------------------- the dataplane

void Daemon::dataplane_up(const Inventory& inventory) {
  spdlog::info("connected to the dataplane: {} ports, {} tunnels, {} SAs there", inventory.ports.size(),
               inventory.tunnels.size(), inventory.sas.size());
  dataplane_since_ = now();
  last_error_.reset();
  network_->forget_pushed();
  adopt_vrfs(inventory);
  filters_.dataplane_up();  // before the interfaces that have them
  ports_.dataplane_up(inventory);
  adopting_ = true;
  const std::vector<std::string> lost = tunnels_.dataplane_up(inventory);
  adopting_ = false;
  decide_groups();
  // What the dataplane lost gets new keys: the engine replaces those child SAs.
  for (const std::string& name : lost) {
    spdlog::warn("tunnel {}: the dataplane lost its SAs, they are made anew", name);
    raise(ike::RekeyChild{name});
  }
  arm_timers();
  network_->touch();
}

void Daemon::dataplane_down(const Error& error) {
  dataplane_since_.reset();
  held_datagrams_ = 0;
  note_daemon_error(error);
  ports_.dataplane_down();
  tunnels_.dataplane_down();
  for (auto& [name, group] : groups_) group.forget_failures();
  network_->forget_pushed();
  network_->touch();
}

// An answer may mean that leftovers have a successor, and are to go by the timer.
void Daemon::submit(Transaction transaction, DataplaneClient::Done done) {
  dataplane_.submit(std::move(transaction), [this, done = std::move(done)](const std::optional<Error>& refusal) {
    done(refusal);
    arm_timers();
  });
}

void Daemon::dataplane_unreachable(const Error& error) { note_daemon_error(error); }

void Daemon::sa_event(const ipc::SaEvent& event) {
  using Kind = ike::ChildSaEvent::Kind;
  const auto owner = tunnels_.owner(event.id, event.spi);
  if (!owner) return;
  switch (event.kind) {
    case ipc::SaEventKind::first_packet:
      return raise(ike::ChildSaEvent{owner->inbound_spi, Kind::first_inbound_packet});
    case ipc::SaEventKind::soft_expired:
      return raise(ike::ChildSaEvent{owner->inbound_spi, Kind::soft_expired});
    case ipc::SaEventKind::hard_expired:
      return raise(ike::ChildSaEvent{owner->inbound_spi, Kind::hard_expired});
    case ipc::SaEventKind::source_changed:
      return raise(ike::PeerMoved{owner->inbound_spi, {*ipc::to_address(event.source), event.source_port}});
  }
}

void Daemon::unknown_spi(const ipc::UnknownSpi& report) {
  if (unknown_spi_said_ && now() - *unknown_spi_said_ < unknown_spi_interval) return;
  unknown_spi_said_ = now();
  spdlog::info("ESP from {} with unknown SPI {:08x}", ipc::to_address(report.source)->text(), report.spi);
}

void Daemon::traffic_waiting(const ipc::TrafficWaiting& report) {
  if (const auto name = tunnels_.name_of(report.tunnel)) raise(ike::TrafficWaiting{*name});
}

// --------------------------------------------------------------------------------------------------- the tunnels

void Daemon::set_tunnel(const std::string& name, const config::Tunnel& tunnel) {
  MtuSettings mtu{.mtu = tunnel.interface.mtu,
                  .outer_mtu = tunnel.outer_mtu,
                  .path_mtu_discovery = ike::may_find_path_mtu(tunnel.connection),
                  .mss = tunnel.interface.mss,
                  .df = tunnel.df,
                  .maybe_in_udp = tunnel.connection.encapsulation != ike::Encapsulation::off};
  for (const ike::ChildDefinition& child : tunnel.connection.children)
    for (const ike::EspProposal& proposal : child.esp_proposals) mtu.suites.push_back(proposal.suite);
  tunnels_.set(name, tunnel.interface.name, mtu, tunnel.connection.remote,
               {.on_traffic = wakes_on_traffic(tunnel), .filtered = !tunnel.interface.security_groups.empty()},
               vrf_ids_.of(tunnel.interface.vrf));
}

// By the routes that the dataplane goes by too; before it has any, by none. A way through a tunnel is none: the MTU of
// that would follow from its own. Of several ways the one with the least MTU, for an SA may take any of them.
std::optional<OuterWay> Daemon::find_way(const IpAddress& peer) const {
  if (!network_) return {};
  const auto* route = routing::find_route(network_->plan(), peer);
  if (!route) return {};
  const auto& links = network_->state().links;
  std::optional<OuterWay> least;
  const auto consider = [&](const routing::NextHopKey& next_hop, int index) {
    const auto link = links.find(index);
    if (next_hop.kind == ipc::NextHopKind::tunnel || link == links.end()) return;
    if (!least || link->second.mtu < least->mtu) least = OuterWay{link->second.name, link->second.mtu};
  };
  if (route->second.group)
    for (const routing::PlannedHop& hop : *route->second.group) consider(hop.next_hop, hop.link);
  else
    consider(route->second.next_hop, route->second.link);
  return least;
}

void Daemon::tunnel_changed(const std::string& name) {
  Status& status = status_[name];
  if (tunnels_.live(name)) {
    up_since_.live(name, network_->round());
    // What was in use is so on, until its probe says otherwise.
    if (tunnels_.adopted(name)) probes_.start(name, !doubtful_.contains(name));
    if (!probes_.fault(name)) status.last_error.reset();
    status.held_down = false;
  } else {
    up_since_.not_live(name);
    probes_.stop(name);
    // The interface goes down in a moment; nobody is to send what has no way any more.
    if (const auto tunnel = config_.tunnels.find(name); tunnel != config_.tunnels.end())
      withdraw(tunnel->second.routes, tunnel->second.interface.vrf);
  }
  tell_group(name);
  network_->touch();
}

void Daemon::tunnel_refused(const std::string& name, const Error& error) {
  if (name.empty())
    note_daemon_error(error);
  else
    note_tunnel_error(name, error);
}

void Daemon::child_refused(const std::string& name, uint32_t inbound_spi, const Error& error) {
  // A peer that asks for it again and again fills no log.
  if (refusals_.allows(*error.message, now())) note_tunnel_error(name, error);
  raise(ike::ChildSaEvent{inbound_spi, ike::ChildSaEvent::Kind::refused});
  // The engine took the peer's child for the end of it.
  if (const auto status = status_.find(name); status != status_.end() && status->second.held_down)
    raise(ike::Terminate{name});
}

Result<std::unique_ptr<key_log::KeyLog>> Daemon::open_key_log(const config::Config& config) {
  if (!config.key_log) return nullptr;
  return key_log::KeyLog::open(config.key_log->directory, [this](const Error& fault) { note_daemon_error(fault); });
}

void Daemon::warn() {
  warning_timer_.set_in(warning_interval);
  for (const config::Warning& each : warnings_.due(config_, wall_clock())) log(each.tunnel, each.error);
}

void Daemon::note_tunnel_error(const std::string& name, const Error& error, ike::Report::Proof proof) {
  log(name, error);
  if (error.message->severity == Severity::info) return;
  const auto found = status_.find(name);
  if (found == status_.end()) return;
  Status& status = found->second;
  // What anybody may have provoked does not take the place of what is known, nor stain a tunnel that is up.
  const bool known =
      tunnels_.live(name) || (status.last_error && status.last_error_proof == ike::Report::Proof::authentic);
  if (proof == ike::Report::Proof::none && known) return;
  status.last_error = {error, now()};
  status.last_error_proof = proof;
}

void Daemon::route_missing(const Error& error) { log({}, error); }

void Daemon::note_daemon_error(const Error& error) {
  log({}, error);
  if (error.message->severity == Severity::info) return;
  last_error_ = {error, now()};
}

// ---------------------------------------------------------------------------------------------------- the network

KernelSpec Daemon::kernel_spec(const std::string& vrf) const {
  KernelSpec spec;
  // The dataplane sets the MTU of a twin, but does not see it any more once it is in another namespace.
  const auto mtu_of = [&](uint16_t mtu) { return vrf.empty() || mtu == 0 ? std::nullopt : std::optional(mtu); };
  for (const auto& [name, port] : config_.ports)
    if (port.vrf == vrf) spec.twins[name] = {.addresses = port.addresses, .up = true, .mtu = mtu_of(port.mtu)};
  for (const auto& [name, tunnel] : config_.tunnels) {
    if (tunnel.interface.vrf != vrf) continue;
    // What is to wake the tunnel has to find its way into it first.
    spec.twins[tunnel.interface.name] = {.addresses = tunnel.interface.addresses,
                                         .up = tunnels_.live(name) || wakes_on_traffic(tunnel),
                                         .mtu = mtu_of(tunnels_.told_mtu(name)),
                                         .routes = tunnel.routes};
    if (vrf.empty()) stand_behind_zebra(spec.twins[tunnel.interface.name], tunnel.propagation, usable(name));
    // It stays up, to be probed, and leads nowhere.
    if (tunnels_.live(name) && !usable(name)) spec.twins[tunnel.interface.name].routes.clear();
    spec.guards.insert(spec.guards.end(), tunnel.routes.begin(), tunnel.routes.end());
    // The network of the interface itself goes with it: a routing daemon's neighbour is in there.
    for (const InterfaceAddress& own : tunnel.interface.addresses)
      if (own.length < own.address.bits()) spec.guards.emplace_back(own.address, own.length);
  }
  for (const auto& [name, group] : config_.groups) {
    if (config::vrf_of(config_, group) != vrf) continue;
    spec.guards.insert(spec.guards.end(), group.routes.begin(), group.routes.end());
    GroupRoutes ways{.ways = {}, .routes = group.routes};
    if (vrf.empty()) stand_behind_zebra(ways, group.propagation, true);
    for (const auto& [tunnel, weight] : carriers(name)) ways.ways.push_back({tunnel->interface.name, weight});
    spec.groups.push_back(std::move(ways));
  }
  const auto named = config_.vrfs.find(vrf);
  if (!vrf.empty() && named == config_.vrfs.end()) return spec;
  const auto& guards = vrf.empty() ? config_.guards : named->second.guards;
  const auto& routes = vrf.empty() ? config_.routes : named->second.routes;
  spec.guards.insert(spec.guards.end(), guards.begin(), guards.end());
  for (const config::Route& route : routes) spec.routes.push_back({route.prefix, route.via});
  return spec;
}

std::map<std::string, routing::Attachments> Daemon::attachments() const {
  std::map<std::string, routing::Attachments> twins;
  for (const auto& [name, port] : ports_.all())
    if (port.present && port.id) twins[port.wanted.vrf].emplace(name, *port.id);
  for (const auto& [name, tunnel] : config_.tunnels)
    if (const auto id = tunnels_.id(name); id && tunnels_.present(name))
      twins[tunnel.interface.vrf].emplace(tunnel.interface.name, *id);
  return twins;
}

std::vector<IpAddress> Daemon::peers() const {
  std::vector<IpAddress> addresses;
  for (const auto& [name, tunnel] : config_.tunnels)
    if (!tunnel.connection.remote.is_any()) addresses.push_back(tunnel.connection.remote);
  return addresses;
}

void Daemon::routed(uint64_t round) {
  ports_.routed(round);
  for (const std::string& name : up_since_.routed(round, now())) {
    spdlog::info("tunnel {}: up", name);
    probes_.start(name, false);
  }
}

void Daemon::network_changed() {
  if (last_error_ && last_error_->error.message == &messages::netlink_failed &&
      !network_->still_refused(last_error_->error))
    last_error_.reset();
  // Which tunnels are up shows once the dataplane is there.
  if (zebra_ && ready()) zebra_->want(routes_for_zebra());
  tell_local_addresses();
  tunnels_.ways_changed();
  set_ready_connections();
}

// -------------------------------------------------------------------------------------------------------- the end

void Daemon::shut_down() {
  if (farewell_until_) return sd_event_exit(loop_, 0), void();
  spdlog::info("ending");
  farewell_until_ = now() + farewell_patience;
  if (zebra_) zebra_->farewell();
  raise(ike::Shutdown{});
  farewell_timer_.set_in(farewell_step);
}

// The links of the tunnels have gone down by the first look, and the dataplane has answered by one of them.
void Daemon::check_farewell() {
  if (!ready() || dataplane_.pending() == 0 || now() >= *farewell_until_)
    sd_event_exit(loop_, 0);
  else
    farewell_timer_.set_in(farewell_step);
}

}  // namespace sekisho::control
