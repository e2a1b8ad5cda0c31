// FRR beside the gateway: "frr", and a tunnel's "propagate".
#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "base/messages/config.h"
#include "control/config/diff.h"
#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {
namespace {

Json with(std::string_view pointer, const Json& value) {
  Json config = Json::parse(valid_text);
  config[Json::json_pointer(std::string(pointer))] = value;
  return config;
}

Config decoded(const Json& text) {
  const Fixture fixture;
  auto config = decode(text.dump(), fixture.directory());
  if (!config) FAIL(describe(config.error()));
  return std::move(*config);
}

void refused(std::string_view pointer, const Json& value, const std::string& at) {
  const Fixture fixture;
  const auto config = decode(with(pointer, value).dump(), fixture.directory());
  INFO(pointer << " = " << value.dump());
  REQUIRE_FALSE(config);
  REQUIRE(config.error().size() == 1);
  CHECK(config.error().front().pointer == at);
}

}  // namespace

TEST_CASE("FRR is there if it is said so, and hears of every tunnel that is not kept from it") {
  const Config without = decoded(Json::parse(valid_text));
  CHECK_FALSE(without.frr);
  CHECK(without.tunnels.at("tokyo").propagation == Propagation{});
  CHECK(Propagation{}.wanted);
  CHECK(Propagation{}.distance == 1);
  const Config plain = decoded(with("/frr", Json::object()));
  REQUIRE(plain.frr);
  CHECK(plain.frr->routes_as == Frr::RoutesAs::babel);
  CHECK(plain.frr->hold_time == std::chrono::seconds(150));
  const Config given = decoded(with("/frr", {{"routes_as", "nhrp"}, {"hold_time", 0}}));
  CHECK(given.frr->routes_as == Frr::RoutesAs::nhrp);
  CHECK(given.frr->hold_time == std::chrono::seconds(0));
}

TEST_CASE("a tunnel's routes are told as the tunnel says, or not at all") {
  const auto propagation = [](const Json& value) {
    return decoded(with("/tunnels/tokyo/propagate", value)).tunnels.at("tokyo").propagation;
  };
  CHECK_FALSE(propagation(false).wanted);
  CHECK(propagation(true) == Propagation{});
  CHECK(propagation({{"distance", 210}, {"metric", 4294967295}, {"tag", 7}}) ==
        Propagation{.distance = 210, .metric = 4294967295, .tag = 7});
}

TEST_CASE("what FRR would not take is refused where it stands") {
  refused("/frr", 5, "/frr");
  refused("/frr", {{"routes_as", "bgp"}}, "/frr/routes_as");
  refused("/frr", {{"hold_time", 3601}}, "/frr/hold_time");
  refused("/frr", {{"socket", "/run/frr"}}, "/frr/socket");
  for (const Json& distance : {Json(0), Json(255), Json("low")})
    refused("/tunnels/tokyo/propagate", {{"distance", distance}}, "/tunnels/tokyo/propagate/distance");
  refused("/tunnels/tokyo/propagate", {{"metric", 4294967296}}, "/tunnels/tokyo/propagate/metric");
  refused("/tunnels/tokyo/propagate", "no", "/tunnels/tokyo/propagate");
}

TEST_CASE("a plan names what changes about FRR, and no tunnel goes down by it") {
  const Config off = decoded(Json::parse(valid_text)), on = decoded(with("/frr", Json::object()));
  const auto pointer_and_kind = [](const Plan& plan) {
    REQUIRE(plan.changes.size() == 1);
    return std::pair(plan.changes.front().pointer, plan.changes.front().kind);
  };
  CHECK(pointer_and_kind(diff(off, on)) == std::pair(std::string("/frr"), Change::Kind::add));
  CHECK(pointer_and_kind(diff(on, off)) == std::pair(std::string("/frr"), Change::Kind::remove));
  CHECK(diff(on, decoded(with("/frr", {{"hold_time", 150}}))).empty());
  CHECK(diff(on, decoded(with("/frr", {{"hold_time", 10}}))).effects.empty());

  const Plan silent = diff(off, decoded(with("/tunnels/tokyo/propagate", false)));
  CHECK(pointer_and_kind(silent) == std::pair(std::string("/tunnels/tokyo/propagate"), Change::Kind::change));
  REQUIRE(silent.effects.size() == 1);
  CHECK(silent.effects.front().kind == Effect::Kind::in_place);
  CHECK(diff(off, decoded(with("/tunnels/tokyo/propagate", true))).empty());
}

}  // namespace sekisho::config
