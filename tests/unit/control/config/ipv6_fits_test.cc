// An MTU that leaves no room for IPv6, whose IPv6 it may be.
#include <catch2/catch.hpp>

#include "base/messages/config.h"
#include "tests/unit/control/config/decoded.h"
#include "tests/unit/control/config/grouped.h"

namespace sekisho::config {
namespace {

void too_small(const Json& text, const std::string& part) {
  refused(text, "/tunnels/tokyo/interface/mtu", messages::config_out_of_range,
          "1279 is below 1280, which IPv6 needs: " + part);
}

Json with_mtu() { return with("/tunnels/tokyo/interface/mtu", 1279); }

}  // namespace

TEST_CASE("without IPv6 a tunnel's MTU may be less than that needs") { decoded(with_mtu()); }

TEST_CASE("an MTU that is too small for the tunnel's own IPv6 is refused") {
  Json text = with_mtu();
  text["tunnels"]["tokyo"]["interface"]["addresses"] = {"fd00:9::1/64"};
  too_small(text, "address fd00:9::1/64");
  text = with_mtu();
  text["tunnels"]["tokyo"]["selectors"] = Json::object();
  text["tunnels"]["tokyo"]["routes"] = {"fd00:2::/64"};
  too_small(text, "route fd00:2::/64");
  text["tunnels"]["tokyo"]["interface"]["mtu"] = 1280;
  decoded(text);
}

TEST_CASE("an MTU that is too small for the IPv6 of the tunnel's group is refused") {
  Json text = with_mtu();
  for (const char* tunnel : {"tokyo", "osaka"}) text["tunnels"][tunnel].erase("selectors");
  text["groups"]["cloud"]["routes"].push_back("fd00:2::/64");
  too_small(text, "route fd00:2::/64 of group cloud");
  text["tunnels"]["tokyo"]["interface"]["mtu"] = "auto";
  text["tunnels"]["tokyo"]["outer_mtu"] = 1300;
  refused(text, "/tunnels/tokyo/outer_mtu", messages::config_out_of_range, "route fd00:2::/64 of group cloud");
}

TEST_CASE("the tunnels of an active group have one MTU, which has to do for the IPv6 of each") {
  Json text = with_mtu();
  text["tunnels"]["osaka"]["interface"]["addresses"] = {"fd00:9::1/64"};
  decoded(text);
  text["groups"]["cloud"]["mode"] = "active";
  too_small(text, "address fd00:9::1/64 of tunnel osaka");
}

}  // namespace sekisho::config
