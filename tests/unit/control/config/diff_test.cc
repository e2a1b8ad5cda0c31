#include "control/config/diff.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "control/ike/connection_difference.h"
#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {
namespace {

Config decoded(const Json& json, const Fixture& fixture) {
  auto config = decode(json.dump(), fixture.directory());
  if (!config) FAIL(describe(config.error()));
  return std::move(*config);
}

Json two_tunnels() {
  Json json = Json::parse(valid_text);
  Json& osaka = json["tunnels"]["osaka"] = json["tunnels"]["tokyo"];
  osaka["interface"] = {{"name", "vti1"}};
  osaka["remote"] = {{"address", "10.9.3.3"}};
  return json;
}

}  // namespace

TEST_CASE("the same configuration is no change, however it is written") {
  const Fixture fixture;
  Json spelt = two_tunnels();
  spelt["ports"]["wan"]["mtu"] = 1500;
  spelt["tunnels"]["tokyo"]["start"] = "start";
  spelt["tunnels"]["tokyo"]["interface"]["mtu"] = spelt["tunnels"]["tokyo"]["interface"]["mss"] = "auto";
  spelt["tunnels"]["tokyo"]["outer_mtu"] = "auto";
  spelt["tunnels"]["tokyo"]["path_mtu_discovery"] = true;
  spelt["tunnels"]["tokyo"]["df"] = "copy";
  spelt["tunnels"]["tokyo"]["ike"]["lifetime"] = 28800;
  CHECK(diff(decoded(two_tunnels(), fixture), decoded(spelt, fixture)).empty());
}

TEST_CASE("an edit to one tunnel touches no other") {
  const Fixture fixture;
  Json edited = two_tunnels();
  edited["tunnels"]["tokyo"]["ike"]["lifetime"] = 600;
  const Config before = decoded(two_tunnels(), fixture), after = decoded(edited, fixture);
  const Plan plan = diff(before, after);
  REQUIRE(plan.changes.size() == 1);
  CHECK(plan.changes[0].kind == Change::Kind::change);
  CHECK(plan.changes[0].pointer == "/tunnels/tokyo/ike/lifetime");
  CHECK(plan.changes[0].before == 28800);
  CHECK(plan.changes[0].after == 600);
  CHECK(plan.tunnels_set == std::vector<std::string>{"tokyo"});
  CHECK(plan.ports_set.empty());
  CHECK(plan.tunnels_removed.empty());
  CHECK(same_connection(before.tunnels.at("osaka").connection, after.tunnels.at("osaka").connection));
  CHECK_FALSE(same_connection(before.tunnels.at("tokyo").connection, after.tunnels.at("tokyo").connection));
}

// What a key becomes, and what else has to be there for it to be valid.
struct Edit {
  const char* pointer;
  Json value;
  Json besides = Json::object();  // merged into the tunnel in both configurations
};

