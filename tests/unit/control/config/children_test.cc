// Several child SAs in a tunnel, their lifetimes, and what else says how a tunnel begins and lasts.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "base/messages/config.h"
#include "control/config/diff.h"
#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {
namespace {

using std::chrono::seconds;

Json with(const Json& patch) {
  Json config = Json::parse(valid_text);
  config["tunnels"]["tokyo"].merge_patch(patch);
  return config;
}

ike::Connection connection(const Json& patch) {
  const Fixture fixture;
  auto config = decode(with(patch).dump(), fixture.directory());
  if (!config) FAIL(describe(config.error()));
  return config->tunnels.at("tokyo").connection;
}

void check_error(const Json& patch, std::string_view pointer, const Message& message, std::string_view detail) {
  const Fixture fixture;
  const auto config = decode(with(patch).dump(), fixture.directory());
  REQUIRE_FALSE(config.has_value());
  INFO(describe(config.error()));
  REQUIRE(config.error().size() == 1);
  CHECK(config.error()[0].pointer == "/tunnels/tokyo" + std::string(pointer));
  CHECK(config.error()[0].error.message == &message);
  CHECK(config.error()[0].error.detail.find(detail) != std::string::npos);
}

Json selectors(const char* local, const char* remote) {
  return {{"local", Json::array({local})}, {"remote", Json::array({remote})}};
}

const Json two = {{"children",
                   {{"voice",
                     {{"selectors", selectors("10.1.0.0/24", "10.2.0.0/24")},
                      {"esp", {{"proposals", {"aes256gcm16"}}, {"lifetime", 600}}}}},
                    {"data", {{"selectors", selectors("10.1.1.0/24", "10.2.1.0/24")}}}}},
                  {"esp", {{"lifetime", 1200}, {"replay_window", 128}}}};

}  // namespace

TEST_CASE("without children the tunnel is its own one") {
  const auto plain = connection(Json::object());
  REQUIRE(plain.children.size() == 1);
  CHECK(plain.children[0].name == "tokyo");
}

TEST_CASE("children stand in the order of their names and begin with the tunnel's esp") {
  const Fixture fixture;
  const auto config = decode(with(two).dump(), fixture.directory());
  if (!config) FAIL(describe(config.error()));
  const Tunnel& tunnel = config->tunnels.at("tokyo");
  const auto& children = tunnel.connection.children;
  REQUIRE(children.size() == 2);
  CHECK(children[0].name == "data");
  CHECK(children[0].lifetime == seconds(1200));
  CHECK(children[0].remote_selectors.at(0).text() == "10.2.1.0/24");
  CHECK(children[1].name == "voice");
  CHECK(children[1].esp_proposals.size() == 1);
  CHECK(children[1].lifetime == seconds(600));
  CHECK(children[1].replay_window == 128);
  REQUIRE(tunnel.routes.size() == 2);
  CHECK(tunnel.routes[0].text() == "10.2.1.0/24");
}

TEST_CASE("what is wrong with children is said") {
  using namespace messages;
  check_error({{"children", Json::object()}}, "/children", config_out_of_range, "0 children, 1 to 16");
  Json many = Json::object();
  for (int i = 0; i < 17; ++i)
    many["c" + std::to_string(i)] = {
        {"selectors", selectors("10.1.0.0/24", ("10.3." + std::to_string(i) + ".0/24").c_str())}};
  check_error({{"children", many}}, "/children", config_out_of_range, "17 children");
  check_error({{"children",
                {{"a", {{"selectors", selectors("10.1.0.0/24", "10.2.0.0/24")}}},
                 {"b", {{"selectors", selectors("10.1.0.0/24", "10.2.0.0/24")}}}}}},
              "/children", config_children_alike, "a and b");
  check_error({{"children", {{"a", Json::object()}}}, {"selectors", selectors("10.1.0.0/24", "10.2.0.0/24")}},
              "/selectors", config_children_selectors, "children");
  check_error({{"children", {{"a b", Json::object()}}}}, "/children/a b", config_bad_name, "position 2");
  check_error({{"children", {{"a", {{"esp", {{"encapsulation", "off"}}}}}}}}, "/children/a/esp/encapsulation",
              config_unknown_key, "encapsulation");
  check_error(
      {{"children", {{"a", {{"selectors", selectors("10.1.0.0/24", "10.2.0.0/24")}}}}}, {"routes", {"10.8.0.0/16"}}},
      "/routes/0", config_route_outside_selectors, "10.2.0.0/24");
}

TEST_CASE("children that come, change and go are changes of their own") {
  const Fixture fixture;
  const auto decoded = [&](const Json& patch) { return *decode(with(patch).dump(), fixture.directory()); };
  Json edited = two;
  edited["children"]["voice"]["esp"]["lifetime"] = 700;
  edited["children"]["mail"] = {{"selectors", selectors("10.1.2.0/24", "10.2.2.0/24")}};
  edited["children"].erase("data");
  const Plan plan = diff(decoded(two), decoded(edited));
  const auto has = [&](Change::Kind kind, const std::string& pointer) {
    return std::ranges::any_of(plan.changes, [&](const Change& change) {
      return change.kind == kind && change.pointer == "/tunnels/tokyo/" + pointer;
    });
  };
  CHECK(has(Change::Kind::change, "children/voice/esp/lifetime"));
  CHECK(has(Change::Kind::add, "children/mail"));
  CHECK(has(Change::Kind::remove, "children/data"));
  CHECK(diff(decoded(two), decoded(two)).empty());
  CHECK_FALSE(diff(decoded(Json::object()), decoded(two)).empty());
}

TEST_CASE("lifetimes with margin and fuzz") {
  const auto timed = connection({{"ike", {{"lifetime", 1000}, {"margin", 100}, {"fuzz", 50}, {"reauthenticate", true}}},
                                 {"esp", {{"margin", 60}, {"fuzz", 0}, {"lifetime_bytes", 104857600000}}}});
  CHECK(timed.ike_renewal.margin == seconds(100));
  CHECK(timed.ike_renewal.fuzz == 50);
  CHECK(timed.reauthenticate);
  CHECK(timed.children[0].renewal.margin == seconds(60));
  CHECK(timed.children[0].renewal.fuzz == 0);
  CHECK(timed.children[0].lifetime_bytes == 102'400'000ull * 1024);
  using namespace messages;
  check_error({{"ike", {{"lifetime", 100}, {"margin", 60}}}}, "/ike", config_out_of_range,
              "120 s of a lifetime of 100 s");
  check_error({{"esp", {{"fuzz", 900}}}}, "/esp", config_out_of_range, "3600 s");
  check_error({{"ike", {{"reauthenticate", 1}}}}, "/ike/reauthenticate", config_wrong_type, "true or false");
}

TEST_CASE("how a tunnel begins, and what becomes of it with a dead peer") {
  CHECK(connection({{"start", "on-traffic"}}).start == ike::StartMode::on_traffic);
  CHECK(connection({{"ike", {{"dpd_action", "clear"}}}}).dpd_action == ike::DpdAction::clear);
  const auto any = connection({{"start", "respond"}, {"remote", {{"address", "any"}, {"id", "b.lab"}}}});
  CHECK(any.remote.is_any());
  using namespace messages;
  check_error({{"remote", {{"address", "any"}, {"id", "b.lab"}}}}, "", config_any_peer, "respond");
  check_error({{"start", "respond"}, {"remote", {{"address", "any"}}}}, "/remote", config_missing_key, "id");
  check_error({{"start", "respond"}, {"local", {{"address", "any"}}}}, "/local/address", config_bad_address, "any");
}

}  // namespace sekisho::config
