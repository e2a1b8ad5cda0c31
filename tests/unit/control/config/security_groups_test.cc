// "security_groups", and what the dataplane is told of them.
#include "control/config/security_groups.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/messages/config.h"
#include "control/config/diff.h"
#include "control/config/encode.h"
#include "ipc/convert.h"
#include "tests/unit/control/config/decoded.h"

namespace sekisho::config {
namespace {

Json guarded() {
  Json text = Json::parse(valid_text);
  text["security_groups"]["office"] = Json::parse(R"({
    "in": [ {"protocol": "tcp", "remote": ["10.0.0.0/8", "fd00::/8"], "local": ["192.168.1.0/24", "192.168.2.0/24"],
             "ports": ["443", "8000-8100", 22], "note": "web"},
            {"protocol": "icmp", "type": 8} ],
    "out": "any" })");
  text["security_groups"]["none"] = {{"in", Json::array()}, {"out", Json::array()}};
  text["ports"]["lan"]["security_groups"] = {"office"};
  return text;
}

Json with(std::string_view pointer, const Json& value) {
  Json text = guarded();
  text[Json::json_pointer(std::string(pointer))] = value;
  return text;
}
Json with_rule(const char* rule) { return with("/security_groups/office/in", Json::array({Json::parse(rule)})); }

std::string prefix(const ipc::Address& address, uint8_t length) {
  return Prefix(*ipc::to_address(address), length).text();
}

}  // namespace

TEST_CASE("rules are read, and written as they were meant") {
  const Config config = decoded(guarded());
  const SecurityGroup& office = config.security_groups.find("office")->second;
  REQUIRE(office.in.size() == 2);
  CHECK(office.in[0].protocol == 6);
  CHECK(office.in[0].ports == std::vector<PortRange>{{443, 443}, {8000, 8100}, {22, 22}});
  CHECK(office.in[1].icmp_type == 8);
  CHECK(office.out == std::vector<SecurityRule>{SecurityRule{}});
  CHECK(config.security_groups.find("none")->second == SecurityGroup{});
  const auto encoded = encode(office);
  CHECK(encoded["in"][0] == nlohmann::json::parse(R"({"protocol": "tcp", "remote": ["10.0.0.0/8", "fd00::/8"],
    "local": ["192.168.1.0/24", "192.168.2.0/24"], "ports": ["443", "8000-8100", "22"], "note": "web"})"));
  CHECK(encoded["in"][1] == nlohmann::json::parse(R"({"protocol": "icmp", "type": 8})"));
  CHECK(encoded["out"] == nlohmann::json::parse("[{}]"));
  CHECK(decoded(with_rule(R"({"protocol": 89})")).security_groups.find("office")->second.in[0].protocol == 89);
}