// Every key that changes how IKE is spoken or what an SA carries.
const std::vector<Edit>& edits() {
  static const Json v1 = {{"ike", {{"version", "v1"}, {"proposals", {"aes256-sha256-modp2048"}}}},
                          {"selectors", {{"local", {"10.1.0.0/24"}}, {"remote", {"10.2.0.0/24"}}}}};
  static const Json both = {{"ike", {{"proposals", {"aes256-sha256-modp2048"}}}},
                            {"selectors", {{"local", {"10.1.0.0/24"}}, {"remote", {"10.2.0.0/24"}}}}};
  static const Json children = {
      {"children",
       {{"data", {{"selectors", {{"local", {"10.1.0.0/24"}}, {"remote", {"10.2.0.0/24"}}}}}},
        {"voice",
         {{"selectors", {{"local", {"10.1.1.0/24"}}, {"remote", {"10.2.1.0/24"}}}}, {"esp", {{"lifetime", 900}}}}}}}};
  static const std::vector<Edit> all = {
      {"/local/address", "10.9.1.7", {{"local", {{"id", "a.lab"}}}}},
      {"/local/alternatives", {"10.9.1.8"}},
      {"/local/id", "other.lab"},
      {"/remote/address", "10.9.2.9", {{"remote", {{"id", "b.lab"}}}}},
      {"/remote/id", "b.lab"},
      {"/psk_file", "psk/other"},
      {"/start", "respond"},
      {"/start", "on-traffic"},
      {"/selectors/local", {"10.1.7.0/24"}, {{"selectors", {{"local", {"10.1.0.0/16"}}}}}},
      {"/selectors/remote", {"10.2.7.0/24"}, {{"selectors", {{"remote", {"10.2.0.0/16"}}}}, {"routes", Json::array()}}},
      {"/ike/version", "v1", both},
      {"/ike/aggressive", true, v1},
      {"/ike/proposals", {"aes256gcm16-prfsha384-ecp384"}},
      {"/ike/lifetime", 600},
      {"/ike/margin", 60},
      {"/ike/fuzz", 50},
      {"/ike/reauthenticate", true},
      {"/ike/dpd_interval", 7},
      {"/ike/dpd_action", "clear"},
      {"/ike/retry_interval", 7},
      {"/ike/retransmission/first_ms", 700},
      {"/ike/retransmission/factor", 1.5},
      {"/ike/retransmission/tries", 3},
      {"/ike/mobike", false},
      {"/ike/fragmentation", false},
      {"/ike/fragment_size", 1280},
      {"/esp/proposals", {"aes256gcm16"}},
      {"/esp/lifetime", 600},
      {"/esp/lifetime_bytes", 1000000},
      {"/esp/lifetime_packets", 1000000},
      {"/esp/margin", 60},
      {"/esp/fuzz", 50},
      {"/esp/replay_window", 1024},
      {"/esp/encapsulation", "force"},
      {"/children/voice/esp/lifetime", 600, children},
      {"/children/voice/esp/proposals", {"aes256gcm16"}, children},
      {"/children/voice/selectors/local", {"10.1.9.0/24"}, children},
      {"/ppk/required", false, {{"ppk", {{"id", "blue"}, {"file", "psk/other"}}}}},
      {"/ppk/id", "green", {{"ppk", {{"id", "blue"}, {"file", "psk/other"}}}}},
  };
  return all;
}

TEST_CASE("whichever key of a tunnel changes, the plan names it and the engine hears of it") {
  const Fixture fixture;
  for (const Edit& edit : edits()) {
    INFO(edit.pointer << " = " << edit.value.dump());
    Json former = two_tunnels();
    former["tunnels"]["tokyo"].merge_patch(edit.besides);
    Json latter = former;
    latter["tunnels"]["tokyo"][Json::json_pointer(edit.pointer)] = edit.value;
    const Config before = decoded(former, fixture), after = decoded(latter, fixture);
    const Plan plan = diff(before, after);
    REQUIRE(plan.changes.size() == 1);
    CHECK(plan.changes[0].pointer == std::string("/tunnels/tokyo") + edit.pointer);
    CHECK(plan.tunnels_set == std::vector<std::string>{"tokyo"});
    CHECK(ike::compare(before.tunnels.at("tokyo").connection, after.tunnels.at("tokyo").connection) !=
          ike::Difference::none);
  }
}

TEST_CASE("children have no order") {
  const Fixture fixture;
  Json former = two_tunnels(), latter = former;
  const Json data = {{"selectors", {{"local", {"10.1.0.0/24"}}, {"remote", {"10.2.0.0/24"}}}}};
  const Json voice = {{"selectors", {{"local", {"10.1.1.0/24"}}, {"remote", {"10.2.1.0/24"}}}}};
  former["tunnels"]["tokyo"]["children"] = {{"data", data}, {"voice", voice}};
  latter["tunnels"]["tokyo"]["children"] = {{"voice", voice}, {"data", data}};
  const Config before = decoded(former, fixture), after = decoded(latter, fixture);
  CHECK(diff(before, after).empty());
  CHECK(ike::compare(before.tunnels.at("tokyo").connection, after.tunnels.at("tokyo").connection) ==
        ike::Difference::none);
}

