// "groups" of tunnels.
#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "base/messages/config.h"
#include "control/config/diff.h"
#include "control/config/encode.h"
#include "control/config/warnings.h"
#include "tests/unit/control/config/decoded.h"
#include "tests/unit/control/config/grouped.h"

using namespace std::chrono_literals;

namespace sekisho::config {
TEST_CASE("tunnels of one group with different security groups are warned of") {
  Json text = grouped();
  text["security_groups"]["far"] = text["security_groups"]["near"] = {{"in", "any"}, {"out", "any"}};
  const auto differ = [&] {
    std::string details;
    for (const Warning& each : warnings(decoded(text), {}))
      if (each.error.message == &messages::config_group_guards_differ)
        details += each.tunnel + ": " + each.error.detail;
    return details;
  };
  CHECK(differ().empty());
  text["tunnels"]["tokyo"]["interface"]["security_groups"] = {"near", "far"};
  CHECK(differ() == "osaka: group cloud: tokyo has far, near, osaka has none");
  text["tunnels"]["osaka"]["interface"]["security_groups"] = {"far"};
  CHECK(differ() == "osaka: group cloud: tokyo has far, near, osaka has far");
  text["tunnels"]["osaka"]["interface"]["security_groups"] = {"far", "near"};
  CHECK(differ().empty());
}

TEST_CASE("a group has its tunnels in order, its own routes, and returns to the first at once by itself") {
  const Config config = decoded(grouped());
  const Group& group = config.groups.at("cloud");
  CHECK(group.tunnels == std::vector<std::string>{"tokyo", "osaka"});
  CHECK(group.routes == std::vector{*Prefix::parse("10.64.0.0/10")});
  CHECK(group.hold_down == 0s);
  CHECK(group.fail_back);
  CHECK(group.propagation == Propagation{});
  // What leads into the group is the group's.
  CHECK(config.tunnels.at("tokyo").routes.empty());
  CHECK(config.tunnels.at("osaka").routes.empty());
  REQUIRE(group_of(config, "osaka"));
  CHECK(group_of(config, "osaka")->first == "cloud");
  CHECK_FALSE(group_of(config, "nagoya"));
  for (const Warning& each : warnings(config, {})) CHECK(each.error.message != &messages::config_no_route);

  const Config given = decoded(with("/groups/cloud", {{"tunnels", {"osaka", "tokyo"}},
                                                      {"routes", {"10.64.0.0/10"}},
                                                      {"mode", "standby"},
                                                      {"hold_down", 30},
                                                      {"fail_back", "manual"},
                                                      {"propagate", {{"distance", 210}}}}));
  CHECK(given.groups.at("cloud").tunnels.front() == "osaka");
  CHECK(given.groups.at("cloud").hold_down == 30s);
  CHECK_FALSE(given.groups.at("cloud").fail_back);
  CHECK(given.groups.at("cloud").propagation.distance == 210);
}

TEST_CASE("the tunnels of an active group have weights") {
  CHECK(decoded(grouped()).groups.at("cloud").weights.empty());
  const Config even = decoded(with("/groups/cloud/mode", "active"));
  CHECK(even.groups.at("cloud").mode == Group::Mode::active);
  CHECK(even.groups.at("cloud").weights == ByName<uint16_t>{{"osaka", 1}, {"tokyo", 1}});
  Json text = with("/groups/cloud/mode", "active");
  text["groups"]["cloud"]["weights"] = {{"tokyo", 255}};
  const Config weighted = decoded(text);
  CHECK(weighted.groups.at("cloud").weights == ByName<uint16_t>{{"osaka", 1}, {"tokyo", 255}});
  const Plan plan = diff(even, weighted);
  REQUIRE(plan.changes.size() == 1);
  CHECK(plan.changes.front().pointer == "/groups/cloud/weights/tokyo");
  CHECK(plan.groups_set == std::vector<std::string>{"cloud"});
  CHECK(plan.effects.empty());
}

TEST_CASE("a tunnel of a group keeps the routes that it names itself") {
  const Config config = decoded(with("/tunnels/tokyo/routes", {"10.65.0.0/16"}));
  CHECK(config.tunnels.at("tokyo").routes.size() == 1);
}

TEST_CASE("a group that cannot be is refused where it says so") {
  using namespace messages;
  const std::string cloud = "/groups/cloud";
  // The tunnels that are not in it have no routes of their own, which could be the group's.
  const auto of = [](const Json& tunnels) {
    Json text = with("/groups/cloud/tunnels", tunnels);
    for (const char* tunnel : {"tokyo", "osaka"}) text["tunnels"][tunnel]["routes"] = Json::array();
    return text;
  };
  refused(of({"tokyo", "nagoya"}), cloud + "/tunnels/1", config_group_tunnel, "nagoya");
  refused(of(Json::array({"tokyo"})), cloud + "/tunnels", config_out_of_range);
  refused(of({"tokyo", "tokyo"}), cloud + "/tunnels/1", config_duplicate);
  refused(of("tokyo"), cloud + "/tunnels", config_wrong_type);
  refused(with("/groups/cloud/routes", Json::array()), cloud + "/routes", config_out_of_range);
  refused(with("/groups/cloud/routes", {"10.64.0.1/10"}), cloud + "/routes/0", config_bad_prefix);
  refused(with("/groups/cloud/mode", "both"), cloud + "/mode", config_bad_choice, "standby");
  refused(with("/groups/cloud/weights", {{"tokyo", 2}}), cloud + "/weights", config_group_weight, "standby");
  const auto weigh = [](const Json& weights) {
    Json text = with("/groups/cloud/mode", "active");
    text["groups"]["cloud"]["weights"] = weights;
    return text;
  };
  refused(weigh({{"nagoya", 2}}), cloud + "/weights/nagoya", config_group_weight, "nagoya");
  refused(weigh({{"tokyo", 0}}), cloud + "/weights/tokyo", config_out_of_range);
  refused(weigh({{"tokyo", 256}}), cloud + "/weights/tokyo", config_out_of_range);
  refused(weigh({{"tokyo", 1.5}}), cloud + "/weights/tokyo", config_wrong_type);
  refused(weigh(Json::array({1, 2})), cloud + "/weights", config_wrong_type);
  refused(with("/groups/cloud/hold_down", 86401), cloud + "/hold_down", config_out_of_range);
  refused(with("/groups/cloud/fail_back", true), cloud + "/fail_back", config_wrong_type);
  refused(with("/groups/cloud/fail_back", "never"), cloud + "/fail_back", config_bad_choice);
  refused(with("/groups/cloud/holddown", 5), cloud + "/holddown", config_unknown_key, "hold_down");
  Json renamed = grouped();
  renamed["groups"] = {{"-x", grouped()["groups"]["cloud"]}};
  refused(renamed, "/groups/-x", config_bad_name);
  refused(with("/tunnels/osaka/start", "on-traffic"), cloud + "/tunnels/1", config_group_asleep, "osaka");
}

TEST_CASE("a tunnel is in one group, and a prefix leads into one thing") {
  using namespace messages;
  Json text = grouped();
  text["groups"]["other"] = {{"tunnels", {"osaka", "tokyo"}}, {"routes", {"10.65.0.0/16"}}};
  const Fixture fixture;
  const auto twice = decode(text.dump(), fixture.directory());
  REQUIRE_FALSE(twice);
  CHECK(twice.error().size() == 2);
  for (const ConfigError& each : twice.error()) CHECK(each.error.message == &config_duplicate);
  refused(with("/tunnels/osaka/routes", {"10.64.0.0/10"}), "/groups/cloud/routes/0", config_duplicate,
          "/tunnels/osaka/routes/0");
  Json beside = grouped();
  beside["routes"].push_back({{"prefix", "10.64.0.0/10"}, {"via", "10.9.1.254"}});
  refused(beside, "/groups/cloud/routes/0", config_duplicate, "/routes/1");
}

TEST_CASE("each tunnel of a group must be able to carry its routes") {
  using namespace messages;
  refused(with("/tunnels/osaka/selectors/remote", {"10.65.0.0/16"}), "/groups/cloud/routes/0",
          config_route_outside_selectors, "of tunnel osaka");
  refused(with("/tunnels/osaka/remote/address", "10.64.0.9"), "/groups/cloud/routes/0", config_route_loop,
          "of tunnel osaka");
}

TEST_CASE("a static route past a group is warned of at the group's first tunnel") {
  Json text = grouped();
  text["routes"].push_back({{"prefix", "10.65.0.0/16"}, {"via", "10.9.1.254"}});
  const auto all = warnings(decoded(text), {});
  CHECK(std::ranges::any_of(all, [](const Warning& each) {
    return each.tunnel == "tokyo" && each.error.message == &messages::config_route_beside;
  }));
}

TEST_CASE("a plan names what changes about a group, and no tunnel goes down by it") {
  const Config before = decoded(grouped());
  CHECK(diff(before, decoded(with("/groups/cloud/hold_down", 0))).empty());
  const Plan later = diff(before, decoded(with("/groups/cloud/hold_down", 30)));
  REQUIRE(later.changes.size() == 1);
  CHECK(later.changes.front().pointer == "/groups/cloud/hold_down");
  CHECK(later.groups_set == std::vector<std::string>{"cloud"});
  CHECK(later.effects.empty());

  // Each tunnel for itself, as before there was a group.
  Json apart = grouped();
  apart.erase("groups");
  apart["tunnels"]["osaka"]["routes"] = Json::array();
  const Plan plan = diff(before, decoded(apart));
  CHECK(plan.groups_removed == std::vector<std::string>{"cloud"});
  REQUIRE(plan.effects.size() == 1);
  CHECK(plan.effects.front().tunnel == "tokyo");
  CHECK(plan.effects.front().kind == Effect::Kind::in_place);
}

}  // namespace sekisho::config