TEST_CASE("what is wrong with a rule is said at its place") {
  const std::string rule = "/security_groups/office/in/0";
  refused(with_rule(R"({"protocol": "tpc"})"), rule + "/protocol", messages::config_bad_choice, "sctp");
  refused(with_rule(R"({"protocol": "89"})"), rule + "/protocol", messages::config_bad_choice, "1 to 255");
  for (const char* part : {"protocol", "remote", "local", "ports", "type"})
    refused(with_rule((std::string("{\"") + part + "\": \"any\"}").c_str()), rule + "/" + part,
            messages::config_wrong_type, "left out");
  refused(with_rule(R"({"protocol": 0})"), rule + "/protocol", messages::config_out_of_range);
  refused(with_rule(R"({"protocol": 256})"), rule + "/protocol", messages::config_out_of_range);
  refused(with_rule(R"({"ports": ["80"]})"), rule + "/ports", messages::config_security_rule_key);
  refused(with_rule(R"({"protocol": "gre", "ports": ["80"]})"), rule + "/ports", messages::config_security_rule_key);
  refused(with_rule(R"({"protocol": "tcp", "type": 8})"), rule + "/type", messages::config_security_rule_key);
  for (const char* port :
       {"\"0\"", "\"65536\"", "\"80-\"", "\"-80\"", "\"90-80\"", "\"http\"", "\"\"", "\"1-2-3\"", "0", "70000"})
    refused(with_rule((R"({"protocol": "udp", "ports": [1, )" + std::string(port) + "]}").c_str()), rule + "/ports/1",
            messages::config_out_of_range);
  refused(with_rule(R"({"protocol": "tcp", "ports": []})"), rule + "/ports", messages::config_out_of_range);
  refused(with_rule(R"({"remote": []})"), rule + "/remote", messages::config_out_of_range);
  refused(with_rule(R"({"local": ["10.1.0.1/24", "10.2.0.0/24"]})"), rule + "/local/0", messages::config_bad_prefix);
  refused(with_rule(R"({"remote": ["10.0.0.0/8"], "local": ["fd00::/8"]})"), rule, messages::config_family_mismatch);
  refused(with_rule(R"({"protocol": "icmp", "local": ["fd00::/8"]})"), rule, messages::config_family_mismatch);
  refused(with_rule(R"({"protocol": "icmpv6", "remote": ["10.0.0.0/8"]})"), rule, messages::config_family_mismatch);
  refused(with_rule(R"({"port": ["80"]})"), rule + "/port", messages::config_unknown_key);
  refused(with_rule(("{\"note\": \"" + std::string(256, 'x') + "\"}").c_str()), rule + "/note",
          messages::config_out_of_range);
  refused(with("/security_groups/office/in", "all"), "/security_groups/office/in", messages::config_wrong_type,
          "\"any\"");
  refused(with("/security_groups/none", {{"in", "any"}}), "/security_groups/none", messages::config_missing_key, "out");
  Json many = guarded();
  for (int i = 0; i < 257; ++i) many["security_groups"]["none"]["in"].push_back(Json::object());
  refused(many, "/security_groups/none/in", messages::config_out_of_range);
}

TEST_CASE("groups are attached by name, up to what an interface may have") {
  refused(with("/ports/lan/security_groups", {"none", "offce"}), "/ports/lan/security_groups/1",
          messages::config_security_group_unknown, "\"offce\"; there are none, office");
  refused(with("/tunnels/tokyo/interface/security_groups", {"x"}), "/tunnels/tokyo/interface/security_groups/0",
          messages::config_security_group_unknown);
  Json without = guarded();
  without.erase("security_groups");
  refused(without, "/ports/lan/security_groups/0", messages::config_security_group_unknown, "there is none");
  CHECK(decoded(with("/ports/lan/security_groups", {"office", "none", "office"}))
            .ports.find("lan")
            ->second.security_groups == std::vector<std::string>{"none", "office"});

  // 16 x 16 prefixes fill it.
  Json full = guarded();
  Json& rule = full["security_groups"]["none"]["in"][0];
  for (int i = 0; i < 16; ++i) {
    rule["remote"].push_back("10." + std::to_string(i) + ".0.0/16");
    rule["local"].push_back("172.16." + std::to_string(i) + ".0/24");
  }
  full["ports"]["wan"]["security_groups"] = {"none"};
  CHECK(filters(decoded(full))[0].rules.size() == 256);
  Json more = full;
  more["ports"]["wan"]["security_groups"] = {"none", "office"};
  refused(more, "/ports/wan/security_groups", messages::config_security_rules, "\"in\" comes to 263 combinations");

  // What is refused is never written out: this rule would take 800 MB.
  Json huge = guarded();
  Json each = {{"protocol", "tcp"}};
  for (int i = 0; i < 256; ++i) {
    each["remote"].push_back("10." + std::to_string(i) + ".0.0/16");
    each["local"].push_back("172.16." + std::to_string(i) + ".0/24");
    each["ports"].push_back(i + 1);
  }
  huge["security_groups"]["none"]["out"].push_back(each);
  CHECK(filter_count(decoded(huge)) == 1);  // the other group's: no interface has this one yet
  huge["ports"]["wan"]["security_groups"] = {"none"};
  refused(huge, "/ports/wan/security_groups", messages::config_security_rules,
          "\"out\" comes to 16777216 combinations");

  Json groups = guarded();
  for (int i = 0; i < 64; ++i) groups["security_groups"]["g" + std::to_string(i)] = {{"in", "any"}, {"out", "any"}};
  refused(groups, "/security_groups", messages::config_too_large);
}

