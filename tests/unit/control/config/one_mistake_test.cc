// One mistake is one error: what hangs on a value that was refused is not held against it.
#include <catch2/catch.hpp>

#include "base/messages/config.h"
#include "tests/unit/control/config/decoded.h"
#include "tests/unit/control/config/grouped.h"

namespace sekisho::config {

using namespace messages;

TEST_CASE("a list with a bad item is not empty, nor too narrow for what follows") {
  const std::string tokyo = "/tunnels/tokyo";
  refused(with(tokyo + "/selectors/remote", {"10.64.0.0/33"}), tokyo + "/selectors/remote/0", config_bad_prefix);
  refused(with(tokyo + "/selectors/remote", "10.64.0.0/10"), tokyo + "/selectors/remote", config_wrong_type);
  Json text = with(tokyo + "/children", Json::array());
  text["tunnels"]["tokyo"].erase("selectors");
  text["tunnels"]["tokyo"]["routes"] = {"10.65.0.0/16"};
  refused(text, tokyo + "/children", config_wrong_type);
  text = grouped();
  text["security_groups"]["office"] = {
      {"in", {{{"protocol", "tcp"}, {"remote", {"10.0.0.0/33"}}, {"local", {"fd00::/8"}}}}}, {"out", "any"}};
  Json& rule = text["security_groups"]["office"]["in"][0];
  const std::string at = "/security_groups/office/in/0";
  refused(text, at + "/remote/0", config_bad_prefix);
  rule["remote"] = {"10.0.0.0/33", "fd00::/8"};
  refused(text, at + "/remote/0", config_bad_prefix);
  rule["remote"] = "fd00::/8";
  refused(text, at + "/remote", config_wrong_type);
  rule = {{"protocol", "tpc"}, {"ports", {80}}};
  refused(text, at + "/protocol", config_bad_choice);
  rule = {{"protocol", "tcp"}, {"ports", {0}}};
  refused(text, at + "/ports/0", config_out_of_range);
}

TEST_CASE("what depends on a word that is none is not looked at") {
  const std::string tokyo = "/tunnels/tokyo";
  Json legacy = with(tokyo + "/profile", "old");
  legacy["tunnels"]["tokyo"]["ike"]["proposals"] = {"aes256-sha1-modp1024"};
  refused(legacy, tokyo + "/profile", config_bad_choice);
  Json any = with(tokyo + "/start", "never");
  any["tunnels"]["tokyo"]["remote"] = {{"address", "any"}, {"id", "a.example.net"}};
  refused(any, tokyo + "/start", config_bad_choice);
  refused(with(tokyo + "/probe", {{"target", "10.128.0.1"}, {"protocol", "tcp"}, {"port", 7}}),
          tokyo + "/probe/protocol", config_bad_choice);
  refused(with(tokyo + "/probe", {{"target", "10.128.0.1"}, {"of", "x"}, {"loss", 9}}), tokyo + "/probe/of",
          config_wrong_type);
  refused(with(tokyo + "/probe", {{"target", "10.128.0.999"}, {"source", "fd00::1"}}), tokyo + "/probe/target",
          config_bad_address);
  refused(with(tokyo + "/esp", {{"lifetime", "8h"}, {"margin", 4000}}), tokyo + "/esp/lifetime", config_wrong_type);
  Json weighted = with("/groups/cloud/mode", "both");
  weighted["groups"]["cloud"]["weights"] = {{"tokyo", 3}};
  refused(weighted, "/groups/cloud/mode", config_bad_choice);
}

TEST_CASE("a group is not held to tunnels that it does not mean") {
  Json text = with("/groups/cloud/tunnels/0", "tokio");
  text["groups"]["cloud"]["mode"] = "active";
  text["groups"]["cloud"]["weights"] = {{"tokyo", 3}};
  text["tunnels"]["tokyo"]["routes"] = {"10.64.0.0/10"};
  refused(text, "/groups/cloud/tunnels/0", config_group_tunnel, "tokio");
  text["groups"]["cloud"]["tunnels"][0] = 7;
  refused(text, "/groups/cloud/tunnels/0", config_wrong_type);
  // Nor to what cannot be read of one.
  Json other = with("/tunnels/osaka/interface/vrf", "green");
  refused(other, "/tunnels/osaka/interface/vrf", config_vrf_unknown);
}

TEST_CASE("a section that is none has no names that could be wrong") {
  Json text = with("/tunnels/tokyo/interface/vrf", "blue");
  text["tunnels"]["osaka"]["interface"]["vrf"] = "blue";
  text["vrfs"] = Json::array({"blue"});
  refused(text, "/vrfs", config_wrong_type);
  text = with("/tunnels/tokyo/interface/security_groups", {"office"});
  text["security_groups"] = Json::array({"office"});
  refused(text, "/security_groups", config_wrong_type);
}

TEST_CASE("a misspelt key is read as the one that is meant") {
  Json text = grouped();
  text["tunels"] = text["tunnels"];
  text.erase("tunnels");
  refused(text, "/tunels", config_unknown_key, "did you mean \"tunnels\"?");
  text = with("/tunnels/tokyo/psk_fil", "psk/tokyo");
  text["tunnels"]["tokyo"].erase("psk_file");
  refused(text, "/tunnels/tokyo/psk_fil", config_unknown_key, "psk_file");
  // What may be a secret is not read, and so not shown.
  text = with("/tunnels/tokyo/psk", "P@ssw0rd1234");
  text["tunnels"]["tokyo"].erase("psk_file");
  refused(text, "/tunnels/tokyo/psk", config_unknown_key, "psk_file");
  // The right one counts where both are there.
  refused(with("/tunnels/tokyo/psk_fil", "psk/none"), "/tunnels/tokyo/psk_fil", config_unknown_key, "psk_file");
}

TEST_CASE("a key that belongs somewhere else is sent there") {
  const auto sent = [](const std::string& at, const std::string& where) {
    refused(with(at, 1), at, config_unknown_key, "it belongs to " + where);
  };
  sent("/tunnels/tokyo/vrf", "a port, or \"interface\" of a tunnel");
  sent("/tunnels/tokyo/security_groups", "a port, or \"interface\" of a tunnel");
  sent("/tunnels/tokyo/dpd_interval", "\"ike\" of a tunnel");
  sent("/tunnels/tokyo/interface/probe", "a tunnel");
  sent("/tunnels/tokyo/esp/mobike", "\"ike\" of a tunnel");
  refused(with("/vrf", Json::object()), "/vrf", config_unknown_key, "did you mean \"vrfs\"?");
}

}  // namespace sekisho::config
