#include "control/main/vrf_ids.h"

#include <catch2/catch.hpp>

using namespace sekisho;
using namespace sekisho::control;

namespace {

bool none(ipc::VrfId) { return false; }

}  // namespace

TEST_CASE("an id is the VRF's as long as that is there, and nobody else's while it has routes") {
  VrfIds ids;
  ids.set({"blue", "red"}, none);
  const ipc::VrfId blue = ids.of("blue"), red = ids.of("red");
  CHECK(ids.of("") == ipc::front_door);
  CHECK(ids.of("green") == ipc::front_door);
  CHECK(blue != ipc::front_door);
  CHECK(blue != red);
  ids.set({"green", "red"}, [blue](ipc::VrfId id) { return id == blue; });
  CHECK(ids.of("red") == red);
  CHECK(ids.of("green") != blue);
  // Its routes have gone by now.
  ids.set({"green", "red", "white"}, none);
  CHECK(ids.of("white") == blue);
  CHECK(ids.all().size() == 4);
  ids.set({"green", "red"}, none);
  CHECK(ids.all().size() == 3);
}

TEST_CASE("there are enough ids for as many VRFs as there may be") {
  VrfIds ids;
  std::vector<std::string> names;
  for (int i = 1; i < ipc::max_vrfs; ++i) names.push_back("v" + std::to_string(i));
  ids.set(names, none);
  std::map<ipc::VrfId, int> seen;
  for (const auto& [name, id] : ids.all()) ++seen[id];
  CHECK(seen.size() == ipc::max_vrfs);
  CHECK(seen.rbegin()->first.value() == ipc::max_vrfs - 1);
}

TEST_CASE("a control that was started anew keeps the ids that the dataplane has, where its word is one") {
  VrfIds ids;
  ids.set({"blue", "green", "red"}, none);
  ids.adopt({{"blue", ipc::VrfId(7)}, {"blue", ipc::VrfId(7)}, {"", ipc::front_door}});
  CHECK(ids.of("blue") == ipc::VrfId(7));
  CHECK(ids.of("red") != ipc::VrfId(7));
  // Two of one VRF say different things, or two VRFs the same.
  ids.adopt({{"blue", ipc::VrfId(4)}, {"blue", ipc::VrfId(5)}, {"green", ipc::VrfId(6)}, {"red", ipc::VrfId(6)}});
  for (const char* name : {"blue", "green", "red"})
    for (const uint8_t held : {4, 5, 6}) CHECK(ids.of(name) != ipc::VrfId(held));
  // What is no id is no word.
  ids.adopt({{"blue", ipc::VrfId(16)}, {"red", ipc::front_door}});
  for (const char* name : {"blue", "red"}) {
    CHECK(ids.of(name) != ipc::front_door);
    CHECK(ids.of(name).value() < ipc::max_vrfs);
  }
}
