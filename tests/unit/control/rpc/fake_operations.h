// A daemon with one tunnel, for the tests of the interface.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <ranges>
#include <string>
#include <tuple>
#include <vector>

#include "base/messages/ike.h"
#include "base/messages/routing.h"
#include "control/rpc/operations.h"
#include "tests/unit/control/config/fixture.h"

namespace sekisho::rpc {

class FakeOperations final : public Operations {
 public:
  FakeOperations() {
    auto decoded = config::decode(config::valid_text, fixture_.directory());
    if (!decoded) FAIL(config::describe(decoded.error()));
    config_ = std::move(*decoded);
  }

  Instant now() const override { return Instant(std::chrono::seconds(1000)); }
  WallTime wall_clock() const override { return wall_clock_; }
  const config::Config& running() const override { return config_; }
  DaemonView daemon() const override {
    return {.config_file = "/etc/sekisho/sekisho.json",
            .started = Instant(std::chrono::seconds(900)),
            .dataplane_connected = dataplane_connected_,
            .dataplane_since = Instant(std::chrono::seconds(910)),
            .workers = 2,
            .handshakes = {.refused = 5, .dropped = 7},
            .zebra = {.state = ZebraView::State::synchronized, .release = "8.4", .routes = 3},
            .dataplane_responding = dataplane_responding_,
            .faults = faults_};
  }
  std::vector<TunnelView> tunnels() const override { return {tunnel_}; }
  std::optional<control::TunnelMtu> tunnel_mtu(const std::string&) const override { return tunnel_mtu_; }
  std::vector<ike::IkeSaView> ike_sas() const override { return ike_sas_; }
  std::vector<ike::ConnectionView> connections() const override { return connections_; }
  std::vector<ChildCounters> child_counters() const override { return child_counters_; }
  RoutePart routes(const std::optional<RoutePlace>& after, size_t most) const override {
    std::vector<RouteView> behind = routes_;
    if (after)
      std::erase_if(behind, [&](const RouteView& route) {
        return std::tie(route.vrf, route.prefix) <= std::tie(after->vrf, after->prefix);
      });
    if (endless_) return {routes_, false};
    RoutePart part;
    for (size_t taken = 0; part.routes.size() < behind.size() && taken < most;
         taken += 1 + part.routes.back().hops.size())
      part.routes.push_back(behind[part.routes.size()]);
    part.last = part.routes.size() == behind.size();
    return part;
  }
  std::vector<RouteView> routes_to(const Prefix& prefix) const override {
    std::vector<RouteView> found = routes_;
    std::erase_if(found, [&](const RouteView& route) { return route.prefix != prefix; });
    return found;
  }
  std::vector<RouteView> routes_taken_by(const IpAddress& address) const override {
    std::map<std::string, RouteView> best;
    for (const RouteView& route : routes_)
      if (const auto known = best.find(route.vrf);
          route.prefix.contains(address) &&
          (known == best.end() || route.prefix.length() > known->second.prefix.length()))
        best.insert_or_assign(route.vrf, route);
    const auto values = best | std::views::values;
    return {values.begin(), values.end()};
  }
  bool has_interface(std::string_view name) const override { return name == "wan" || name == "lan" || name == "vti0"; }
  std::vector<NeighbourView> neighbours() const override {
    return {{"", *IpAddress::parse("10.9.1.254"), "wan", MacAddress{{2, 0, 0, 0, 0, 1}}, "reachable"}};
  }
  std::vector<VrfView> vrfs() const override {
    return {{.name = "blue", .routes = 4},
            {.name = "red", .fault = LastError{{&messages::vrf_unusable, "red: No such file or directory"}, {}}}};
  }
  std::vector<PortView> ports() const override {
    return {{.name = "lan", .present = lan_present_}, {.name = "wan", .present = true, .mtu = 1500}};
  }
  DropCounters drops() const override {
    DropCounters drops{};
    drops[static_cast<size_t>(ipc::DropReason::esp_replay)] = 7;
    return drops;
  }