TEST_CASE("a list of groups is one filter, of all interfaces that have it") {
  Json text = guarded();
  text["ports"]["wan"]["security_groups"] = {"none", "office"};
  text["tunnels"]["tokyo"]["interface"]["security_groups"] = {"office"};
  const auto all = filters(decoded(text));
  REQUIRE(all.size() == 2);
  CHECK(all[0].groups == std::vector<std::string>{"none", "office"});
  CHECK(all[0].interfaces == std::vector<std::string>{"wan"});
  CHECK(all[1].groups == std::vector<std::string>{"office"});
  CHECK(all[1].interfaces == std::vector<std::string>{"lan", "vti0"});
  CHECK(identity("", all[0].groups) != identity("", all[1].groups));
  CHECK(identity("", {"a", "b"}) != identity("", {"ab"}));
  CHECK(identity("a", {"b"}) != identity("", {"a", "b"}));

  // IPv4 with either network and each of three ranges; then ICMP; then anything out.
  const auto& rules = all[1].rules;
  REQUIRE(rules.size() == 8);
  CHECK(rule_counts(decoded(text).security_groups.find("office")->second) == std::array<size_t, 2>{7, 1});
  CHECK(prefix(rules[0].remote, rules[0].remote_length) == "10.0.0.0/8");
  CHECK(prefix(rules[0].local, rules[0].local_length) == "192.168.1.0/24");
  CHECK(prefix(rules[3].local, rules[3].local_length) == "192.168.2.0/24");
  CHECK(rules[1].first_port == 8000);
  CHECK(rules[1].last_port == 8100);
  CHECK(rules[6].family == 0);
  CHECK(rules[6].has_icmp_type == 1);
  CHECK(rules[6].icmp_type == 8);
  CHECK(rules[7].direction == ipc::Direction::outbound);
  CHECK(rules[7].protocol == 0);
  CHECK(filters(decoded(Json::parse(valid_text))).empty());

  // One side alone, of both families.
  const auto both = filters(decoded(with_rule(R"({"remote": ["10.0.0.0/8", "fd00::/8"]})")))[0].rules;
  REQUIRE(both.size() == 3);
  CHECK(prefix(both[0].local, both[0].local_length) == "0.0.0.0/0");
  CHECK(prefix(both[1].remote, both[1].remote_length) == "fd00::/8");
  CHECK(prefix(both[1].local, both[1].local_length) == "::/0");
}

TEST_CASE("an edit of rules moves no tunnel, and an attachment leaves its SAs") {
  const Config before = decoded(guarded());
  const Plan edited = diff(before, decoded(with("/security_groups/office/out", Json::array())));
  REQUIRE(edited.changes.size() == 1);
  CHECK(edited.changes[0].pointer == "/security_groups/office/out");
  CHECK(edited.effects.empty());
  CHECK(edited.security_groups_set == std::vector<std::string>{"office"});
  CHECK(edited.ports_set.empty());
  const Plan attached = diff(before, decoded(with("/tunnels/tokyo/interface/security_groups", {"none"})));
  REQUIRE(attached.effects.size() == 1);
  CHECK(attached.effects[0].kind == Effect::Kind::in_place);
  CHECK(diff(before, decoded(with("/ports/lan/security_groups", {"office", "office"}))).empty());
  CHECK(diff(decoded(Json::parse(valid_text)), before).security_groups_set.size() == 2);
  CHECK(diff(before, decoded(Json::parse(valid_text))).security_groups_removed.size() == 2);
}

}  // namespace sekisho::config