TEST_CASE("sizes are a change of the tunnel, and negotiate nothing: SAs stay") {
  const Fixture fixture;
  Json edited = two_tunnels();
  Json& tokyo = edited["tunnels"]["tokyo"];
  tokyo["interface"]["mtu"] = 1436;
  tokyo["interface"]["mss"] = "off";
  tokyo["outer_mtu"] = 1454;
  tokyo["df"] = "clear";
  // By outer_mtu, IKE no longer looks for one.
  const Config before = decoded(two_tunnels(), fixture), after = decoded(edited, fixture);
  const Plan plan = diff(before, after);
  std::vector<std::string> pointers;
  for (const Change& change : plan.changes) pointers.push_back(change.pointer);
  CHECK(pointers == std::vector<std::string>{"/tunnels/tokyo/df", "/tunnels/tokyo/interface/mss",
                                             "/tunnels/tokyo/interface/mtu", "/tunnels/tokyo/outer_mtu"});
  CHECK(ike::compare(before.tunnels.at("tokyo").connection, after.tunnels.at("tokyo").connection) ==
        ike::Difference::local);
}

TEST_CASE("how IKE messages are cut is a change of the connection") {
  const Fixture fixture;
  Json edited = two_tunnels();
  edited["tunnels"]["tokyo"]["ike"]["fragmentation"] = false;
  edited["tunnels"]["tokyo"]["ike"]["fragment_size"] = 1280;
  const Config before = decoded(two_tunnels(), fixture), after = decoded(edited, fixture);
  CHECK_FALSE(after.tunnels.at("tokyo").connection.fragmentation);
  CHECK(after.tunnels.at("tokyo").connection.fragment_size == 1280);
  CHECK(diff(before, after).changes.size() == 2);
}

TEST_CASE("objects come and go whole") {
  const Fixture fixture;
  Json edited = two_tunnels();
  edited["tunnels"].erase("osaka");
  edited["ports"]["dmz"] = {{"device", "net_null0"}};
  edited["routes"] = {{{"prefix", "0.0.0.0/0"}, {"via", "10.9.1.253"}}};
  const Plan plan = diff(decoded(two_tunnels(), fixture), decoded(edited, fixture));
  CHECK(plan.tunnels_removed == std::vector<std::string>{"osaka"});
  CHECK(plan.ports_set == std::vector<std::string>{"dmz"});
  CHECK(plan.routes_added.size() == 1);
  CHECK(plan.routes_removed.size() == 1);
  const auto listed = to_json(plan);
  REQUIRE(listed.size() == 4);
  CHECK(listed[0]["kind"] == "add");
  CHECK(listed[0]["pointer"] == "/ports/dmz");
  CHECK(listed[0]["before"].is_null());
  CHECK(listed[1]["pointer"] == "/routes/0.0.0.0~10");
  CHECK(listed[3]["kind"] == "remove");
}

TEST_CASE("guards come and go each for itself, in whatever order they stand") {
  const Fixture fixture;
  Json before = two_tunnels(), after = two_tunnels();
  before["guards"] = {"10.0.0.0/8", "fd00::/8"};
  after["guards"] = {"fd00::/8", "172.16.0.0/12"};
  CHECK(decoded(before, fixture).guards == std::vector{*Prefix::parse("10.0.0.0/8"), *Prefix::parse("fd00::/8")});
  const Plan plan = diff(decoded(before, fixture), decoded(after, fixture));
  REQUIRE(plan.changes.size() == 2);
  CHECK(plan.changes[0].kind == Change::Kind::remove);
  CHECK(plan.changes[0].pointer == "/guards/10.0.0.0~18");
  CHECK(plan.changes[1].kind == Change::Kind::add);
  CHECK(plan.changes[1].after == "172.16.0.0/12");
  CHECK(plan.effects.empty());
  std::swap(before["guards"][0], before["guards"][1]);
  after["guards"] = {"10.0.0.0/8", "fd00::/8"};
  CHECK(diff(decoded(before, fixture), decoded(after, fixture)).empty());
  after["guards"] = {"10.0.0.1/8"};
  CHECK_FALSE(decode(after.dump(), fixture.directory()));
}

