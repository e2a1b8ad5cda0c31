// `show mtu`: where each number comes from.
#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "control/rpc/views.h"
#include "tests/unit/control/rpc/fake_operations.h"

namespace sekisho::rpc {
namespace {

using nlohmann::json;

json mtu_view(const Operations& operations) { return mtu_views(operations, "tokyo").value().at(0); }

}  // namespace

TEST_CASE("an MTU is shown with all its parts, and where each comes from") {
  FakeOperations operations;
  operations.tunnel_mtu_ = control::TunnelMtu{
      .mtu = 1374,
      .mss_ipv4 = 1334,
      .mss_ipv6 = 0,
      .sealings = {
          {{.child = "tokyo", .suite = EspSuite::aes256_sha256, .in_udp = true, .way = control::OuterWay{"wan", 1500}},
           1454,
           1374}}};
  const json view = mtu_view(operations);
  CHECK(view["mtu"] == 1374);
  CHECK(view["mss_ipv4"] == 1334);
  CHECK(view["mss_ipv6"].is_null());
  CHECK(view["df"] == "copy");
  CHECK(view["interface"] == "vti0");
  const json& sa = view["sas"].at(0);
  CHECK(sa["outer_mtu_from"] == "outer_mtu of the configuration; link wan has 1500");
  CHECK(sa["encapsulation"] == "UDP");
  int left = sa["outer_mtu"];
  for (const char* part : {"ip", "udp", "esp", "iv", "icv", "trailer", "unused"}) left -= sa[part].get<int>();
  CHECK(left == 1374);
  CHECK(tunnel_views(operations, "tokyo")->at(0)["mtu"] == 1374);
  operations.tunnel_mtu_->sealings[0].sealing.way.reset();
  operations.tunnel_mtu_->sealings[0].outer_mtu = 1500;
  CHECK(mtu_view(operations)["sas"].at(0)["outer_mtu_from"] == "no link known to lead to the peer: Ethernet's 1500");
  operations.tunnel_mtu_->mtu_of = operations.tunnel_mtu_->mss_of = "osaka";
  const json among_mates = mtu_view(operations);
  CHECK(among_mates["mtu_from"] == "as small as tunnel osaka of its group");
  CHECK(among_mates["mss_from"] == "as small as of tunnel osaka of its group");
}

TEST_CASE("what IKE found of the path is shown, and why it may have found nothing") {
  using State = ike::PathMtuView::State;
  FakeOperations operations;
  operations.tunnel_mtu_ = control::TunnelMtu{
      .mtu = 1346,
      .sealings = {
          {{.suite = EspSuite::aes128gcm16, .way = control::OuterWay{"wan", 1500}, .path_mtu = 1400}, 1400, 1346}}};
  const auto shown = [&] { return mtu_view(operations); };
  CHECK(shown()["sas"].at(0)["outer_mtu_from"] == "found by IKE; link wan has 1500");
  operations.ike_sas_.clear();
  CHECK(shown()["path_mtu"]["state"] == "waiting");
  CHECK(shown()["path_mtu"]["mtu"].is_null());

  operations.ike_sas_.resize(1);
  ike::IkeSaView& sa = operations.ike_sas_[0];
  sa.connection = "tokyo";
  sa.state = "established";
  sa.path_mtu = {.state = State::found, .mtu = 1400, .proven = operations.now() - std::chrono::seconds(12)};
  json path = shown()["path_mtu"];
  CHECK(path["state"] == "found");
  CHECK(path["mtu"] == 1400);
  CHECK(path["proven_seconds"] == 12.0);
  CHECK(path["text"] == "1400: so much got through to the peer 12 s ago");
  sa.path_mtu.state = State::searching;
  path = shown()["path_mtu"];
  CHECK(path["state"] == "searching");
  CHECK(path["mtu"] == 1400);
  sa.path_mtu = {.state = State::not_found};
  CHECK(shown()["path_mtu"]["state"] == "not_found");
  sa.path_mtu = {.state = State::impossible};
  CHECK(shown()["path_mtu"]["state"] == "impossible");

  const auto state_with = [&](const std::function<void(config::Tunnel&)>& edit) {
    config::Config edited = operations.running();
    edit(edited.tunnels.at("tokyo"));
    operations.run(std::move(edited));
    return shown()["path_mtu"]["state"].get<std::string>();
  };
  CHECK(state_with([](config::Tunnel& tokyo) { tokyo.connection.version = ike::IkeVersion::v1; }) == "impossible");
  CHECK(state_with([](config::Tunnel& tokyo) { tokyo.connection.version = ike::IkeVersion::v2; }) == "impossible");
  CHECK(state_with([](config::Tunnel& tokyo) { tokyo.connection.dpd_interval = {}; }) == "impossible");
  CHECK(state_with([](config::Tunnel& tokyo) { tokyo.path_mtu_discovery = false; }) == "off");
  CHECK(state_with([](config::Tunnel& tokyo) { tokyo.outer_mtu = 1454; }) == "fixed");
}

}  // namespace sekisho::rpc
