// "probe" of a tunnel.
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "base/messages/config.h"
#include "control/config/diff.h"
#include "control/config/encode.h"
#include "control/config/warnings.h"
#include "tests/unit/control/config/decoded.h"
#include "tests/unit/control/config/grouped.h"

using namespace std::chrono_literals;

namespace sekisho::config {
namespace {

using Texts = std::vector<std::string>;

// Of probes, each with the tunnel's name.
Texts doubts(const Json& text) {
  Texts all;
  for (const Warning& each : warnings(decoded(text), {}))
    if (each.error.message == &messages::config_probe_doubtful) all.push_back(each.tunnel + ": " + each.error.detail);
  return all;
}

}  // namespace

TEST_CASE("a probe asks every second, by default with as much time to answer") {
  const Config plain = decoded(with("/tunnels/tokyo/probe", {{"target", "10.128.0.1"}}));
  const Probe& probe = *plain.tunnels.at("tokyo").probe;
  CHECK(probe.protocol == Probe::Protocol::icmp);
  CHECK(probe.interval == 1s);
  CHECK(probe.timeout == 1s);
  CHECK(probe.loss == 3);
  CHECK(probe.of == 5);
  CHECK_FALSE(plain.tunnels.at("osaka").probe);
  const Config given = decoded(with("/tunnels/tokyo/probe", {{"target", "10.128.0.1"},
                                                             {"source", "10.1.0.1"},
                                                             {"protocol", "udp"},
                                                             {"port", 7},
                                                             {"interval", 0.1},
                                                             {"loss", 2},
                                                             {"of", 2}}));
  const Probe& fast = *given.tunnels.at("tokyo").probe;
  CHECK(fast.protocol == Probe::Protocol::udp);
  CHECK(fast.port == 7);
  CHECK(fast.interval == 100ms);
  CHECK(fast.timeout == 100ms);
  CHECK(fast.source == IpAddress::parse("10.1.0.1"));
  CHECK(decoded(with("/tunnels/tokyo/probe", {{"target", "10.128.0.1"}, {"of", 2}})).tunnels.at("tokyo").probe->loss ==
        2);
}

TEST_CASE("a probe that cannot work is refused where it says so") {
  using namespace messages;
  const auto probe = [](const Json& more) {
    Json value = {{"target", "10.128.0.1"}};
    value.update(more);
    return with("/tunnels/tokyo/probe", value);
  };
  const std::string at = "/tunnels/tokyo/probe";
  refused(with("/tunnels/tokyo/probe", Json::object()), at, config_missing_key, "target");
  refused(probe({{"target", "224.0.0.1"}}), at + "/target", config_bad_address);
  refused(probe({{"source", "fd00::1"}}), at + "/source", config_family_mismatch);
  refused(probe({{"protocol", "tcp"}}), at + "/protocol", config_bad_choice);
  refused(probe({{"protocol", "udp"}}), at, config_missing_key, "port");
  refused(probe({{"protocol", "udp"}, {"port", 0}}), at + "/port", config_out_of_range);
  refused(probe({{"port", 7}}), at + "/port", config_unknown_key);
  refused(probe({{"interval", 0.05}}), at + "/interval", config_out_of_range);
  refused(probe({{"timeout", 61}}), at + "/timeout", config_out_of_range);
  refused(probe({{"of", 61}}), at + "/of", config_out_of_range);
  refused(probe({{"of", 2}, {"loss", 3}}), at + "/loss", config_out_of_range);
}

TEST_CASE("a probe may go by BFD, where there is FRR") {
  using namespace messages;
  const auto by_bfd = [](const Json& more) {
    Json value = {{"target", "10.128.0.1"}, {"protocol", "bfd"}};
    value.update(more);
    Json text = with("/tunnels/tokyo/probe", value);
    text["frr"] = Json::object();
    return text;
  };
  const Config config = decoded(by_bfd(Json::object()));
  const Probe& probe = *config.tunnels.at("tokyo").probe;
  CHECK(probe.protocol == Probe::Protocol::bfd);
  CHECK(probe.target == IpAddress::parse("10.128.0.1"));
  CHECK(encode(config.tunnels.at("tokyo"))["probe"] == Json{{"target", "10.128.0.1"}, {"protocol", "bfd"}});

  const std::string at = "/tunnels/tokyo/probe";
  Json without = by_bfd(Json::object());
  without.erase("frr");
  refused(without, at + "/protocol", config_missing_key, "frr");
  const Json foreign = {{"source", "10.1.0.1"}, {"port", 3784}, {"interval", 1},
                        {"timeout", 1},         {"loss", 3},    {"of", 5}};
  for (const auto& [key, value] : foreign.items())
    refused(by_bfd({{key, value}}), at + "/" + key, config_unknown_key, "\"" + key + "\" does not go with");
  refused(by_bfd({{"target", "10.64.0.1"}}), at + "/target", config_probe_unanswerable, "10.64.0.0/10");

  // From echoes to BFD, in place.
  Json echoes = by_bfd(Json::object());
  echoes["tunnels"]["tokyo"]["probe"] = {{"target", "10.128.0.1"}};
  const Plan plan = diff(decoded(echoes), config);
  CHECK(std::ranges::any_of(plan.changes, [&](const Change& each) {
    return each.pointer == at + "/protocol" && each.before == "icmp" && each.after == "bfd";
  }));
  CHECK(plan.tunnels_set == std::vector<std::string>{"tokyo"});
  REQUIRE(plan.effects.size() == 1);
  CHECK(plan.effects.front().kind == Effect::Kind::in_place);
  CHECK(diff(config, config).empty());
}

TEST_CASE("a target whose answer cannot count is refused") {
  const auto refused_target = [](const Json& text, const std::string& part) {
    refused(text, "/tunnels/tokyo/probe/target", messages::config_probe_unanswerable, part);
  };
  const auto target = [](const char* address) { return with("/tunnels/tokyo/probe", {{"target", address}}); };
  refused_target(target("10.2.0.1"), "remote selectors, 10.64.0.0/10 10.128.0.0/24");
  refused_target(target("10.9.2.2"), "outside of the tunnel");
  // Within the group's own routes, whose blackhole stands until there is an answer.
  refused_target(target("10.64.0.1"), "10.64.0.0/10, which is a blackhole");
  Json text = target("10.128.0.1");
  CHECK_FALSE(doubts(text).empty());
  text["tunnels"]["osaka"]["interface"]["addresses"] = {"10.128.0.1/24"};
  refused_target(text, "gateway's own");
  // Of the network of the interface, all but its first and last address are hosts'.
  text["tunnels"]["osaka"]["interface"].erase("addresses");
  Json& tokyo = text["tunnels"]["tokyo"];
  tokyo["interface"]["addresses"] = {"10.128.0.1/30"};
  tokyo["selectors"]["local"].push_back("10.128.0.0/30");
  tokyo["probe"]["target"] = "10.128.0.2";
  CHECK(doubts(text).empty());
  tokyo["probe"]["target"] = "10.128.0.3";
  refused_target(text, "broadcast address of 10.128.0.0/30");
  tokyo["probe"]["target"] = "10.128.0.0";
  refused_target(text, "network address of 10.128.0.0/30");
  tokyo["interface"]["addresses"] = {"10.128.0.1/31"};
  CHECK(doubts(text).empty());
}

TEST_CASE("a probe is asked from an address that the tunnel may carry") {
  Json text = with("/tunnels/tokyo/probe", {{"target", "10.128.0.1"}, {"source", "10.9.1.1"}});
  refused(text, "/tunnels/tokyo/probe/target", messages::config_probe_unanswerable, "asked from 10.9.1.1");
  text["tunnels"]["tokyo"]["probe"].erase("source");
  text["tunnels"]["tokyo"]["interface"]["addresses"] = {"10.77.0.1/24"};
  refused(text, "/tunnels/tokyo/probe/target", messages::config_probe_unanswerable, "asked from 10.77.0.1");
  // By no child as a pair.
  Json& tokyo = text["tunnels"]["tokyo"];
  tokyo["children"] = {{"a", {{"selectors", {{"local", {"10.77.0.0/24"}}, {"remote", {"10.64.0.0/10"}}}}}},
                       {"b", {{"selectors", {{"local", {"10.1.0.0/24"}}, {"remote", {"10.128.0.0/24"}}}}}}};
  tokyo.erase("selectors");
  refused(text, "/tunnels/tokyo/probe/target", messages::config_probe_unanswerable, "local selectors, 10.1.0.0/24");
  tokyo["probe"]["source"] = "10.1.0.1";
  decoded(text);
}

TEST_CASE("a target within guarded routes is reached where a way to it is more specific") {
  Json text = with("/tunnels/tokyo/probe", {{"target", "10.64.0.2"}});
  text["tunnels"]["tokyo"]["interface"]["addresses"] = {"10.64.0.1/30"};
  text["tunnels"]["tokyo"]["selectors"]["local"].push_back("10.64.0.0/30");
  CHECK(decoded(text).tunnels.at("tokyo").probe);
}

TEST_CASE("a target that other routes decide about is warned of") {
  Json text = with("/tunnels/tokyo/probe", {{"target", "10.128.0.1"}});
  CHECK(doubts(text) == Texts{"tokyo: 10.128.0.1 is in no network of interface vti0"});
  // By a static route through the interface it is reached as configured.
  text["routes"].push_back({{"prefix", "10.128.0.0/24"}, {"via", "169.254.1.2"}});
  CHECK(doubts(text).empty());
  text["tunnels"]["osaka"]["interface"]["addresses"] = {"10.128.0.2/24"};
  CHECK(doubts(text) == Texts{"tokyo: 10.128.0.1 is in 10.128.0.0/24, the network of interface vti1"});
  Json other = with("/tunnels/tokyo/probe", {{"target", "fd00:2::1"}});
  other["tunnels"]["tokyo"]["selectors"]["local"].push_back("fd00:1::/64");
  other["tunnels"]["tokyo"]["selectors"]["remote"].push_back("fd00:2::/64");
  CHECK(doubts(other) == Texts{"tokyo: interface vti0 has no IPv6 address, and fd00:2::1 is one"});
}

TEST_CASE("two tunnels of a group that ask the same target from the same address are warned of") {
  Json text = with("/tunnels/tokyo/probe", {{"target", "10.128.0.1"}, {"source", "10.1.0.1"}});
  text["tunnels"]["osaka"]["probe"] = text["tunnels"]["tokyo"]["probe"];
  // Else it is the routes that are doubted.
  for (const char* via : {"169.254.1.2", "169.254.1.6"})
    text["routes"].push_back({{"prefix", via[10] == '2' ? "10.128.0.0/24" : "10.128.0.0/25"}, {"via", via}});
  text["tunnels"]["tokyo"]["interface"]["addresses"] = {"169.254.1.1/29"};
  text["tunnels"]["osaka"]["interface"]["addresses"] = {"169.254.1.3/29"};
  CHECK(doubts(text) ==
        Texts{"osaka: 10.128.0.1 is asked from the same address by tunnel tokyo of group cloud, and the "
              "peer's way back leads through one of the two"});
  text["tunnels"]["osaka"]["probe"]["source"] = "169.254.1.3";
  CHECK(doubts(text).empty());
}

TEST_CASE("another probe takes no tunnel down") {
  const Config before = decoded(grouped());
  const Plan plan = diff(before, decoded(with("/tunnels/tokyo/probe", {{"target", "10.128.0.1"}})));
  REQUIRE(plan.changes.size() == 1);
  CHECK(plan.changes.front().pointer == "/tunnels/tokyo/probe");
  REQUIRE(plan.effects.size() == 1);
  CHECK(plan.effects.front().kind == Effect::Kind::in_place);
}

}  // namespace sekisho::config
