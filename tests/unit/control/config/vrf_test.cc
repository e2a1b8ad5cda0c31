// "vrfs", and "vrf" of ports and interfaces.
#include <catch2/catch.hpp>

#include "base/messages/config.h"
#include "control/config/bypass.h"
#include "control/config/diff.h"
#include "control/config/encode.h"
#include "control/config/warnings.h"
#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {
namespace {

// The LAN and the tunnel in a VRF, whose default route is the tunnel.
Json inside() {
  Json text = Json::parse(valid_text);
  text["vrfs"]["blue"] = Json::object();
  text["vrfs"]["red"] = Json::object();
  text["ports"]["lan"]["vrf"] = "blue";
  text["tunnels"]["tokyo"]["interface"]["vrf"] = "blue";
  text["tunnels"]["tokyo"]["routes"] = {"0.0.0.0/0"};
  return text;
}

Json with(std::string_view pointer, const Json& value) {
  Json text = inside();
  text[Json::json_pointer(std::string(pointer))] = value;
  return text;
}

std::expected<Config, ConfigErrors> decoded(const Json& text) {
  const Fixture fixture;
  return decode(text.dump(), fixture.directory());
}

// "ID pointer" of each error.
std::vector<std::string> errors(const Json& text) {
  std::vector<std::string> all;
  const auto config = decoded(text);
  if (config) return all;
  for (const ConfigError& each : config.error())
    all.push_back(std::string(each.error.message->id) + " " + each.pointer);
  return all;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a VRF's default route may lead into the tunnel whose peer it covers") {
  CHECK(errors(inside()).empty());
  Json text = inside();
  text["tunnels"]["tokyo"]["interface"].erase("vrf");
  text["ports"]["lan"].erase("vrf");
  text.erase("routes");
  CHECK(errors(text) == Texts{"SKO-CFG-022 /tunnels/tokyo/routes/0"});
}

TEST_CASE("each VRF may have the same addresses and prefixes, once") {
  Json text = inside();
  const Json route = {{"prefix", "10.64.0.0/10"}, {"via", "10.1.0.7"}};
  text["vrfs"]["blue"]["routes"] = {route};
  text["vrfs"]["red"]["routes"] = {route};
  text["routes"].push_back(route);
  text["ports"]["lan2"] = {
      {"device", "net_af_packet2,iface=other-wire"}, {"addresses", {"10.1.0.1/24"}}, {"vrf", "red"}};
  CHECK(errors(text).empty());
  text["vrfs"]["red"]["routes"] = {route, route};
  text["ports"]["lan2"]["vrf"] = "blue";
  CHECK(errors(text) == Texts{"SKO-CFG-011 /vrfs/red/routes/1/prefix", "SKO-CFG-011 /ports/lan2/addresses/0"});
}

TEST_CASE("a VRF has to be there, and to have a name that is one") {
  CHECK(errors(with("/ports/lan/vrf", "green")) == Texts{"SKO-CFG-090 /ports/lan/vrf"});
  CHECK(errors(with("/tunnels/tokyo/interface/vrf", "green")) == Texts{"SKO-CFG-090 /tunnels/tokyo/interface/vrf"});
  for (const char* name : {"default", "../blue", "", "a name", "a-name-of-more-than-thirty-five-characters"})
    CHECK(errors(with("/vrfs", {{"blue", Json::object()}, {name, Json::object()}})).size() == 1);
  Json many = inside();
  for (int i = 0; i < 14; ++i) many["vrfs"]["v" + std::to_string(i)] = Json::object();
  CHECK(errors(many) == Texts{"SKO-CFG-002 /vrfs"});
}

TEST_CASE("a VRF has no name of an interface") {
  CHECK(errors(with("/vrfs/vti0", Json::object())) == Texts{"SKO-CFG-011 /tunnels/tokyo/interface/name"});
  CHECK(errors(with("/vrfs/lan", Json::object())) == Texts{"SKO-CFG-011 /ports/lan"});
}

TEST_CASE("a group is of one VRF, and its routes are that VRF's") {
  Json text = inside();
  text["tunnels"]["osaka"] = text["tunnels"]["tokyo"];
  text["tunnels"]["osaka"]["interface"] = {{"name", "vti1"}, {"vrf", "blue"}};
  text["tunnels"]["osaka"]["remote"]["address"] = "10.9.3.3";
  text["tunnels"]["osaka"].erase("routes");
  text["tunnels"]["tokyo"].erase("routes");
  text["groups"]["cloud"] = {{"tunnels", {"tokyo", "osaka"}}, {"routes", {"0.0.0.0/0"}}};
  CHECK(errors(text).empty());
  CHECK(vrf_of(*decoded(text), decoded(text)->groups.at("cloud")) == "blue");
  text["vrfs"]["blue"]["routes"] = {{{"prefix", "0.0.0.0/0"}, {"via", "10.1.0.7"}}};
  CHECK(errors(text) == Texts{"SKO-CFG-011 /groups/cloud/routes/0"});
  text["vrfs"]["blue"].erase("routes");
  text["tunnels"]["osaka"]["interface"]["vrf"] = "red";
  CHECK(errors(text) == Texts{"SKO-CFG-091 /groups/cloud/tunnels/1"});
}

TEST_CASE("a probe runs in the front door only") {
  CHECK(errors(with("/tunnels/tokyo/probe", {{"target", "169.254.1.2"}})) == Texts{"SKO-CFG-092 /tunnels/tokyo/probe"});
}

TEST_CASE("a tunnel's local address is a port's of the front door") {
  const auto warned = [](const Json& text) {
    const auto all = warnings(*decoded(text), {});
    return std::ranges::any_of(
        all, [](const Warning& each) { return each.error.message == &messages::config_local_address_elsewhere; });
  };
  CHECK_FALSE(warned(inside()));
  CHECK(warned(with("/ports/wan/vrf", "red")));
  const auto all = warnings(*decoded(with("/ports/wan/vrf", "red")), {});
  CHECK(std::ranges::any_of(
      all, [](const Warning& each) { return each.error.detail == "10.9.1.1, which port wan has in VRF red"; }));
}

TEST_CASE("a static route leads around a tunnel of its own VRF alone") {
  Json text = inside();
  text["vrfs"]["red"]["routes"] = {{{"prefix", "10.64.0.0/10"}, {"via", "10.1.0.7"}}};
  CHECK(bypasses(*decoded(text)).empty());
  text["vrfs"]["blue"] = text["vrfs"]["red"];
  CHECK(bypasses(*decoded(text)).contains("tokyo"));
}

TEST_CASE("another VRF is another tunnel to the data path") {
  const Plan plan = diff(*decoded(inside()), *decoded(with("/tunnels/tokyo/interface/vrf", "red")));
  REQUIRE(plan.changes.size() == 1);
  CHECK(plan.changes.front().pointer == "/tunnels/tokyo/interface/vrf");
  REQUIRE(plan.effects.size() == 1);
  CHECK(plan.effects.front().kind == Effect::Kind::rebuilt);
}

TEST_CASE("VRFs that come, go and change are changes") {
  Json text = inside();
  text["vrfs"].erase("red");
  text["vrfs"]["blue"]["guards"] = {"10.64.0.0/10"};
  text["vrfs"]["green"] = Json::object();
  Texts pointers;
  for (const Change& change : diff(*decoded(inside()), *decoded(text)).changes) pointers.push_back(change.pointer);
  CHECK(pointers == Texts{"/vrfs/red", "/vrfs/blue/guards", "/vrfs/green"});
}

TEST_CASE("what FRR would be told of a VRF is refused, for it is not told") {
  CHECK(errors(with("/tunnels/tokyo/propagate", true)) == Texts{"SKO-CFG-092 /tunnels/tokyo/propagate"});
  CHECK(errors(with("/tunnels/tokyo/propagate", false)).empty());
}

}  // namespace sekisho::config
