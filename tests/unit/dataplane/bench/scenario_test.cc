#include "dataplane/bench/scenario.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace sekisho::dataplane::bench {
namespace {

using nlohmann::json;

const std::string key(64, 'a');

json esp_out() { return {{"direction", "out"}, {"suites", {"aes128gcm16"}}, {"sizes", {64}}, {"key", key}}; }

// The id of the message that refuses it, and where: "SKO-BEN-003 /sizes/0".
std::string refusal(const std::string& text) {
  const auto scenario = parse_scenario(text);
  if (scenario) return "accepted";
  const std::string& detail = scenario.error().detail;
  return std::string(scenario.error().message->id) + " " + detail.substr(0, detail.find(':'));
}
std::string refusal(const json& changes) {
  json document = esp_out();
  document.merge_patch(changes);
  return refusal(document.dump());
}

}  // namespace

TEST_CASE("a scenario has defaults") {
  const auto scenario = parse_scenario(esp_out().dump());
  REQUIRE(scenario);
  CHECK(scenario->directions == std::vector{Direction::out});
  CHECK(scenario->family == Family::ipv4);
  CHECK(scenario->tunnels == std::vector{1u});
  CHECK(scenario->routes == std::vector{1u});
  CHECK(scenario->workers == std::vector{1u});
  CHECK(scenario->paths == 1);
  CHECK(scenario->order == Order::turn);
  CHECK(scenario->during == During::nothing);
  CHECK(scenario->replay_window == 256);
  CHECK(scenario->key.view()[31] == 0xaa);
  CHECK(scenario->in_memory());
}

TEST_CASE("everything that a scenario may say") {
  const auto scenario = parse_scenario(R"({
    "title": "all of it", "direction": "both", "family": 6, "suites": ["aes256-sha256", "aes256gcm16"],
    "sizes": [64, "imix"], "tunnels": [1, 1000], "routes": [1, 10000], "workers": [1, 2], "order": "random",
    "during": "nothing", "key": "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "replay_window": 0,
    "ports": {"lan": {"device": "net_null0"}, "wan": {"device": "net_null1"}},
    "pass": [{"size": 64, "cycles": 100}]})");
  REQUIRE(scenario);
  CHECK(scenario->directions == std::vector{Direction::out, Direction::in});
  CHECK(scenario->family == Family::ipv6);
  CHECK(scenario->suites == std::vector{EspSuite::aes256_sha256, EspSuite::aes256gcm16});
  CHECK(scenario->sizes == std::vector<FrameSize>{64, imix});
  CHECK(scenario->workers == std::vector{1u, 2u});
  CHECK(scenario->order == Order::random);
  CHECK(scenario->key.view()[30] == 0x1e);
  CHECK(scenario->replay_window == 0);
  CHECK(scenario->wan_device == "net_null1");
  CHECK_FALSE(scenario->in_memory());
}

TEST_CASE("what is wrong is named by its place") {
  CHECK(refusal(std::string("{")).starts_with("SKO-BEN-001"));
  CHECK(refusal(std::string(R"({"sizes": [64], "sizes": [64]})")).starts_with("SKO-BEN-001"));
  CHECK(refusal(std::string("[1e999]")) == "SKO-BEN-001 a number is too large");
  CHECK(refusal(std::string("[]")) == "SKO-BEN-003 /");
  CHECK(refusal({{"size", {64}}}) == "SKO-BEN-002 /size");
  CHECK(refusal({{"ports", {{"dmz", {{"device", "x"}}}}}}) == "SKO-BEN-002 /ports/dmz");
  CHECK(refusal({{"ports", {{"lan", {{"device", "x"}, {"mtu", 9000}}}}}}) == "SKO-BEN-002 /ports/lan/mtu");
  CHECK(refusal({{"ports", {{"lan", "x"}}}}) == "SKO-BEN-003 /ports/lan");
  CHECK(refusal({{"direction", "sideways"}}) == "SKO-BEN-003 /direction");
  CHECK(refusal({{"direction", 1}}) == "SKO-BEN-003 /direction");
  CHECK(refusal({{"direction", nullptr}}) == "SKO-BEN-003 /");
  CHECK(refusal({{"family", 5}}) == "SKO-BEN-003 /family");
  CHECK(refusal({{"suites", {"aes128gcm16", "rot13"}}}) == "SKO-BEN-003 /suites/1");
  CHECK(refusal({{"suites", json::array()}}) == "SKO-BEN-003 /suites");
  CHECK(refusal({{"suites", "aes128gcm16"}}) == "SKO-BEN-003 /suites");
  CHECK(refusal({{"suites", nullptr}}) == "SKO-BEN-003 /");
  CHECK(refusal({{"sizes", {64, 63}}}) == "SKO-BEN-003 /sizes/1");
  CHECK(refusal({{"sizes", {9000}}}) == "SKO-BEN-003 /sizes/0");
  CHECK(refusal({{"sizes", {"64"}}}) == "SKO-BEN-003 /sizes/0");
  CHECK(refusal({{"sizes", {64, 64}}}) == "SKO-BEN-003 /sizes/1");
  CHECK(refusal({{"sizes", {64.5}}}) == "SKO-BEN-003 /sizes/0");
  CHECK(refusal({{"tunnels", {0}}}) == "SKO-BEN-003 /tunnels/0");
  CHECK(refusal({{"tunnels", {16385}}}) == "SKO-BEN-003 /tunnels/0");
  CHECK(refusal({{"routes", {-1}}}) == "SKO-BEN-003 /routes/0");
  CHECK(refusal({{"workers", {17}}}) == "SKO-BEN-003 /workers/0");
  CHECK(refusal({{"paths", 17}}) == "SKO-BEN-003 /paths");
  CHECK(refusal({{"order", "reverse"}}) == "SKO-BEN-003 /order");
  CHECK(refusal({{"during", 1}}) == "SKO-BEN-003 /during");
  CHECK(refusal({{"key", key + "a"}}) == "SKO-BEN-003 /key");
  CHECK(refusal({{"key", std::string(63, 'a') + "x"}}) == "SKO-BEN-003 /key");
  CHECK(refusal({{"key", nullptr}}) == "SKO-BEN-003 /");
  CHECK(refusal({{"replay_window", 100}}) == "SKO-BEN-003 /replay_window");
  CHECK(refusal({{"pass", "always"}}) == "SKO-BEN-003 /pass");
}

