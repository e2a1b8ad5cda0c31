#include "control/config/warnings.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "base/messages/config.h"
#include "base/messages/ike.h"
#include "base/messages/system.h"
#include "control/config/diff.h"
#include "control/config/grade.h"
#include "control/config/report.h"
#include "tests/unit/control/config/certificate_fixture.h"

namespace sekisho::config {
namespace {

using namespace sekisho::testing;

// With a route into the tunnel.
Json routed(Json config) {
  Json& tunnel = config["tunnels"]["tokyo"];
  if (!tunnel.contains("routes")) tunnel["routes"] = {"10.2.0.0/24"};
  return config;
}

Json with_key_log(const Json& directory) {
  Json text = routed(Json::parse(valid_text));
  text["key_log"] = {{"directory", directory}};
  return text;
}

std::expected<Config, ConfigErrors> decoded(const Json& json, const Fixture& fixture) {
  return decode(routed(json).dump(), fixture.directory());
}

}  // namespace

TEST_CASE("keys are logged only where the configuration names a directory, and that is warned of") {
  const Fixture fixture;
  const auto off = decoded(Json::parse(valid_text), fixture);
  REQUIRE(off);
  CHECK_FALSE(off->key_log);
  CHECK(warnings(*off, new_year).empty());

  std::filesystem::create_directory(fixture.directory() / "keys");
  chmod((fixture.directory() / "keys").c_str(), 0700);
  const auto on = decoded(with_key_log("keys/"), fixture);
  if (!on) FAIL(describe(on.error()));
  REQUIRE(on->key_log);
  CHECK(on->key_log->directory == fixture.directory() / "keys/");
  const auto warned = warnings(*on, new_year);
  REQUIRE(warned.size() == 1);
  CHECK(warned.front().error.message == &messages::key_log_on);
  CHECK(warned.front().error.detail.find("/keys") != std::string::npos);

  const Plan plan = diff(*off, *on);
  REQUIRE(plan.changes.size() == 1);
  CHECK(plan.changes[0].kind == Change::Kind::add);
  CHECK(plan.changes[0].pointer == "/key_log");
  CHECK(diff(*on, *off).changes.at(0).kind == Change::Kind::remove);
  CHECK(diff(*on, *on).empty());
}

TEST_CASE("aggressive mode is warned of") {
  const Fixture fixture;
  Json text = Json::parse(valid_text);
  text["tunnels"]["tokyo"]["ike"] = {{"version", "v1"}};
  const auto main_mode = decoded(text, fixture);
  REQUIRE(main_mode);
  CHECK(warnings(*main_mode, new_year).empty());
  text["tunnels"]["tokyo"]["ike"]["aggressive"] = true;
  const auto aggressive = decoded(text, fixture);
  REQUIRE(aggressive);
  const auto warned = warnings(*aggressive, new_year);
  REQUIRE(warned.size() == 1);
  CHECK(warned[0].tunnel == "tokyo");
  CHECK(warned[0].error.message == &messages::ike_aggressive_mode);
}

TEST_CASE("a tunnel that nothing leads into is warned of") {
  const Fixture fixture;
  const auto only = [&](const Json& routes) {
    Json text = Json::parse(valid_text);
    if (!routes.is_null()) text["tunnels"]["tokyo"]["routes"] = routes;
    const auto config = decode(text.dump(), fixture.directory());
    REQUIRE(config);
    const auto warned = warnings(*config, new_year);
    REQUIRE(warned.size() == 1);
    CHECK(warned[0].tunnel == "tokyo");
    CHECK(warned[0].error.message == &messages::config_no_route);
  };
  only(nullptr);  // the selectors are 0.0.0.0/0 and ::/0
  only(Json::array());
}

TEST_CASE("a static route within a tunnel's route is warned of, unless a peer is behind it") {
  const Fixture fixture;
  Json text = Json::parse(valid_text);
  text["tunnels"]["tokyo"]["routes"] = {"10.0.0.0/8", "10.2.0.0/16"};
  text["routes"].push_back({{"prefix", "10.9.2.0/24"}, {"via", "10.9.1.254"}});  // the peer's
  text["routes"].push_back({{"prefix", "172.16.0.0/12"}, {"via", "10.9.1.254"}});
  const auto sound = decoded(text, fixture);
  if (!sound) FAIL(describe(sound.error()));
  CHECK(warnings(*sound, new_year).empty());

  text["routes"].push_back({{"prefix", "10.2.7.0/24"}, {"via", "10.9.1.254"}});
  text["routes"].push_back({{"prefix", "10.2.8.0/24"}, {"via", "10.9.1.254"}});
  text["routes"].push_back({{"prefix", "10.3.0.0/16"}, {"via", "10.9.1.254"}});
  const auto past = decoded(text, fixture);
  if (!past) FAIL(describe(past.error()));
  const auto warned = warnings(*past, new_year);
  REQUIRE(warned.size() == 1);
  CHECK(warned[0].tunnel == "tokyo");
  CHECK(warned[0].error.message == &messages::config_route_beside);
  CHECK(warned[0].error.detail == "10.2.7.0/24 by way of 10.9.1.254, within 10.2.0.0/16; and 2 more");
}

TEST_CASE("a local address that no interface of the configuration has is warned of") {
  const Fixture fixture;
  Json text = Json::parse(valid_text);
  Json& local = text["tunnels"]["tokyo"]["local"];
  local["address"] = "10.9.1.7";
  const auto wrong = decoded(text, fixture);
  REQUIRE(wrong);
  const auto warned = warnings(*wrong, new_year);
  REQUIRE(warned.size() == 1);
  CHECK(warned[0].error.message == &messages::config_local_address_elsewhere);
  CHECK(warned[0].error.detail == "10.9.1.7");
  local["alternatives"] = {"10.9.1.1"};
  const auto with_alternative = decoded(text, fixture);
  REQUIRE(with_alternative);
  CHECK(warnings(*with_alternative, new_year).empty());
}

TEST_CASE("the check of a file says what is to be warned of, and that the file is valid all the same") {
  const Fixture fixture;
  Json text = Json::parse(valid_text);
  text["tunnels"]["tokyo"]["routes"] = Json::array();
  fixture.write("sekisho.json", text.dump());
  const auto checked = [&](bool json) {
    char* written = nullptr;
    size_t size = 0;
    std::FILE* out = open_memstream(&written, &size);
    CHECK(check_file(fixture.directory() / "sekisho.json", json, out) == 0);
    std::fclose(out);
    std::string result(written, size);
    free(written);
    return result;
  };
  const Json verdict = Json::parse(checked(true));
  CHECK(verdict["valid"] == true);
  REQUIRE(verdict["warnings"].size() == 1);
  CHECK(verdict["warnings"][0]["id"] == "SKO-CFG-062");
  CHECK(verdict["warnings"][0]["tunnel"] == "tokyo");
  const std::string words = checked(false);
  CHECK(words.find("warning, tunnel tokyo\n  SKO-CFG-062") == 0);
  CHECK(words.find("is valid\n") != std::string::npos);
}

TEST_CASE("a verdict that cannot be written is no success") {
  const Fixture fixture;
  fixture.write("sekisho.json", valid_text);
  std::FILE* full = std::fopen("/dev/full", "w");
  REQUIRE(full != nullptr);
  CHECK(check_file(fixture.directory() / "sekisho.json", false, full) == 1);
  CHECK(grade_file(fixture.directory() / "sekisho.json", true, full) == 1);
  std::fclose(full);
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

TEST_CASE("when the daemon starts, a directory that cannot hold keys leaves the key log off and is warned of") {
  const Fixture fixture;
  const std::string text = with_key_log("nowhere").dump();
  const auto config = decode(text, fixture.directory(), UnusableKeyLog::left_off);
  if (!config) FAIL(describe(config.error()));
  CHECK(config->tunnels.size() == 1);
  CHECK_FALSE(config->key_log);
  const auto warned = warnings(*config, new_year);
  REQUIRE(warned.size() == 1);
  CHECK(warned[0].tunnel.empty());
  CHECK(warned[0].error.message == &messages::key_log_failed);
  CHECK(warned[0].error.detail.find("nowhere") != std::string::npos);
  fixture.write("sekisho.json", text);
  CHECK(load(fixture.directory() / "sekisho.json", UnusableKeyLog::left_off));
  CHECK_FALSE(load(fixture.directory() / "sekisho.json"));
  // What is wrong in the text itself stays an error.
  CHECK_FALSE(decode(with_key_log("").dump(), fixture.directory(), UnusableKeyLog::left_off));

  // Once the directory is there, applying the same file is what puts the key log on.
  std::filesystem::create_directory(fixture.directory() / "nowhere");
  chmod((fixture.directory() / "nowhere").c_str(), 0700);
  const auto desired = decode(text, fixture.directory());
  REQUIRE(desired);
  CHECK_FALSE(desired->key_log_fault);
  CHECK(diff(*config, *desired).changes.at(0).kind == Change::Kind::add);
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

// From CertificateFixture: the gateway's certificates end 365 days after the new year, the authority's much later; the
// list is due after 30.
TEST_CASE("what a tunnel is proven by is listed with its end, the soonest first") {
  const CertificateFixture fixture;
  const auto config = decoded(certified(), fixture);
  if (!config) FAIL(describe(config.error()));
  const auto all = expiries(config->tunnels.at("tokyo").connection);
  REQUIRE(all.size() == 4);  // the list, the gateway's own two, the authority
  CHECK(all[0].kind == Expiry::Kind::revocation_list);
  CHECK(all[0].at == new_year + 30 * day);
  CHECK(all[0].name.find("Root") != std::string::npos);
  CHECK(all[1].kind == Expiry::Kind::own_certificate);
  CHECK(all[1].at == new_year + 365 * day);
  CHECK(all[3].kind == Expiry::Kind::authority);
  CHECK(date_text(all[0].at) == "2026-01-31 00:00 UTC");
}

TEST_CASE("urgency rises 30 days, 7 days and a day before the end") {
  const auto left = [](std::chrono::hours hours) { return urgency(new_year, new_year - hours); };
  using std::chrono::hours;
  CHECK(left(hours(30 * 24 + 1)) == Urgency::none);
  CHECK(left(hours(30 * 24)) == Urgency::month);
  CHECK(left(hours(7 * 24 + 1)) == Urgency::month);
  CHECK(left(hours(7 * 24)) == Urgency::week);
  CHECK(left(hours(24)) == Urgency::day);
  CHECK(left(hours(1)) == Urgency::day);
  CHECK(left(hours(0)) == Urgency::over);
  CHECK(left(hours(-1)) == Urgency::over);
}

TEST_CASE("each kind has its message, before its end and after it") {
  const auto id = [](Expiry::Kind kind, WallTime now) { return notice({kind, "CN=x", new_year}, now).message->id; };
  using Kind = Expiry::Kind;
  CHECK(id(Kind::own_certificate, new_year - day) == "SKO-IKE-090");
  CHECK(id(Kind::own_certificate, new_year) == "SKO-IKE-091");
  CHECK(id(Kind::authority, new_year - day) == "SKO-IKE-092");
  CHECK(id(Kind::authority, new_year + day) == "SKO-IKE-093");
  CHECK(id(Kind::revocation_list, new_year - day) == "SKO-IKE-094");
  CHECK(id(Kind::revocation_list, new_year + day) == "SKO-IKE-095");
  CHECK(messages::own_certificate_expired.severity == Severity::error);
  CHECK(notice({Kind::authority, "CN=x", new_year}, new_year - 10 * day).detail ==
        "CN=x: 2026-01-01 00:00 UTC, in 10 days");
}

TEST_CASE("day after day each stage is told once, and what is over each day") {
  const CertificateFixture fixture;
  const auto config = decoded(certified(), fixture);
  if (!config) FAIL(describe(config.error()));
  WarningWatch watch;
  // The days, counted from the new year, on which something is told, with how many of it.
  std::map<int, size_t> told;
  for (int each = -5; each < 370; ++each)
    if (const size_t count = watch.due(*config, new_year + each * day).size(); count > 0) told[each] = count;
  CHECK(told[0] == 1);                                             // the list has 30 days
  CHECK(told[23] == 1);                                            // 7
  CHECK(told[29] == 1);                                            // 1
  for (int each = 30; each < 335; ++each) CHECK(told[each] == 1);  // none
  CHECK(told[335] == 3);                                           // the gateway's two certificates have 30 days
  CHECK(told[336] == 1);
  CHECK(told[358] == 3);
  CHECK(told[364] == 3);
  for (int each = 365; each < 370; ++each) CHECK(told[each] == 3);
  CHECK(told.begin()->first == 0);
  CHECK_FALSE(told.contains(1));
  CHECK_FALSE(told.contains(24));

  CHECK(watch.due(*config, new_year + 336 * day).size() == 3);  // the calendar was set back: the stage is another
  CHECK(watch.due(*config, new_year + 336 * day).size() == 1);
  watch.forget();
  CHECK(watch.due(*config, new_year + 336 * day).size() == 3);
}

}  // namespace sekisho::config
