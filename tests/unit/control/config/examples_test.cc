// The examples of the documentation are configurations that this version takes, and warns of nothing.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iterator>

#include "control/config/warnings.h"
#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {

TEST_CASE("every example of docs/examples is valid") {
  const char* root = std::getenv("SOURCE_ROOT");
  REQUIRE(root != nullptr);
  size_t examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(root) / "docs/examples")) {
    if (entry.path().extension() != ".json") continue;
    ++examples;
    INFO(entry.path());
    std::ifstream stream(entry.path());
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    const Fixture fixture;
    const Json json = Json::parse(text);
    for (const auto& [name, tunnel] : json["tunnels"].items())
      fixture.write(tunnel["psk_file"].get<std::string>(), "swordfish");
    fixture.write("sekisho.json", text, 0644);
    const auto config = load(fixture.directory() / "sekisho.json");
    if (!config) FAIL(describe(config.error()));
    CHECK(warnings(*config, {}).empty());
  }
  CHECK(examples >= 4);
}

}  // namespace sekisho::config
