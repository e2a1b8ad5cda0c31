#include "control/rpc/protocol.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "base/messages/dataplane.h"
#include "base/messages/routing.h"
#include "tests/unit/control/rpc/fake_operations.h"

namespace sekisho::rpc {
namespace {

using nlohmann::json;

std::string answer_to(Operations& operations, std::string_view line) {
  std::optional<std::string> said;
  answer_line(operations, line, [&](std::string answer) { said = std::move(answer); });
  REQUIRE(said);
  return *said;
}

json ask(Operations& operations, const json& request) { return json::parse(answer_to(operations, request.dump())); }

json call(Operations& operations, const std::string& method, const json& params = json::object()) {
  const json answer = ask(operations, {{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", params}});
  CHECK(answer["id"] == 1);
  CHECK(answer["jsonrpc"] == "2.0");
  return answer;
}

json result(Operations& operations, const std::string& method, const json& params = json::object()) {
  const json answer = call(operations, method, params);
  INFO(answer.dump());
  REQUIRE(answer.contains("result"));
  return answer["result"];
}

ike::IkeSaView established() {
  ike::IkeSaView sa;
  sa.connection = "tokyo";
  sa.state = "established";
  sa.initiator = true;
  sa.initiator_spi = 0xabc;
  sa.remote_id = "b\x1b[2J\xff";  // as a peer may send it
  sa.established_at = Instant(std::chrono::seconds(940));
  sa.expires_at = Instant(std::chrono::seconds(1500));
  ike::ChildSaView child{.name = "tokyo"};
  child.inbound_spi = 0x8001;
  child.state = "installed";
  child.local_selectors = {TrafficSelector::from_prefix(*Prefix::parse("10.1.0.0/24"))};
  sa.children = {child};
  return sa;
}

}  // namespace

TEST_CASE("lines that are no request are answered by the code of their fault") {
  FakeOperations operations;
  const auto code = [&](const std::string& line) { return json::parse(answer_to(operations, line))["error"]["code"]; };
  CHECK(code("") == RpcError::parse_error);
  CHECK(code("{") == RpcError::parse_error);
  CHECK(code("\xff\xfe") == RpcError::parse_error);
  CHECK(code("[]") == RpcError::invalid_request);
  CHECK(code("{}") == RpcError::invalid_request);
  CHECK(code(R"({"jsonrpc": "1.0", "id": 1, "method": "status"})") == RpcError::invalid_request);
  CHECK(code(R"({"jsonrpc": "2.0", "id": [[]], "method": "status"})") == RpcError::invalid_request);
  CHECK(code(R"({"jsonrpc": "2.0", "id": 1, "method": 5})") == RpcError::invalid_request);
  CHECK(code(R"({"jsonrpc": "2.0", "id": 1, "method": "reboot"})") == RpcError::method_not_found);
  CHECK(code(R"({"jsonrpc": "2.0", "id": 1, "method": "show", "params": []})") == RpcError::invalid_params);
  CHECK(code(R"({"jsonrpc": "2.0", "id": 1, "method": "show", "params": {"what": "secrets"}})") ==
        RpcError::invalid_params);
  CHECK(code(std::string(1000000, '[')) == RpcError::parse_error);
  const std::string deep = std::string(500000, '[') + std::string(500000, ']');
  CHECK(code(R"({"jsonrpc": "2.0", "method": "status", "id": )" + deep + "}") == RpcError::parse_error);
  CHECK(code(R"({"jsonrpc": "2.0", "id": 1, "method": "status", "params": )" + deep + "}") == RpcError::parse_error);
  // Brackets in a string are no levels.
  CHECK(code(R"({"jsonrpc": "2.0", "id": 1, "method": "status", "params": "\")" + deep + "\"}") ==
        RpcError::invalid_params);
  CHECK(answer_to(operations, R"({"jsonrpc": "2.0", "method": "status"})").empty());
  CHECK(json::parse(answer_to(operations, R"({"jsonrpc":"2.0","id":"x","method":"status"})"))["id"] == "x");
}

TEST_CASE("mutated requests are answered or ignored, never fatal") {
  FakeOperations operations;
  std::mt19937 random(7);
  const std::string seed =
      R"({"jsonrpc":"2.0","id":1,"method":"config.diff","params":{"config":"{\"ports\":{}}","directory":"/"}})";
  for (int round = 0; round < 3000; ++round) {
    std::string line = seed;
    for (size_t i = 0; i <= random() % 4; ++i) line[random() % line.size()] = static_cast<char>(random());
    const std::string answer = answer_to(operations, line);
    if (!answer.empty()) REQUIRE(json::parse(answer)["jsonrpc"] == "2.0");
  }
}

TEST_CASE("views carry units and last errors") {
  FakeOperations operations;
  operations.ike_sas_ = {established()};
  operations.tunnel_.last_error =
      LastError{{&messages::ike_peer_unreachable, "10.9.2.2"}, Instant(std::chrono::seconds(988))};
  const json tunnel = result(operations, "show", {{"what", "tunnel"}, {"name", "tokyo"}}).at(0);
  CHECK(tunnel["state"] == "down");
  CHECK(tunnel["interface"]["name"] == "vti0");
  CHECK(tunnel["child_sas"] == 1);
  CHECK(tunnel["up_seconds"].is_null());
  CHECK(tunnel["last_error"]["id"] == "SKO-IKE-001");
  CHECK(tunnel["last_error"]["age_seconds"] == 12.0);
  CHECK_FALSE(tunnel["last_error"]["remedy"].get<std::string>().empty());

  const json ike = result(operations, "show", {{"what", "ike-sa"}}).at(0);
  CHECK(ike["initiator_spi"] == "0000000000000abc");
  CHECK(ike["remaining_seconds"] == 500.0);
  CHECK(ike["established_seconds"] == 60.0);
  CHECK(ike["rekey_in_seconds"].is_null());
  CHECK(ike["remote_certificate"].is_null());
  operations.ike_sas_[0].certified_until = operations.wall_clock() + std::chrono::hours(36);
  CHECK(result(operations, "show", {{"what", "ike-sa"}}).at(0)["remote_certificate"] ==
        json{{"expires", "1970-01-02 12:00 UTC"}, {"remaining_seconds", 129600}});
  const json child = result(operations, "show", {{"what", "child-sa"}, {"name", "tokyo"}}).at(0);
  CHECK(child["in"]["octets"] == 4200);
  CHECK(child["replay_window"] == 256);
  CHECK(child["local_selectors"].at(0) == "10.1.0.0/24");

  CHECK(result(operations, "show", {{"what", "neighbour"}}).at(0)["mac"] == "02:00:00:00:00:01");
  CHECK(result(operations, "show", {{"what", "port"}}).size() == 2);
  CHECK(result(operations, "show", {{"what", "counters"}})["drops"]["esp-replay"] == 7);
  const json status = result(operations, "status");
  CHECK(status["tunnels"]["total"] == 1);
  CHECK(status["dataplane"]["workers"] == 2);
  CHECK(status["handshakes"]["refused"] == 5);
  CHECK(status["handshakes"]["dropped"] == 7);
  CHECK(status["zebra"]["state"] == "synchronized");
  CHECK(status["zebra"]["release"] == "8.4");
  CHECK(status["zebra"]["routes"] == 3);
  CHECK(status["last_errors"].at(0)["tunnel"] == "tokyo");
}

TEST_CASE("a tunnel shows its children, each with its state and what it carries") {
  FakeOperations operations;
  json several = json::parse(config::valid_text);
  several["tunnels"]["tokyo"]["children"] = {
      {"data", {{"selectors", {{"local", {"10.1.1.0/24"}}, {"remote", {"10.2.1.0/24"}}}}}},
      {"voice",
       {{"selectors", {{"local", {"10.1.0.0/16"}}, {"remote", {"10.2.0.0/16"}}}}, {"esp", {{"replay_window", 1024}}}}}};
  operations.run(config::decode(several.dump(), operations.fixture().directory()).value());
  ike::IkeSaView sa = established();
  sa.children[0].name = "voice";
  sa.children[0].outbound_active = true;
  operations.ike_sas_ = {sa};
  const json children = result(operations, "show", {{"what", "tunnel"}}).at(0)["children"];
  REQUIRE(children.size() == 2);
  CHECK(children[0]["name"] == "data");
  CHECK(children[0]["state"] == "down");
  CHECK(children[0]["child_sas"] == 0);
  CHECK(children[0]["remote_selectors"] == json({"10.2.1.0/24"}));
  CHECK(children[1]["state"] == "up");
  CHECK(children[1]["child_sas"] == 1);
  CHECK(children[1]["local_selectors"] == json({"10.1.0.0/24"}));  // as they were negotiated
  CHECK(result(operations, "show", {{"what", "child-sa"}}).at(0)["replay_window"] == 1024);

  const auto rekeyed = [&](const char* child) {
    return call(operations, "tunnel.rekey", {{"name", "tokyo"}, {"child", child}});
  };
  CHECK(rekeyed("voice").contains("result"));
  CHECK(operations.calls_ == std::vector<std::string>{"rekey-child tokyo voice"});
  CHECK(rekeyed("data")["error"]["data"]["id"] == "SKO-SYS-030");  // it has no SA
  CHECK(rekeyed("video")["error"]["data"]["id"] == "SKO-SYS-020");
  const json both = {{"name", "tokyo"}, {"child", "voice"}, {"what", "ike"}};
  CHECK(call(operations, "tunnel.rekey", both)["error"]["code"] == RpcError::invalid_params);
}

TEST_CASE("during a rekey each selector of a child stands once") {
  FakeOperations operations;
  ike::IkeSaView sa = established();
  sa.children[0].outbound_active = true;
  sa.children[0].remote_selectors = {TrafficSelector::from_prefix(*Prefix::parse("10.2.0.0/24"))};
  sa.children.push_back(sa.children[0]);
  sa.children[1].inbound_spi = 0x8002;
  sa.children[1].state = "deleting";
  sa.children[0].rekey_at = sa.children[1].rekey_at = operations.now() + std::chrono::seconds(60);
  operations.ike_sas_ = {sa};
  const json child = result(operations, "show", {{"what", "tunnel"}}).at(0)["children"].at(0);
  CHECK(child["child_sas"] == 2);
  CHECK(child["local_selectors"] == json({"10.1.0.0/24"}));
  CHECK(child["remote_selectors"] == json({"10.2.0.0/24"}));
  // Narrower than 0.0.0.0/0 and ::/0, which the configuration has.
  CHECK(child["narrowed"] == true);
  CHECK(child["configured_local_selectors"] == json({"0.0.0.0/0", "::/0"}));

  const json sas = result(operations, "show", {{"what", "child-sa"}});
  CHECK(sas.at(0)["rekey_in_seconds"] == 60.0);
  CHECK(sas.at(1)["rekey_in_seconds"].is_null());  // it goes
  CHECK(result(operations, "show", {{"what", "ike-sa"}}).at(0)["version"] == "IKEv2");
}

TEST_CASE("a status is healthy while nothing is wrong now") {
  FakeOperations operations;
  const auto healthy = [&] { return result(operations, "status")["healthy"] == true; };
  CHECK_FALSE(healthy());  // a port is absent
  operations.lan_present_ = true;
  CHECK(result(operations, "status")["ports_present"] == 2);
  CHECK(healthy());
  operations.tunnel_.last_error = LastError{{&messages::ike_peer_unreachable, "10.9.2.2"}, operations.now()};
  CHECK_FALSE(healthy());
  operations.tunnel_.held_down = true;
  CHECK(healthy());
  operations.tunnel_.held_down = false;
  operations.tunnel_.last_error_proven = false;
  CHECK(healthy());
  operations.tunnel_.last_error_proven = true;
  // It is up: the error is past, unless a child of it is not.
  operations.tunnel_.phase = TunnelPhase::up;
  CHECK_FALSE(healthy());
  ike::IkeSaView sa = established();
  sa.children[0].outbound_active = true;
  operations.ike_sas_ = {sa};
  CHECK(healthy());
  operations.faults_ = {{{&messages::static_route_unreachable, "192.0.2.0/24 by way of 10.77.0.1"}, operations.now()}};
  CHECK_FALSE(healthy());
  CHECK(result(operations, "status")["last_errors"].at(0)["id"] == "SKO-RTG-002");
  operations.faults_.clear();
  operations.dataplane_connected_ = false;
  CHECK_FALSE(healthy());
}

TEST_CASE("without a dataplane there are no counters, rather than zeros") {
  FakeOperations operations;
  CHECK(result(operations, "show", {{"what", "counters"}})["dataplane_connected"] == true);
  operations.dataplane_connected_ = false;
  const json counters = result(operations, "show", {{"what", "counters"}});
  CHECK(counters["dataplane_connected"] == false);
  CHECK(counters["drops"].is_null());
  const json tunnel = result(operations, "show", {{"what", "tunnel"}}).at(0);
  CHECK(tunnel["in"].is_null());
  CHECK(tunnel["out"].is_null());
  CHECK(result(operations, "show", {{"what", "port"}}).at(0)["counters"].is_null());
}

TEST_CASE("routes are shown by prefix, interface, VRF and address") {
  FakeOperations operations;
  const auto shown = [&](const json& params) {
    const json page = result(operations, "route.show", params);
    CHECK(page["next"].is_null());
    return page["routes"];
  };
  CHECK(shown(json::object()).size() == 3);
  CHECK(shown(json::object()).at(1)["distance"].is_null());
  const json several = shown({{"name", "vti0"}}).at(0);
  CHECK(several["action"] == "multipath");
  CHECK(several["hops"].at(0) ==
        json{{"action", "adjacency"}, {"interface", "wan"}, {"via", "10.9.1.254"}, {"weight", 3}});
  CHECK(several["hops"].at(1) == json{{"action", "tunnel"}, {"interface", "vti0"}, {"via", nullptr}, {"weight", 1}});
  CHECK(shown({{"name", "wan"}}).at(0)["via"] == "10.9.1.254");
  CHECK(shown({{"name", "wan"}}).at(0)["distance"] == 20);
  for (const auto& [name, prefix] : {std::pair{"10.2.0.5", "10.2.0.0/24"}, std::pair{"10.4.0.5", "0.0.0.0/0"},
                                     std::pair{"10.3.0.0/24", "10.3.0.0/24"}}) {
    const json routes = shown({{"name", name}});
    CHECK(routes.size() == 1);
    CHECK(routes.at(0)["prefix"] == prefix);
  }
  CHECK(call(operations, "route.show", {{"name", "x"}})["error"]["code"] == RpcError::not_found);
  CHECK(call(operations, "route.show", {{"name", "10.3.0.0/25"}})["error"]["code"] == RpcError::not_found);
  operations.routes_.clear();
  CHECK(shown({{"name", "wan"}}).empty());
  operations.dataplane_connected_ = false;
  CHECK(call(operations, "route.show")["error"]["data"]["id"] == "SKO-SYS-033");
}

TEST_CASE("a table of routes comes in pages, each route once") {
  FakeOperations operations;
  operations.routes_.clear();
  for (const char* vrf : {"", "blue"})
    for (uint32_t i = 0; i < 1250; ++i)
      operations.routes_.push_back({.vrf = vrf,
                                    .prefix = Prefix(IpAddress::v4(Be32(0x14000000 + (i << 8))), 24),
                                    .interface = i == 7 ? "wan" : "lan"});
  const auto shown = [&](json params) {
    std::vector<size_t> pages;
    std::vector<std::string> seen;
    for (bool more = true; more; more = !params["after"].is_null()) {
      const json page = result(operations, "route.show", params);
      pages.push_back(page["routes"].size());
      for (const json& route : page["routes"]) seen.push_back(route["vrf"].dump() + route["prefix"].get<std::string>());
      params["after"] = page["next"];
    }
    CHECK(std::ranges::is_sorted(seen, {}, [](const std::string& each) { return each.starts_with("null") ? 0 : 1; }));
    std::ranges::sort(seen);
    CHECK(std::ranges::adjacent_find(seen) == seen.end());
    return pages;
  };
  CHECK(shown(json::object()) == std::vector<size_t>{1000, 1000, 500});
  CHECK(shown({{"name", "wan"}}) == std::vector<size_t>{1, 1, 0});
  CHECK(shown({{"name", "lan"}}) == std::vector<size_t>{999, 999, 500});
  config::Config config = operations.running();
  config.vrfs["blue"];
  operations.run(std::move(config));
  CHECK(shown({{"name", "blue"}}) == std::vector<size_t>{0, 750, 500});
  operations.routes_.resize(1000);
  CHECK(shown(json::object()) == std::vector<size_t>{1000});
  CHECK(result(operations, "route.show",
               {{"name", "gone"}, {"after", {{"vrf", ""}, {"prefix", "20.0.0.0/24"}}}})["routes"]
            .empty());

  for (const json& after : {json("10.0.0.0/8"), json::array(), json::object(), json{{"vrf", ""}},
                            json{{"vrf", ""}, {"prefix", "10.0.0.1/8"}}, json{{"vrf", 1}, {"prefix", "10.0.0.0/8"}},
                            json{{"vrf", ""}, {"prefix", nullptr}}})
    CHECK(call(operations, "route.show", {{"after", after}})["error"]["code"] == RpcError::invalid_params);
}

TEST_CASE("what bgpd says is passed on, and a neighbour that it does not have is not found") {
  FakeOperations operations;
  CHECK(result(operations, "bgp.show")[0]["neighbour"] == "169.254.1.2");
  CHECK(result(operations, "bgp.show", {{"view", "received"}, {"neighbour", "169.254.1.2"}}).size() == 1);
  CHECK(operations.calls_ == std::vector<std::string>{"bgp 0 ", "bgp 1 169.254.1.2"});
  CHECK(call(operations, "bgp.show", {{"view", "all"}})["error"]["code"] == -32602);
  CHECK(call(operations, "bgp.show", {{"neighbour", 5}})["error"]["code"] == -32602);
  CHECK(call(operations, "bgp.show", {{"neighbour", "192.0.2.1"}})["error"]["code"] == -32001);
  operations.bgpd_there_ = false;
  CHECK(call(operations, "bgp.show")["error"]["data"]["id"] == "SKO-RTG-014");
}

TEST_CASE("operations reach the tunnel that is named, and only a configured one") {
  FakeOperations operations;
  CHECK(call(operations, "tunnel.rekey", {{"name", "tokyo"}})["error"]["data"]["id"] == "SKO-SYS-030");
  operations.ike_sas_ = {established()};
  CHECK(result(operations, "tunnel.up", {{"name", "tokyo"}})["name"] == "tokyo");
  result(operations, "tunnel.rekey", {{"name", "tokyo"}, {"what", "ike"}});
  result(operations, "tunnel.down", {{"name", "tokyo"}});
  CHECK(operations.calls_ == std::vector<std::string>{"up tokyo", "rekey-ike tokyo", "down tokyo"});
  const json refused = call(operations, "tunnel.rekey", {{"name", "tokyo"}});
  CHECK(refused["error"]["code"] == RpcError::refused);
  CHECK(refused["error"]["data"]["id"] == "SKO-IKE-001");
  const json unknown = call(operations, "tunnel.up", {{"name", "kyoto"}});
  CHECK(unknown["error"]["code"] == RpcError::not_found);
  CHECK(unknown["error"]["data"]["id"] == "SKO-SYS-020");
  CHECK(call(operations, "tunnel.up")["error"]["code"] == RpcError::invalid_params);
  for (const char* what : {"port", "neighbour"})
    CHECK(call(operations, "show", {{"what", what}, {"name", "x"}})["error"]["code"] == RpcError::not_found);
}

TEST_CASE("configurations are checked, compared and applied") {
  FakeOperations operations;
  const auto params = [&](const std::string& text) {
    return json{{"config", text}, {"directory", operations.fixture().directory().string()}};
  };
  const json bad = result(operations, "config.check", params(R"({"prots": {}})"));
  CHECK(bad["valid"] == false);
  CHECK(bad["errors"].at(0)["pointer"] == "/prots");
  CHECK(result(operations, "config.apply", params("{"))["valid"] == false);
  CHECK(operations.calls_.empty());

  json edited = json::parse(config::valid_text);
  edited["tunnels"]["tokyo"]["routes"] = {"10.2.0.0/24"};
  result(operations, "config.apply", params(edited.dump()));
  operations.calls_.clear();
  CHECK(result(operations, "config.apply", params(edited.dump()))["changes"].empty());
  CHECK(operations.calls_ == std::vector<std::string>{"apply"});  // nothing differs, but the key log is opened anew
  edited["tunnels"]["tokyo"]["interface"]["mtu"] = 1300;
  const json plan = result(operations, "config.diff", params(edited.dump()));
  CHECK(plan["changes"].at(0)["pointer"] == "/tunnels/tokyo/interface/mtu");
  CHECK(plan["warnings"].empty());
  CHECK(plan["effects"] == json::parse(R"([{"tunnel": "tokyo", "effect": "in-place", "goes_down": false}])"));
  CHECK(operations.running().tunnels.at("tokyo").interface.mtu == std::nullopt);
  CHECK(result(operations, "config.apply", params(edited.dump()))["changes"] == plan["changes"]);
  CHECK(operations.running().tunnels.at("tokyo").interface.mtu == 1300);
  CHECK(operations.calls_ == std::vector<std::string>{"apply", "apply"});
  edited["tunnels"]["tokyo"]["routes"] = json::array();
  for (const char* method : {"config.check", "config.diff", "config.apply"}) {
    const json warnings = result(operations, method, params(edited.dump()))["warnings"];
    REQUIRE(warnings.size() == 1);
    CHECK(warnings.at(0)["id"] == "SKO-CFG-062");
    CHECK(warnings.at(0)["tunnel"] == "tokyo");
  }
}

namespace {

// The one tunnel of the fake daemon and one more, in a group.
void group_tunnels(FakeOperations& operations, const json& more = json::object(),
                   const json& probe = {{"target", "169.254.1.2"}}) {
  json text = json::parse(config::valid_text);
  text["tunnels"]["osaka"] = text["tunnels"]["tokyo"];
  text["tunnels"]["osaka"]["interface"] = {{"name", "vti1"}};
  text["tunnels"]["osaka"]["remote"]["address"] = "10.9.3.3";
  text["tunnels"]["tokyo"]["probe"] = probe;
  text["frr"] = json::object();
  text["groups"]["cloud"] = {{"tunnels", {"tokyo", "osaka"}}, {"routes", {"10.64.0.0/10"}}, {"hold_down", 30}};
  text["groups"]["cloud"].update(more);
  operations.run(config::decode(text.dump(), operations.fixture().directory()).value());
  const Instant now = operations.now();
  operations.groups_ = {{.name = "cloud",
                         .carriers = {"osaka"},
                         .carried_since = now - std::chrono::seconds(9),
                         .members = {{"tokyo", now - std::chrono::seconds(4), true, now + std::chrono::seconds(26)},
                                     {"osaka", now - std::chrono::seconds(80), false, {}}}}};
}

}  // namespace

TEST_CASE("a group is shown with who leads and what the others wait for") {
  FakeOperations operations;
  CHECK(result(operations, "show", {{"what", "group"}}) == json::array());
  CHECK(result(operations, "status")["groups"]["total"] == 0);
  group_tunnels(operations);
  const json views = result(operations, "show", {{"what", "group"}, {"name", "cloud"}});
  REQUIRE(views.size() == 1);
  const json& view = views[0];
  CHECK(view["name"] == "cloud");
  CHECK(view["leader"] == "osaka");
  CHECK(view["carriers"] == json::array({"osaka"}));
  CHECK(view["led_seconds"] == 9.0);
  CHECK(view["routes"] == json::array({"10.64.0.0/10"}));
  CHECK(view["fail_back"] == "automatic");
  CHECK(view["preferred"].is_null());
  CHECK(view["tunnels"][0]["state"] == "usable again");
  CHECK(view["tunnels"][0]["returns_in_seconds"] == 26.0);
  CHECK(view["tunnels"][0]["returns_by"] == "hold-down");
  CHECK(view["tunnels"][1]["state"] == "leads");
  CHECK(view["tunnels"][1]["returns_in_seconds"].is_null());
  CHECK(view["tunnels"][1]["returns_by"].is_null());
  operations.groups_[0].members[0].returns_at.reset();
  CHECK(result(operations, "show", {{"what", "group"}})[0]["tunnels"][0]["returns_by"] == "fail-back");
  operations.groups_[0].members[0].failed = false;
  CHECK(result(operations, "show", {{"what", "group"}})[0]["tunnels"][0]["state"] == "stands by");
  operations.groups_[0].members[0].usable_since.reset();
  CHECK(result(operations, "show", {{"what", "group"}})[0]["tunnels"][0]["state"] == "unusable");
  CHECK(result(operations, "show", {{"what", "group"}})[0]["tunnels"][0]["returns_by"].is_null());
  // What comes behind the leader only stands by, whatever befell it.
  operations.groups_[0].members[0].usable_since = operations.groups_[0].members[1].usable_since;
  operations.groups_[0].carriers = {"tokyo"};
  operations.groups_[0].members[1].failed = true;
  CHECK(result(operations, "show", {{"what", "group"}})[0]["tunnels"][1]["state"] == "stands by");
  CHECK(result(operations, "show", {{"what", "group"}})[0]["tunnels"][1]["returns_by"].is_null());
  operations.lan_present_ = true;
  CHECK(result(operations, "status")["healthy"] == true);
  operations.groups_[0].carriers.clear();
  CHECK(result(operations, "status")["healthy"] == false);
  operations.groups_[0].carriers = {"osaka"};
  const json groups = result(operations, "status")["groups"];
  CHECK(groups == json({{"total", 1}, {"led", 1}, {"as_configured", 0}}));
  CHECK(result(operations, "show", {{"what", "tunnel"}, {"name", "tokyo"}})[0]["group"] == "cloud");
  CHECK(call(operations, "show", {{"what", "group"}, {"name", "moon"}})["error"]["code"] == RpcError::not_found);
}

TEST_CASE("an active group is shown with the share of each tunnel") {
  FakeOperations operations;
  group_tunnels(operations, {{"mode", "active"}, {"weights", {{"osaka", 3}}}});
  json view = result(operations, "show", {{"what", "group"}})[0];
  CHECK(view["mode"] == "active");
  CHECK(view["leader"].is_null());
  CHECK(view["carriers"] == json::array({"osaka"}));
  CHECK(view["tunnels"][0]["state"] == "usable again");
  CHECK(view["tunnels"][0]["weight"] == 1);
  CHECK(view["tunnels"][1]["state"] == "carries");
  CHECK(view["tunnels"][1]["weight"] == 3);
  CHECK_FALSE(view.contains("weights"));
  CHECK(result(operations, "status")["groups"] == json({{"total", 1}, {"led", 1}, {"as_configured", 0}}));
  operations.groups_[0].members[0].returns_at.reset();
  CHECK(result(operations, "show", {{"what", "group"}})[0]["tunnels"][0]["returns_by"] == "fail-back");
  operations.groups_[0].carriers = {"tokyo", "osaka"};
  CHECK(result(operations, "status")["groups"] == json({{"total", 1}, {"led", 1}, {"as_configured", 1}}));
}

TEST_CASE("the operator moves a group's traffic") {
  FakeOperations operations;
  group_tunnels(operations);
  CHECK(result(operations, "group.prefer", {{"name", "cloud"}, {"tunnel", "osaka"}})["name"] == "cloud");
  CHECK(result(operations, "group.fail-back", {{"name", "cloud"}})["leader"] == "osaka");
  CHECK(operations.calls_ == std::vector<std::string>{"prefer cloud osaka", "fail-back cloud"});
  CHECK(call(operations, "group.prefer", {{"name", "moon"}, {"tunnel", "osaka"}})["error"]["code"] ==
        RpcError::not_found);
  CHECK(call(operations, "group.prefer", {{"name", "cloud"}})["error"]["code"] == RpcError::invalid_params);
  CHECK(call(operations, "group.fail-back")["error"]["code"] == RpcError::invalid_params);
  CHECK(operations.calls_.size() == 2);
}

TEST_CASE("a tunnel that fails its probe is up, and nothing is well") {
  FakeOperations operations;
  group_tunnels(operations);
  operations.lan_present_ = true;
  operations.tunnel_.phase = TunnelPhase::up;
  CHECK(result(operations, "show", {{"what", "tunnel"}})[0]["probe"].is_null());
  operations.tunnel_.probe = ProbeView{.state = ProbeView::State::answering, .sent = 9, .answered = 8, .lost = 1};
  operations.tunnel_.probe->round_trip = std::chrono::milliseconds(20);
  json status = result(operations, "status");
  CHECK(status["healthy"] == true);
  CHECK(status["tunnels"]["probes_failing"] == 0);
  const json probe = result(operations, "show", {{"what", "tunnel"}})[0]["probe"];
  CHECK(probe["target"] == "169.254.1.2");
  CHECK(probe["state"] == "answering");
  CHECK(probe["answered"] == 8);
  CHECK(probe["round_trip_seconds"] == 0.02);
  operations.tunnel_.probe->state = ProbeView::State::failing;
  status = result(operations, "status");
  CHECK(status["healthy"] == false);
  CHECK(status["tunnels"]["probes_failing"] == 1);
  CHECK(status["tunnels"]["up"] == 1);
  const json explained = result(operations, "tunnel.explain", {{"name", "tokyo"}});
  CHECK(explained["hints"].dump().find("goes through osaka") != std::string::npos);
}

TEST_CASE("a security group is shown with its rules and what they let not pass") {
  FakeOperations operations;
  CHECK(result(operations, "show", {{"what", "security-group"}}) == json::array());
  auto text = config::Json::parse(config::valid_text);
  text["security_groups"]["office"] = {{"in", "any"}, {"out", config::Json::array()}};
  text["ports"]["lan"]["security_groups"] = {"office"};
  auto decoded = config::decode(text.dump(), operations.fixture().directory());
  REQUIRE(decoded);
  operations.run(std::move(*decoded));
  FilterView filter{.groups = {"office"}, .interfaces = {"lan"}, .counters = FilterCounters{1, 2, 3, 4, 5, 6}};
  filter.denials.push_back({.at = Instant(std::chrono::seconds(990)),
                            .interface = "lan",
                            .direction = ipc::Direction::outbound,
                            .protocol = 6,
                            .source = *IpAddress::parse("10.2.0.2"),
                            .destination = *IpAddress::parse("10.1.0.2"),
                            .source_port = 5,
                            .destination_port = 22});
  operations.security_ = {.filters = {filter}, .flows = 7, .flow_places = 8};
  const json views = result(operations, "show", {{"what", "security-group"}, {"name", "office"}});
  REQUIRE(views.size() == 1);
  const json& view = views[0];
  CHECK(view["name"] == "office");
  CHECK(view["in"] == json::parse("[{}]"));
  CHECK(view["out"] == json::array());
  CHECK(view["interfaces"] == json({"lan"}));
  CHECK(view["flows"] == json({{"used", 7}, {"places", 8}}));
  const json& shown = view["filters"][0];
  CHECK(shown["in"] == json({{"flow_packets", 1}, {"rule_packets", 2}, {"denied_packets", 3}}));
  CHECK(shown["out"]["denied_packets"] == 6);
  CHECK(shown["denials"][0] == json({{"age_seconds", 10.0},
                                     {"interface", "lan"},
                                     {"direction", "out"},
                                     {"reason", "no-rule"},
                                     {"protocol", "tcp"},
                                     {"source", "10.2.0.2"},
                                     {"source_port", 5},
                                     {"destination", "10.1.0.2"},
                                     {"destination_port", 22}}));
  CHECK(view["refusal"].is_null());
  operations.security_.refusal = Error{&messages::transaction_refused, "so it is"};
  operations.security_.filters[0].denials[0].reason = ipc::DenialReason::frame_type;
  const json refused = result(operations, "show", {{"what", "security-group"}, {"name", "office"}})[0];
  CHECK(refused["refusal"]["detail"] == "so it is");
  CHECK(refused["filters"][0]["denials"][0]["reason"] == "frame-type");
  CHECK(refused["filters"][0]["denials"][0]["source"].is_null());
  CHECK(call(operations, "show", {{"what", "security-group"}, {"name", "moon"}})["error"]["code"] ==
        RpcError::not_found);
}

TEST_CASE("a probe by BFD has a session where others have counts") {
  FakeOperations operations;
  group_tunnels(operations, json::object(), {{"target", "169.254.1.2"}, {"protocol", "bfd"}});
  operations.lan_present_ = true;
  operations.tunnel_.phase = TunnelPhase::up;
  operations.tunnel_.probe = ProbeView{.state = ProbeView::State::failing};
  operations.tunnel_.probe->reason = "169.254.1.2 on vti0: down, control detection time expired";
  operations.tunnel_.probe->session = "down";
  const json failing = {{"target", "169.254.1.2"},
                        {"protocol", "bfd"},
                        {"state", "failing"},
                        {"reason", operations.tunnel_.probe->reason},
                        {"session", "down"}};
  CHECK(result(operations, "show", {{"what", "tunnel"}})[0]["probe"] == failing);
  const json members = result(operations, "show", {{"what", "group"}})[0]["tunnels"];
  CHECK(members[0]["probe"] == failing);
  CHECK(members[1]["probe"].is_null());
  CHECK(result(operations, "status")["tunnels"]["probes_failing"] == 1);
  const auto hints = [&] { return result(operations, "tunnel.explain", {{"name", "tokyo"}})["hints"].dump(); };
  CHECK(hints().find("its probe fails: 169.254.1.2 on vti0: down") != std::string::npos);

  operations.tunnel_.probe = ProbeView{.state = ProbeView::State::unheard};
  operations.tunnel_.probe->reason = "bfdd.vty: Connection refused";
  const json status = result(operations, "status");
  CHECK(status["tunnels"]["probes_failing"] == 0);
  CHECK(status["tunnels"]["probes_unheard"] == 1);
  CHECK(status["healthy"] == true);
  const json probe = result(operations, "show", {{"what", "tunnel"}})[0]["probe"];
  CHECK(probe["state"] == "unheard");
  CHECK(probe["session"].is_null());
  CHECK(hints().find("bfdd.vty: Connection refused") != std::string::npos);
}

}  // namespace sekisho::rpc
