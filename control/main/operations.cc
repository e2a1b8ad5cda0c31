// What the control socket shows and does.
#include <spdlog/spdlog.h>

#include "base/messages/dataplane.h"
#include "base/printable.h"
#include "control/config/diff.h"
#include "control/config/report.h"
#include "control/main/daemon.h"
#include "control/tunnel/counters.h"

namespace sekisho::control {
namespace {

rpc::ZebraView to_view(const Zebra& zebra) {
  using State = rpc::ZebraView::State;
  rpc::ZebraView view{.own_routes = zebra.told(), .own_installed = zebra.installed()};
  switch (zebra.state()) {
    case Zebra::State::connecting:
      view.state = State::connecting;
      break;
    case Zebra::State::synchronizing:
      view.state = State::synchronizing;
      break;
    case Zebra::State::synchronized:
      view.state = State::synchronized;
      break;
  }
  if (const auto release = zebra.release()) view.release = release->text();
  if (const zserv::Table* table = zebra.table()) {
    view.routes = table->routes().size();
    view.stale_routes = table->stale();
    view.left_out_routes += table->left_out();
  }
  return view;
}

rpc::Traffic to_view(const Tunnels::TrafficCount& count) { return {count.packets, count.octets}; }

}  // namespace

rpc::DaemonView Daemon::daemon() const {
  rpc::DaemonView view{.config_file = config_file_,
                       .started = started_,
                       .dataplane_connected = dataplane_.up(),
                       .dataplane_since = dataplane_since_,
                       .handshakes = {.waiting = handshakes_.size(),
                                      .queued = handshakes_.counters().queued,
                                      .repeated = handshakes_.counters().repeated,
                                      .refused = handshakes_.counters().refused,
                                      .dropped = handshakes_.counters().dropped},
                       .last_error = last_error_,
                       .dataplane_responding = !dataplane_silent()};
  for (auto& [error, since] : network_->missing_routes()) view.faults.push_back({std::move(error), since});
  for (const auto& [vrf, configured] : config_.vrfs)
    if (const auto* fault = network_->fault(vrf)) view.faults.push_back({fault->error, fault->since});
  if (!view.dataplane_responding)
    view.faults.push_back({{&messages::dataplane_silent, {}}, *dataplane_.silent_since()});
  if (zebra_) view.zebra = to_view(*zebra_);
  view.zebra.left_out_routes += network_->left_out();
  if (const auto* table = dataplane_.counters())
    view.workers = std::min<unsigned>(__atomic_load_n(&table->workers, __ATOMIC_RELAXED), ipc::max_workers);
  return view;
}

std::vector<rpc::TunnelView> Daemon::tunnels() const {
  std::set<std::string> tried;
  for (const ike::IkeSaView& sa : engine_.ike_sas())
    if (sa.state != "deleting") tried.insert(sa.connection);
  std::vector<rpc::TunnelView> views;
  for (const auto& [name, tunnel] : config_.tunnels) {
    const Status& status = status_.find(name)->second;
    rpc::TunnelView view{.name = name,
                         .held_down = status.held_down,
                         .last_error = status.last_error,
                         .last_error_proven = status.last_error_proof == ike::Report::Proof::authentic};
    view.up_since = up_since_.of(name);
    // What it carries is known to nobody.
    if (const auto* fault = network_->fault(tunnel.interface.vrf)) {
      view.up_since.reset();
      view.last_error = {fault->error, fault->since};
      view.last_error_proven = true;
    }
    if (view.up_since)
      view.phase = rpc::TunnelPhase::up;
    else if (tried.contains(name))
      view.phase = rpc::TunnelPhase::connecting;
    const auto [in, out] = tunnels_.traffic(name);
    if (ready()) {
      view.in = to_view(in);
      view.out = to_view(out);
    }
    view.probe = probes_.view(name);
    view.local_address_here = has_local_address(tunnel.connection);
    views.push_back(std::move(view));
  }
  return views;
}

// Without child SAs that exist on paper only, because the dataplane that held them is gone.
std::vector<ike::IkeSaView> Daemon::ike_sas() const {
  std::vector<ike::IkeSaView> views = engine_.ike_sas();
  for (ike::IkeSaView& sa : views)
    std::erase_if(sa.children,
                  [&](const ike::ChildSaView& child) { return tunnels_.lost(sa.connection, child.inbound_spi); });
  return views;
}

std::vector<ike::ConnectionView> Daemon::connections() const { return engine_.connections(); }

std::vector<rpc::ChildCounters> Daemon::child_counters() const {
  std::vector<rpc::ChildCounters> views;
  for (const Tunnels::ChildCount& count : tunnels_.child_counts())
    views.push_back({count.inbound_spi, count.in, count.out});
  return views;
}

RouteViews Daemon::route_views() const {
  return {network_->vrfs(), zebra_ ? zebra_->own_type() : zserv::RouteType::system,
          [this](const routing::Group& group) { return network_->lacks_room(group); }};
}

bool Daemon::has_interface(std::string_view name) const {
  return std::ranges::any_of(network_->vrfs(),
                             [&](const VrfRoutes& vrf) { return vrf.kernel.find_link(name) != nullptr; });
}

std::vector<rpc::NeighbourView> Daemon::neighbours() const {
  std::vector<rpc::NeighbourView> views;
  for (const auto& [vrf, kernel, plan] : network_->vrfs()) {
    for (const auto& [key, neighbour] : kernel.neighbours) {
      const auto link = kernel.links.find(key.link);
      if (link == kernel.links.end()) continue;
      const auto port = config_.ports.find(link->second.name);
      if (port == config_.ports.end() || port->second.vrf != vrf) continue;
      views.push_back({vrf, key.address, link->second.name, neighbour.mac, std::string(name(neighbour.state))});
    }
  }
  return views;
}

std::vector<rpc::VrfView> Daemon::vrfs() const {
  std::vector<rpc::VrfView> views;
  for (const auto& [name, vrf] : config_.vrfs) {
    rpc::VrfView view{.name = name};
    if (const auto* fault = network_->fault(name)) view.fault = {fault->error, fault->since};
    views.push_back(std::move(view));
  }
  for (const VrfRoutes& vrf : network_->vrfs())
    if (const auto view = std::ranges::find(views, vrf.name, &rpc::VrfView::name); view != views.end())
      view->routes = vrf.plan.routes.size();
  return views;
}

std::vector<rpc::PortView> Daemon::ports() const {
  std::vector<rpc::PortView> views;
  for (const auto& [name, port] : ports_.all()) {
    rpc::PortView view{.name = name, .present = port.present, .last_error = port.last_error};
    if (port.state) {
      view.link_up = port.state->link_up != 0;
      view.mtu = port.state->mtu;
      view.mac = MacAddress{port.state->mac};
    }
    if (port.present && port.id) view.counters = sum_port(dataplane_.counters(), *port.id);
    views.push_back(std::move(view));
  }
  return views;
}

rpc::DropCounters Daemon::drops() const { return sum_drops(dataplane_.counters()); }

void Daemon::bgp(bgp::View view, std::string neighbour, std::function<void(Result<nlohmann::json>)> done) {
  inquiries_.ask(view, std::move(neighbour), std::move(done));
}

Result<void> Daemon::tunnel_up(std::string_view name) {
  if (!ready()) return fail(messages::channel_not_opened, "the dataplane is not connected");
  Status& status = status_.find(name)->second;
  status.held_down = false;
  status.last_error.reset();
  tunnels_.retry(std::string(name));
  set_ready_connections();
  raise(ike::Initiate{std::string(name)});
  return {};
}

Result<void> Daemon::tunnel_down(std::string_view name) {
  status_.find(name)->second.held_down = true;
  raise(ike::Terminate{std::string(name)});
  return {};
}

Result<void> Daemon::rekey_child(std::string_view name, std::string_view child) {
  raise(ike::RekeyChild{std::string(name), std::string(child)});
  return {};
}

Result<void> Daemon::rekey_ike(std::string_view name) {
  raise(ike::RekeyIke{std::string(name)});
  return {};
}

void Daemon::forget_tunnel(const std::string& name) {
  if (status_[name].connection_set) raise(ike::RemoveConnection{name});
  tunnels_.remove(name);
  up_since_.not_live(name);
  probes_.remove(name);
  status_.erase(name);
}

// It comes back, in another twin.
void Daemon::forget_tunnel_for_now(const std::string& name) {
  const bool held_down = status_[name].held_down;
  forget_tunnel(name);
  status_[name].held_down = held_down;
}

// As the configuration has it.
void Daemon::renew_tunnel(const std::string& name) {
  const config::Tunnel& tunnel = config_.tunnels.find(name)->second;
  set_tunnel(name, tunnel);
  probes_.set(name, tunnel.probe, up_since_.of(name).has_value());
  if (status_[name].connection_set) raise(ike::SetConnection{tunnel.connection});
}

// The key log first, which is opened anew by each apply: its files may have been removed or full. It refuses where it
// is new; where it was there before, it keeps nobody from changing what matters more. Then removals, so that interface
// names and ids are free for what comes; tunnels may exchange their interfaces.
Result<void> Daemon::apply(config::Config desired, const config::Plan& plan) {
  auto key_log = open_key_log(desired);
  if (!key_log && desired.key_log != config_.key_log) return std::unexpected(key_log.error());
  if (!key_log) desired.key_log_fault = key_log.error();
  key_log_ = key_log ? std::move(*key_log) : nullptr;
  const config::Config before = std::exchange(config_, std::move(desired));
  filters_.set(config_);  // before the interfaces that have them
  if (before.frr != config_.frr) open_zebra();
  warnings_.forget();
  warn();
  for (const std::string& name : plan.tunnels_removed) forget_tunnel(name);
  for (const std::string& name : plan.tunnels_set) {
    const auto old = before.tunnels.find(name);
    if (old == before.tunnels.end() || !config::needs_other_twin(old->second, config_.tunnels.find(name)->second))
      continue;
    forget_tunnel_for_now(name);
  }
  for (const std::string& name : plan.ports_removed) ports_.remove(name);
  set_vrfs();
  for (const std::string& name : plan.ports_set) set_port(name, config_.ports.find(name)->second);
  for (const std::string& name : plan.tunnels_set) {
    renew_tunnel(name);
    status_[name].last_error.reset();  // the former definition's
  }
  set_groups();
  network_->touch();
  spdlog::info("configuration applied: {} changes", plan.changes.size());
  return {};
}

void Daemon::reload() {
  auto desired = config::load(config_file_);
  if (!desired) return spdlog::error("{} is not applied:\n{}", config_file_, config::to_text(desired.error()));
  const config::Plan plan = config::diff(config_, *desired);
  if (const auto applied = apply(std::move(*desired), plan); !applied)
    spdlog::error("{} is not applied:\n{}", config_file_, config::to_text(applied.error()));
}

}  // namespace sekisho::control
