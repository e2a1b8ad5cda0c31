#include "control/config/warnings.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/messages/config.h"
#include "base/messages/system.h"
#include "control/config/diff.h"
#include "control/config/grade.h"
#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {
namespace {

Json with_key_log(const Json& directory) {
  Json text = Json::parse(valid_text);
  text["key_log"] = {{"directory", directory}};
  return text;
}

std::expected<Config, ConfigErrors> decoded(const Json& json, const Fixture& fixture) {
  return decode(json.dump(), fixture.directory());
}

}  // namespace

TEST_CASE("keys are logged only where the configuration names a directory, and that is warned of") {
  const Fixture fixture;
  const auto off = decode(valid_text, fixture.directory());
  REQUIRE(off);
  CHECK_FALSE(off->key_log);
  CHECK(warnings(*off).empty());

  std::filesystem::create_directory(fixture.directory() / "keys");
  chmod((fixture.directory() / "keys").c_str(), 0700);
  const auto on = decoded(with_key_log("keys/"), fixture);
  if (!on) FAIL(describe(on.error()));
  REQUIRE(on->key_log);
  CHECK(on->key_log->directory == fixture.directory() / "keys/");
  const auto warned = warnings(*on);
  REQUIRE(warned.size() == 1);
  CHECK(warned.front().error.message == &messages::key_log_on);
  CHECK(warned.front().error.detail.find("/keys") != std::string::npos);

  const Plan plan = diff(*off, *on);
  CHECK(plan.key_log_changed);
  REQUIRE(plan.changes.size() == 1);
  CHECK(plan.changes[0].kind == Change::Kind::add);
  CHECK(plan.changes[0].pointer == "/key_log");
  CHECK(diff(*on, *off).changes.at(0).kind == Change::Kind::remove);
  CHECK(diff(*on, *on).empty());
}

TEST_CASE("a file that logs keys does not pass the check of its algorithms unseen") {
  const Fixture fixture;
  std::filesystem::create_directory(fixture.directory() / "keys");
  chmod((fixture.directory() / "keys").c_str(), 0700);
  fixture.write("sekisho.json", with_key_log("keys").dump());
  char* text = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  CHECK(grade_file(fixture.directory() / "sekisho.json", true, out) == 1);
  std::fclose(out);
  const Json verdict = Json::parse(std::string(text, size));
  free(text);
  REQUIRE(verdict["warnings"].size() == 1);
  CHECK(verdict["warnings"][0]["id"] == "SKO-SYS-040");
  CHECK(verdict["warnings"][0]["tunnel"].is_null());
}

TEST_CASE("a directory that cannot hold keys is an error at its place") {
  const Fixture fixture;
  std::filesystem::create_directory(fixture.directory() / "open");
  chmod((fixture.directory() / "open").c_str(), 0755);
  for (const Json& bad : {Json("open"), Json("nowhere"), Json("psk/tokyo"), Json("")}) {
    CAPTURE(bad.dump());
    const auto config = decoded(with_key_log(bad), fixture);
    REQUIRE_FALSE(config);
    REQUIRE(config.error().size() == 1);
    CHECK(config.error()[0].pointer == "/key_log/directory");
    CHECK(config.error()[0].error.message == &messages::config_key_log_directory);
  }
  const auto wrong_type = decoded(with_key_log(5), fixture);
  REQUIRE_FALSE(wrong_type);
  CHECK(wrong_type.error()[0].error.message == &messages::config_wrong_type);
  Json missing = Json::parse(valid_text);
  missing["key_log"] = Json::object();
  const auto without = decoded(missing, fixture);
  REQUIRE_FALSE(without);
  CHECK(without.error()[0].error.message == &messages::config_missing_key);
}

}  // namespace sekisho::config