TEST_CASE("no error shows the key") {
  const std::string digits(63, 'b');
  const std::string too_short = "{\"key\": \"" + digits + "\"}";
  const std::string broken = "{\n  \"key\": \"" + digits + "\n\"}";
  const std::string as_name = "{\"" + digits + "\": 1}", twice = "{\"" + digits + "\": 1, \"" + digits + "\": 1}";
  for (const std::string& text : {too_short, broken, as_name, twice}) {
    const auto scenario = parse_scenario(text);
    REQUIRE_FALSE(scenario);
    CHECK(scenario.error().text().find("bbbb") == std::string::npos);
  }
  CHECK(parse_scenario(broken).error().detail == "line 2, column 74");
  CHECK(parse_scenario("{").error().detail == "line 1, column 2");
}

TEST_CASE("what contradicts itself") {
  const json plain = {{"direction", "plain"}, {"suites", nullptr}};
  const auto with = [](json base, const json& changes) {
    base.merge_patch(changes);
    return refusal(base);
  };
  CHECK(refusal(plain) == "accepted");
  CHECK(refusal({{"direction", "plain"}}) == "SKO-BEN-004 /suites");
  CHECK(refusal({{"paths", 2}}) == "SKO-BEN-004 /paths");
  CHECK(with(plain, {{"tunnels", {2}}}) == "SKO-BEN-004 /tunnels");
  CHECK(with(plain, {{"during", "rekey"}}) == "SKO-BEN-004 /during");
  CHECK(with(plain, {{"during", "commit"}}) == "accepted");
  CHECK(refusal({{"during", "rekey"}, {"tunnels", {10000}}}) == "SKO-BEN-004 /tunnels");
  CHECK(refusal({{"routes", {100}}, {"tunnels", {1000}}}) == "SKO-BEN-004 /routes");
  CHECK(refusal({{"during", "rekey"}}) == "accepted");
  CHECK(refusal({{"ports", {{"lan", {{"device", "net_null0"}}}}}}) == "SKO-BEN-004 /ports");
  const json devices = {{"lan", {{"device", "net_null0"}}}, {"wan", {{"device", "net_null1"}}}};
  CHECK(refusal({{"ports", devices}}) == "accepted");
  CHECK(refusal({{"ports", devices}, {"during", "commit"}}) == "SKO-BEN-004 /during");
}

TEST_CASE("ports are overridden by hand") {
  auto scenario = parse_scenario(esp_out().dump());
  REQUIRE(scenario);
  CHECK_FALSE(override_port(*scenario, "lan"));
  CHECK_FALSE(override_port(*scenario, "lan="));
  CHECK_FALSE(override_port(*scenario, "dmz=net_null0"));
  REQUIRE(override_port(*scenario, "lan=net_pcap0,rx_pcap=a.pcap"));
  CHECK(scenario->lan_device == "net_pcap0,rx_pcap=a.pcap");
  CHECK_FALSE(check(*scenario));
  REQUIRE(override_port(*scenario, "wan=net_null0"));
  CHECK(check(*scenario));
}

TEST_CASE("cells are the combinations that the filter leaves") {
  auto scenario =
      parse_scenario(R"({"direction": "both", "suites": ["aes128gcm16", "aes256gcm16"], "sizes": [64, "imix"],
    "tunnels": [1, 10], "key": ")" +
                     key + "\"}");
  REQUIRE(scenario);
  CHECK(cells_of(*scenario, {})->size() == 16);
  const auto cells = cells_of(*scenario, {.suites = {"aes256gcm16"}, .sizes = {"imix"}, .directions = {"in"}});
  REQUIRE(cells);
  REQUIRE(cells->size() == 2);
  CHECK((*cells)[1].tunnels == 10);
  CHECK((*cells)[1].direction == Direction::in);
  CHECK((*cells)[1].suite == EspSuite::aes256gcm16);
  CHECK((*cells)[1].size == imix);
  CHECK(cells_of(*scenario, {.tunnels = {2}}).error().detail == "--tunnels: the scenario has 1, 10");
  CHECK_FALSE(cells_of(*scenario, {.sizes = {"sixty-four"}}));
}

}  // namespace sekisho::dataplane::bench