TEST_CASE("a changed key is shown as changed and not otherwise") {
  const Fixture fixture;
  Json other_key = two_tunnels(), same_key = two_tunnels();
  other_key["tunnels"]["tokyo"]["psk_file"] = "psk/other";
  same_key["tunnels"]["tokyo"]["psk_file"] = "psk/osaka";
  const Config running = decoded(two_tunnels(), fixture);
  const Plan changed = diff(running, decoded(other_key, fixture));
  REQUIRE(changed.changes.size() == 1);
  CHECK(changed.changes[0].pointer == "/tunnels/tokyo/psk_file");
  CHECK(changed.changes[0].after == "changed");
  const std::string shown = to_json(changed).dump();
  CHECK(shown.find("swordfish") == std::string::npos);
  CHECK(shown.find("marlin") == std::string::npos);

  const Config moved = decoded(same_key, fixture);
  const Plan renamed = diff(running, moved);
  REQUIRE(renamed.changes.size() == 1);
  CHECK(renamed.changes[0].after == "psk/osaka");
  CHECK(same_connection(running.tunnels.at("tokyo").connection, moved.tunnels.at("tokyo").connection));

  fixture.write("psk/tokyo", "marlin");  // the same name, another key
  CHECK(diff(running, decoded(two_tunnels(), fixture)).tunnels_set == std::vector<std::string>{"osaka", "tokyo"});
}

TEST_CASE("a plan says what becomes of each tunnel's SAs") {
  const Fixture fixture;
  const auto effect = [&](const std::string& pointer, const Json& value) {
    Json edited = two_tunnels();
    edited["tunnels"]["tokyo"][Json::json_pointer(pointer)] = value;
    const Plan plan = diff(decoded(two_tunnels(), fixture), decoded(edited, fixture));
    CAPTURE(pointer);
    REQUIRE(plan.effects.size() == 1);
    CHECK(plan.effects[0].tunnel == "tokyo");
    return plan.effects[0].kind;
  };
  using Kind = Effect::Kind;
  CHECK(effect("/ike/lifetime", 600) == Kind::in_place);
  CHECK(effect("/esp/lifetime", 600) == Kind::in_place);
  CHECK(effect("/start", "respond") == Kind::in_place);
  CHECK(effect("/interface/mtu", 1300) == Kind::in_place);
  CHECK(effect("/interface/name", "vti7") == Kind::rebuilt);
  CHECK(effect("/remote/address", "10.9.2.9") == Kind::rebuilt);
  CHECK(effect("/esp/proposals", {"aes256gcm16"}) == Kind::rebuilt);
  CHECK(effect("/psk_file", "psk/other") == Kind::rebuilt);
  CHECK(effect("/psk_file", "psk/osaka") == Kind::in_place);  // another file, the same key

  Json replaced = two_tunnels();
  replaced["tunnels"]["nagoya"] = replaced["tunnels"]["osaka"];
  replaced["tunnels"].erase("osaka");
  const auto listed = to_json(diff(decoded(two_tunnels(), fixture), decoded(replaced, fixture)).effects);
  REQUIRE(listed.size() == 2);
  CHECK(listed[0] == Json::parse(R"({"tunnel": "osaka", "effect": "removed", "goes_down": true})"));
  CHECK(listed[1] == Json::parse(R"({"tunnel": "nagoya", "effect": "added", "goes_down": false})"));
}

}  // namespace sekisho::config