  // At once, or when tell_bgp_ is called.
  void bgp(bgp::View view, std::string neighbour, std::function<void(Result<nlohmann::json>)> done) override {
    calls_.push_back("bgp " + std::to_string(static_cast<int>(view)) + " " + neighbour);
    const auto tell = [this, neighbour, done = std::move(done)] {
      if (!bgpd_there_) return done(fail(messages::bgpd_silent, "nobody there"));
      if (neighbour == "192.0.2.1") return done(fail(messages::bgp_neighbour_unknown, neighbour));
      done(nlohmann::json::array({{{"neighbour", "169.254.1.2"}}}));
    };
    if (bgpd_waits_)
      tell_bgp_ = tell;
    else
      tell();
  }
  std::vector<GroupView> groups() const override { return groups_; }
  SecurityView security() const override { return security_; }

  Result<void> tunnel_up(std::string_view name) override { return note("up", name); }
  Result<void> tunnel_down(std::string_view name) override { return note("down", name); }
  Result<void> rekey_child(std::string_view name, std::string_view child) override {
    if (!child.empty()) return note("rekey-child", std::string(name) + " " + std::string(child));
    return fail(messages::ike_peer_unreachable, "nothing to rekey");
  }
  Result<void> rekey_ike(std::string_view name) override { return note("rekey-ike", name); }
  Result<void> group_prefer(std::string_view name, std::string_view tunnel) override {
    return note("prefer " + std::string(name), tunnel);
  }
  Result<void> group_fail_back(std::string_view name) override { return note("fail-back", name); }
  Result<void> apply(config::Config desired, const config::Plan&) override {
    config_ = std::move(desired);
    return note("apply", "");
  }

  const config::Fixture& fixture() const { return fixture_; }
  // Another configuration from the start.
  void run(config::Config config) { config_ = std::move(config); }

  std::vector<std::string> calls_;
  bool bgpd_there_ = true;
  bool bgpd_waits_ = false;
  std::function<void()> tell_bgp_;
  WallTime wall_clock_{};
  bool dataplane_connected_ = true, dataplane_responding_ = true, lan_present_ = false;
  std::vector<LastError> faults_;
  bool endless_ = false;  // of routes the same page comes again and again
  std::vector<RouteView> routes_ = {{.prefix = *Prefix::parse("0.0.0.0/0"),
                                     .kind = ipc::NextHopKind::adjacency,
                                     .interface = "wan",
                                     .via = *IpAddress::parse("10.9.1.254"),
                                     .distance = 20,
                                     .origin = "static"},
                                    {.prefix = *Prefix::parse("10.2.0.0/24"), .kind = ipc::NextHopKind::drop},
                                    {.prefix = *Prefix::parse("10.3.0.0/24"),
                                     .kind = ipc::NextHopKind::group,
                                     .hops = {{ipc::NextHopKind::adjacency, "wan", IpAddress::parse("10.9.1.254"), 3},
                                              {ipc::NextHopKind::tunnel, "vti0", {}, 1}}}};
  std::vector<GroupView> groups_;
  SecurityView security_;
  TunnelView tunnel_{.name = "tokyo"};
  std::optional<control::TunnelMtu> tunnel_mtu_;
  std::vector<ike::IkeSaView> ike_sas_;
  std::vector<ike::ConnectionView> connections_;
  std::vector<ChildCounters> child_counters_ = {some_octets()};

 private:
  static ChildCounters some_octets() {
    ChildCounters counters{.inbound_spi = 0x8001};
    counters.in[static_cast<size_t>(ipc::SaCounter::bytes)] = 4200;
    return counters;
  }
  Result<void> note(std::string call, std::string_view name) {
    calls_.push_back(call + (name.empty() ? "" : " ") + std::string(name));
    return {};
  }

  config::Fixture fixture_;
  config::Config config_;
};

}  // namespace sekisho::rpc
