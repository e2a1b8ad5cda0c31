#include "control/rpc/explain.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/messages/dataplane.h"
#include "control/rpc/views.h"
#include "tests/unit/control/config/certificate_fixture.h"
#include "tests/unit/control/rpc/fake_operations.h"

using nlohmann::json;

namespace sekisho::rpc {

TEST_CASE("an explanation has where the negotiation stands, both sides' offers, and hints from what is known") {
  FakeOperations operations;
  const Instant now = operations.now();
  ike::ConnectionView connection{.name = "tokyo", .state = "waiting", .wanted = true, .attempts = 3};
  connection.next_attempt = now + std::chrono::seconds(7);
  connection.children = {{.name = "voice", .up = false, .next_attempt = {}}};
  connection.last_failure =
      ike::Failure{&messages::ike_peer_unreachable, "detail",
                   ike::Mismatch{ike::Mismatch::Kind::esp_proposal, {"aes128gcm16"}, {"aes256-sha1", "aes128-sha1"}},
                   now - std::chrono::seconds(5)};
  connection.unproven_since = ike::Failure{&messages::ike_peer_not_authentic, "from 10.9.2.2", {}, now, false};
  operations.connections_ = {{.name = "osaka"}, connection};
  const json view = explain_tunnel(operations, "tokyo");
  CHECK(view["tunnel"]["name"] == "tokyo");
  CHECK(view["negotiation"]["state"] == "waiting");
  CHECK(view["negotiation"]["attempts"] == 3);
  CHECK(view["negotiation"]["next_attempt_seconds"] == 7.0);
  CHECK(view["negotiation"]["children"][0]["name"] == "voice");
  CHECK(view["last_failure"]["id"] == "SKO-IKE-001");
  CHECK(view["last_failure"]["age_seconds"] == 5.0);
  CHECK(view["last_failure"]["mismatch"]["kind"] == "ESP proposal");
  CHECK(view["last_failure"]["mismatch"]["theirs"] == json({"aes256-sha1", "aes128-sha1"}));
  CHECK(view["unproven_since"]["id"] == "SKO-IKE-004");
  CHECK(view["hints"].empty());
}

TEST_CASE("an explanation of a tunnel that the engine does not know yet says so, and what is held down") {
  FakeOperations operations;
  operations.tunnel_.held_down = true;
  const json view = explain_tunnel(operations, "tokyo");
  CHECK(view["negotiation"].is_null());
  CHECK(view["last_failure"].is_null());
  CHECK(view["unproven_since"].is_null());
  REQUIRE(view["hints"].size() == 1);
  CHECK(view["hints"][0].get<std::string>().find("tunnel up") != std::string::npos);
}

namespace {

bool hinted(FakeOperations& operations, std::string_view part) {
  const json view = explain_tunnel(operations, "tokyo");
  INFO(view["hints"].dump());
  return std::ranges::any_of(view["hints"],
                             [&](const json& hint) { return hint.get<std::string>().find(part) != std::string::npos; });
}

void start_by(FakeOperations& operations, const char* start) {
  json text = json::parse(config::valid_text);
  text["tunnels"]["tokyo"]["start"] = start;
  operations.run(config::decode(text.dump(), operations.fixture().directory()).value());
}

}  // namespace

TEST_CASE("an explanation says what a tunnel waits for") {
  FakeOperations operations;
  operations.connections_ = {{.name = "tokyo", .state = "waiting"}};
  start_by(operations, "respond");
  CHECK(hinted(operations, "waits for the peer to begin"));
  start_by(operations, "on-traffic");
  CHECK(hinted(operations, "waits for a packet"));
  operations.connections_[0].wanted = true;  // `tunnel up`
  CHECK_FALSE(hinted(operations, "waits for"));
  CHECK_FALSE(hinted(operations, "local address"));
  operations.tunnel_.local_address_here = false;
  CHECK(hinted(operations, "no interface of this machine has the local address, 10.9.1.1"));
}

TEST_CASE("an explanation says where no route leads to the peer, which is the front door's to have") {
  FakeOperations operations;
  const char* none = "no route to the peer, 10.9.2.2";
  CHECK_FALSE(hinted(operations, none));
  const RouteView leads{.prefix = *Prefix::parse("10.9.0.0/16"), .kind = ipc::NextHopKind::adjacency};
  RouteView in_vrf = leads;
  in_vrf.vrf = "blue";
  operations.routes_ = {in_vrf};
  CHECK(hinted(operations, none));
  operations.routes_ = {leads, in_vrf};
  CHECK_FALSE(hinted(operations, none));
  for (const auto kind : {ipc::NextHopKind::drop, ipc::NextHopKind::tunnel}) {
    operations.routes_[0].kind = kind;
    CHECK(hinted(operations, none));
  }
  operations.routes_[0].kind = ipc::NextHopKind::group;
  operations.routes_[0].hops = {{ipc::NextHopKind::tunnel, "vti0", {}, 1}, {ipc::NextHopKind::tunnel, "vti1", {}, 1}};
  CHECK(hinted(operations, none));
  operations.routes_[0].hops[1].kind = ipc::NextHopKind::adjacency;
  CHECK_FALSE(hinted(operations, none));
}

TEST_CASE("without its dataplane an explanation calls no child up") {
  FakeOperations operations;
  ike::ConnectionView connection{.name = "tokyo", .state = "up"};
  connection.children = {{.name = "tokyo", .up = true, .next_attempt = {}}};
  operations.connections_ = {connection};
  CHECK(explain_tunnel(operations, "tokyo")["negotiation"]["state"] == "up");
  operations.dataplane_responding_ = false;
  CHECK(hinted(operations, "does not respond"));
  operations.dataplane_connected_ = false;
  const json negotiation = explain_tunnel(operations, "tokyo")["negotiation"];
  CHECK(negotiation["state"] == "established");
  CHECK(negotiation["children"][0]["up"] == false);
  CHECK(hinted(operations, "no packet flows"));
}

TEST_CASE("an explanation says that a child carries less than is configured") {
  FakeOperations operations;
  ike::IkeSaView sa{.connection = "tokyo", .state = "established"};
  sa.children = {{.name = "tokyo", .inbound_spi = 0x8001, .outbound_active = true}};
  const auto everything = operations.running().tunnels.at("tokyo").connection.children.front().local_selectors;
  sa.children[0].local_selectors = sa.children[0].remote_selectors = everything;
  operations.ike_sas_ = {sa};
  CHECK_FALSE(hinted(operations, "less than is configured"));
  sa.children[0].remote_selectors = {TrafficSelector::from_prefix(*Prefix::parse("10.2.0.0/24"))};
  operations.ike_sas_ = {sa};
  CHECK(hinted(operations, "child tokyo carries less than is configured"));
}

TEST_CASE("the counters of an explanation's child SAs become hints") {
  FakeOperations operations;
  ike::IkeSaView sa{.connection = "tokyo", .state = "established"};
  sa.children = {{.name = "voice", .inbound_spi = 0x8001}};
  operations.ike_sas_ = {sa};
  operations.child_counters_ = {{.inbound_spi = 0x8001}};
  auto& counters = operations.child_counters_[0];
  counters.out[static_cast<size_t>(ipc::SaCounter::packets)] = 4;
  counters.in[static_cast<size_t>(ipc::SaCounter::replay)] = 2;
  const json view = explain_tunnel(operations, "tokyo");
  CHECK(view["child_sas"][0]["child"] == "voice");
  CHECK(view["hints"].size() == 2);  // nothing comes back; what came, came twice
}

TEST_CASE("what the security groups of a tunnel's interface deny becomes a hint, above all its probe") {
  FakeOperations operations;
  auto text = config::Json::parse(config::valid_text);
  text["security_groups"]["far"] = {{"in", "any"}, {"out", config::Json::array()}};
  text["tunnels"]["tokyo"]["interface"]["security_groups"] = {"far"};
  text["tunnels"]["tokyo"]["probe"] = {{"target", "10.2.0.1"}, {"protocol", "udp"}, {"port", 7}};
  operations.run(config::decode(text.dump(), operations.fixture().directory()).value());
  const std::string interface = operations.running().tunnels.at("tokyo").interface.name;
  const auto denies = [&](const Denial& denial) {
    FilterView filter{.groups = {"far"}, .interfaces = {interface}, .counters = {}};
    filter.denials = {denial};
    operations.security_.filters = {filter};
  };
  const Denial denial{.at = operations.now() - std::chrono::seconds(5),
                      .interface = interface,
                      .direction = ipc::Direction::outbound,
                      .protocol = 17,
                      .source = *IpAddress::parse("10.1.0.1"),
                      .destination = *IpAddress::parse("10.2.0.1"),
                      .source_port = 4000,
                      .destination_port = 7};
  const auto shown = [&] { return tunnel_views(operations, "tokyo").value()[0]["probe_denied"]; };
  operations.tunnel_.probe = ProbeView{.state = ProbeView::State::failing};
  CHECK_FALSE(hinted(operations, "security groups"));
  CHECK(shown().is_null());
  denies(denial);
  CHECK(hinted(operations, "deny its probe, which needs a rule: udp from 10.1.0.1 4000 to 10.2.0.1 7, out (no-rule)"));
  CHECK(hinted(operations, "`show security-group far`"));
  CHECK(shown() == "udp from 10.1.0.1 4000 to 10.2.0.1 7, out (no-rule)");
  // An answer to it.
  Denial answer = denial;
  answer.direction = ipc::Direction::inbound;
  std::swap(answer.source, answer.destination);
  std::swap(answer.source_port, answer.destination_port);
  denies(answer);
  CHECK(hinted(operations, "deny its probe"));
  // Another packet; another interface's; one of long ago.
  Denial other = denial;
  other.destination_port = 8;
  denies(other);
  CHECK_FALSE(hinted(operations, "deny its probe"));
  CHECK(hinted(operations, "have denied packets"));
  CHECK(shown().is_null());
  other = denial;
  other.interface = "elsewhere";
  denies(other);
  CHECK_FALSE(hinted(operations, "security groups"));
  other = denial;
  other.at = operations.now() - std::chrono::minutes(2);
  denies(other);
  CHECK_FALSE(hinted(operations, "security groups"));
  denies(denial);
  operations.tunnel_.probe->state = ProbeView::State::answering;
  CHECK_FALSE(hinted(operations, "deny its probe"));
  operations.security_.refusal = Error{&messages::transaction_refused, "so it is"};
  CHECK(hinted(operations, "not in force"));
}

TEST_CASE("an explanation has what the tunnel is proven by, and warns of what ends soon") {
  FakeOperations operations;
  const config::CertificateFixture fixture;
  auto text = config::certified();
  text["tunnels"]["tokyo"]["routes"] = {"10.2.0.0/24"};
  operations.run(config::decode(text.dump(), fixture.directory()).value());
  operations.wall_clock_ = testing::new_year + 25 * testing::day;
  const json view = explain_tunnel(operations, "tokyo");
  REQUIRE(view["credentials"].size() == 4);
  CHECK(view["credentials"][0]["kind"] == "revocation list");
  CHECK(view["credentials"][0]["remaining_seconds"] == 5 * 86400);
  CHECK(view["credentials"][1]["expires"] == "2027-01-01 00:00 UTC");
  REQUIRE(view["warnings"].size() == 1);
  CHECK(view["warnings"][0]["id"] == "SKO-IKE-094");
  CHECK(status_view(operations)["warnings"] == view["warnings"]);
}

}  // namespace sekisho::rpc
