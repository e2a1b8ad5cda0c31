#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <set>
#include <string>

#include "base/messages/config.h"
#include "base/messages/system.h"
#include "control/config/config.h"
#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {
namespace {

struct Expected {
  std::string pointer;
  const Message* message;
  std::string detail;  // a part of it
};

// Every expected error is there, and no other.
void check_errors(const std::string& text, const std::vector<Expected>& expected) {
  const Fixture fixture;
  const auto config = decode(text, fixture.directory());
  REQUIRE_FALSE(config.has_value());
  INFO(describe(config.error()));
  CHECK(config.error().size() == expected.size());
  for (const Expected& want : expected) {
    INFO(want.message->id << " at " << want.pointer << ": " << want.detail);
    CHECK(std::ranges::any_of(config.error(), [&](const ConfigError& error) {
      return error.pointer == want.pointer && error.error.message == want.message &&
             error.error.detail.find(want.detail) != std::string::npos;
    }));
  }
}

// A valid configuration in which one value was replaced.
std::string with(std::string_view pointer, const Json& value) {
  Json config = Json::parse(valid_text);
  config[Json::json_pointer(std::string(pointer))] = value;
  return config.dump();
}

void check_value(std::string_view pointer, const Json& value, const Message& message, std::string detail,
                 std::string at = "") {
  INFO(pointer << " = " << value.dump());
  check_errors(with(pointer, value), {{at.empty() ? std::string(pointer) : at, &message, std::move(detail)}});
}

}  // namespace

TEST_CASE("a configuration is decoded with its defaults") {
  const Fixture fixture;
  const auto config = decode(valid_text, fixture.directory());
  if (!config) FAIL(describe(config.error()));
  CHECK(config->ports.at("wan").device == "net_af_packet0,iface=wan-wire");
  CHECK(config->ports.at("wan").mtu == 1500);
  CHECK(config->ports.at("lan").addresses[1].text() == "fd00:1::1/64");
  CHECK(config->routes.at(0).via.text() == "10.9.1.254");
  const Tunnel& tunnel = config->tunnels.at("tokyo");
  CHECK(tunnel.interface.name == "vti0");
  CHECK_FALSE(tunnel.interface.mtu);
  CHECK_FALSE(tunnel.interface.mss);
  CHECK_FALSE(tunnel.outer_mtu);
  CHECK(tunnel.df == ipc::DfPolicy::copy);
  CHECK(tunnel.connection.name == "tokyo");
  CHECK(tunnel.connection.local_id.text() == "a.lab");
  CHECK(tunnel.connection.remote_id.text() == "10.9.2.2");
  CHECK(as_text(tunnel.connection.psk->view()) == "swordfish");
  CHECK(tunnel.connection.ike_lifetime == std::chrono::hours(8));
  CHECK(tunnel.connection.ike_proposals.at(0).text() == "aes128gcm16-prfsha256-x25519");
  CHECK(tunnel.connection.children.front().local_selectors.size() == 2);
  CHECK(tunnel.connection.children.front().replay_window == 256);
  CHECK(tunnel.routes.empty());
}

TEST_CASE("routes follow the remote selectors unless they are given") {
  const Fixture fixture;
  const auto text =
      with("/tunnels/tokyo/selectors", {{"remote", {"10.2.0.0/24", "0.0.0.0/0"}}, {"local", {"10.1.0.0/24"}}});
  const auto config = decode(text, fixture.directory());
  if (!config) FAIL(describe(config.error()));
  const auto& routes = config->tunnels.at("tokyo").routes;
  REQUIRE(routes.size() == 1);
  CHECK(routes[0].text() == "10.2.0.0/24");
}

TEST_CASE("text that is no JSON is reported with its line and column, without its contents") {
  using namespace messages;
  check_errors("{\n  \"ports\": {},,\n}", {{"", &config_not_json, "line 2, column 15"}});
  check_errors("", {{"", &config_not_json, "line 1, column 1"}});
  check_errors("{} {}", {{"", &config_not_json, "line 1, column 4"}});
  check_errors("{\"a\": \"\xff\xfe\"}", {{"", &config_not_json, "UTF-8"}});
  check_errors(std::string("{\"a\": \"x\0y\"}", 12), {{"", &config_not_json, "control character"}});
  check_errors("{\"ports\": 1e999}", {{"", &config_not_json, ""}});
  const Fixture fixture;
  const auto pasted = decode("{\"psk\": \"swordfish-in-the-wrong-place", fixture.directory());
  REQUIRE_FALSE(pasted.has_value());
  CHECK(describe(pasted.error()).find("swordfish") == std::string::npos);
}

TEST_CASE("limits hold") {
  using namespace messages;
  check_errors(std::string(max_config_size + 1, ' '), {{"", &config_too_large, "16777217 bytes"}});
  std::string deep(100000, '[');
  const Fixture fixture;
  const auto refused = decode(deep, fixture.directory());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().at(0).error.message == &config_too_large);
  std::string many = "{";
  for (int i = 0; i < 5000; ++i) many += (i ? ",\"x" : "\"x") + std::to_string(i) + "\": 1";
  const auto flood = decode(many + "}", fixture.directory());
  REQUIRE_FALSE(flood.has_value());
  CHECK(flood.error().size() == max_config_errors + 1);
  CHECK(flood.error().back().error.message == &config_too_many_errors);
  Json ports = Json::object();
  for (int i = 0; i < 33; ++i) ports["p" + std::to_string(i)] = {{"device", "net_null" + std::to_string(i)}};
  check_errors(Json{{"ports", ports}}.dump(), {{"/ports", &config_too_large, "33 entries"}});
}

TEST_CASE("keys that stand twice, are unknown or missing are named") {
  using namespace messages;
  check_errors(R"({"ports": {"a": {"device": "net_null0"}, "a": {"device": "net_null0"}}})",
               {{"/ports/a", &config_duplicate_key, ""}});
  check_errors(R"({"prots": {}})", {{"/prots", &config_unknown_key, "did you mean \"ports\"?"}});
  check_value("/tunnels/tokyo/ike/lifetme", 3, config_unknown_key, "did you mean \"lifetime\"?");
  check_value("/tunnels/tokyo/psk", "swordfish", config_unknown_key, "did you mean \"psk_file\"?");
  check_value("/tunnels/tokyo/ike/zzzzz", 3, config_unknown_key, "known here: proposals, lifetime");
  check_errors(R"({"ports": {"a": {}}, "tunnels": {"t": {}}})", {{"/ports/a", &config_missing_key, "device"},
                                                                 {"/tunnels/t", &config_missing_key, "interface"},
                                                                 {"/tunnels/t", &config_missing_key, "local"},
                                                                 {"/tunnels/t", &config_missing_key, "remote"},
                                                                 {"/tunnels/t", &config_missing_key, "psk_file"}});
}

TEST_CASE("sizes of a tunnel: given, automatic, or off") {
  const Fixture fixture;
  const auto tunnel = [&](const Json& interface, const Json& outer_mtu, const char* df) {
    Json json = Json::parse(valid_text);
    json["tunnels"]["tokyo"]["interface"].update(interface);
    json["tunnels"]["tokyo"]["outer_mtu"] = outer_mtu;
    json["tunnels"]["tokyo"]["df"] = df;
    const auto config = decode(json.dump(), fixture.directory());
    if (!config) FAIL(describe(config.error()));
    return config->tunnels.at("tokyo");
  };
  const Tunnel given = tunnel({{"mtu", 1436}, {"mss", 1379}}, 1454, "clear");
  CHECK(given.interface.mtu == 1436);
  CHECK(given.interface.mss == 1379);
  CHECK(given.outer_mtu == 1454);
  CHECK(given.df == ipc::DfPolicy::clear);
  const Tunnel automatic = tunnel({{"mtu", "auto"}, {"mss", "auto"}}, "auto", "set");
  CHECK_FALSE(automatic.interface.mtu);
  CHECK_FALSE(automatic.interface.mss);
  CHECK_FALSE(automatic.outer_mtu);
  CHECK(automatic.df == ipc::DfPolicy::set);
  CHECK(tunnel({{"mss", "off"}}, "auto", "copy").interface.mss == 0);
}

TEST_CASE("IKE looks for the path's MTU where the configuration does not say it, unless it is not to") {
  const Fixture fixture;
  Json text = Json::parse(valid_text);
  Json& tokyo = text["tunnels"]["tokyo"];
  const auto discovers = [&] {
    const auto config = decode(text.dump(), fixture.directory());
    if (!config) FAIL(describe(config.error()));
    return config->tunnels.at("tokyo").connection.path_mtu_discovery;
  };
  CHECK(discovers());
  tokyo["outer_mtu"] = 1454;
  CHECK_FALSE(discovers());
  tokyo["outer_mtu"] = "auto";
  CHECK(discovers());
  tokyo["path_mtu_discovery"] = false;
  CHECK_FALSE(discovers());
}

TEST_CASE("a tunnel's ends may be IPv6") {
  const Fixture fixture;
  Json text = Json::parse(valid_text);
  Json& tokyo = text["tunnels"]["tokyo"];
  tokyo["local"] = {{"address", "2001:db8::1"}, {"alternatives", {"2001:db8::11"}}};
  tokyo["remote"] = {{"address", "2001:db8:9::2"}};
  tokyo["outer_mtu"] = 1280;
  const auto config = decode(text.dump(), fixture.directory());
  if (!config) FAIL(describe(config.error()));
  const ike::Connection& connection = config->tunnels.at("tokyo").connection;
  CHECK(connection.local == IpAddress::parse("2001:db8::1"));
  CHECK(connection.remote == IpAddress::parse("2001:db8:9::2"));
  CHECK(connection.other_locals == std::vector{*IpAddress::parse("2001:db8::11")});
  CHECK(connection.local_id.type == ike::Identity::Type::ipv6_address);

  tokyo["remote"] = {{"address", "any"}, {"id", "b.lab"}};
  tokyo["start"] = "respond";
  const auto any = decode(text.dump(), fixture.directory());
  if (!any) FAIL(describe(any.error()));
  CHECK(any->tunnels.at("tokyo").connection.remote == IpAddress::any(Family::ipv6));

  text["tunnels"]["tokyo"]["outer_mtu"] = 1279;
  check_errors(text.dump(), {{"/tunnels/tokyo/outer_mtu", &messages::config_out_of_range, "below 1280"}});
}

TEST_CASE("IPv6 in a tunnel has to fit what the path leaves with the proposals at their worst") {
  const Fixture fixture;
  Json text = Json::parse(valid_text);
  Json& tokyo = text["tunnels"]["tokyo"];
  tokyo["esp"]["proposals"] = {"aes128gcm16", "aes256-sha256"};
  tokyo["esp"]["encapsulation"] = "off";
  tokyo["selectors"] = {{"local", {"10.1.0.0/24", "fd00:1::/64"}}, {"remote", {"10.2.0.0/24", "fd00:2::/64"}}};
  const std::string detail = " octets within the tunnel, below 1280, which IPv6 needs";
  // Outside less 20 (IPv4), 8 (ESP), 16 (IV), 16 (ICV), to whole blocks of 16, less 2.
  const auto decoded = [&](uint16_t outer, const char* address, const char* route) {
    tokyo["outer_mtu"] = outer;
    tokyo["interface"]["addresses"] = {address};
    tokyo["routes"] = {route};
    return text.dump();
  };
  for (const auto& [address, route] : {std::pair{"fd00:9::1/64", "10.2.0.0/24"}, {"169.254.9.1/30", "fd00:2::/64"}}) {
    CHECK(decode(decoded(1356, address, route), fixture.directory()));
    check_errors(decoded(1355, address, route),
                 {{"/tunnels/tokyo/outer_mtu", &messages::config_out_of_range, "1355 may leave 1278" + detail}});
  }
  CHECK(decode(decoded(576, "169.254.9.1/30", "10.2.0.0/24"), fixture.directory()));
}

TEST_CASE("values of the wrong type or out of range are refused") {
  using namespace messages;
  check_errors("[]", {{"", &config_wrong_type, "an object is wanted, not an array"}});
  check_value("/ports/lan/mtu", "1500", config_wrong_type, "a whole number is wanted, not a string");
  check_value("/ports/lan/mtu", 1500.5, config_wrong_type, "not the number 1500.5");
  check_value("/ports/lan/mtu", -1, config_out_of_range, "-1 is not within 576 to 9000");
  check_value("/ports/lan/mtu", 575, config_out_of_range, "575");
  check_value("/ports/lan/mtu", 1000, config_out_of_range, "below 1280, which IPv6 needs");
  check_value("/ports/lan/mtu", "auto", config_wrong_type, "a whole number is wanted, not a string");
  check_value("/tunnels/tokyo/interface/mtu", "big", config_wrong_type, "a whole number is wanted, not a string");
  check_value("/tunnels/tokyo/interface/mtu", 9001, config_out_of_range, "9001 is not within 576 to 9000");
  check_value("/tunnels/tokyo/interface/mss", 535, config_out_of_range, "535 is not within 536 to 8960");
  check_value("/tunnels/tokyo/interface/mss", true, config_wrong_type, "a whole number is wanted");
  check_value("/tunnels/tokyo/outer_mtu", 0, config_out_of_range, "0 is not within 576 to 9000");
  check_value("/tunnels/tokyo/df", "auto", config_bad_choice, "\"auto\" is none of: copy, clear, set");
  check_value("/routes", Json::object(), config_wrong_type, "an array is wanted");
  check_value("/tunnels/tokyo/ike/lifetime", 1e30, config_out_of_range, "");
  check_value("/tunnels/tokyo/ike/retransmission", {{"factor", 0.5}}, config_out_of_range, "0.5 is not within 1 to 10",
              "/tunnels/tokyo/ike/retransmission/factor");
  check_value("/tunnels/tokyo/esp/replay_window", 100, config_out_of_range, "multiple of 64");
  check_value("/tunnels/tokyo/esp/replay_window", 8192, config_out_of_range, "8192");
  check_value("/tunnels/tokyo/esp/encapsulation", "on", config_bad_choice, "\"on\" is none of: auto, force, off");
  check_value("/tunnels/tokyo/ike/fragment_size", 575, config_out_of_range, "575 is neither 0 nor 576 to 65535");
  check_value("/tunnels/tokyo/ike/fragment_size", 65536, config_out_of_range, "65536");
  check_value("/tunnels/tokyo/ike/fragmentation", "no", config_wrong_type, "true or false is wanted, not a string");
  check_value("/tunnels/tokyo/profile", "modren", config_bad_choice, "modern, legacy");
  check_value("/tunnels/tokyo/ike/proposals", Json::array(), config_out_of_range, "0 proposals");
}

TEST_CASE("bad addresses, prefixes and names are refused") {
  using namespace messages;
  check_value("/tunnels/tokyo/remote/address", "172.16.0.0.100", config_bad_address,
              "\"172.16.0.0.100\" is not an IP address");
  check_value("/tunnels/tokyo/remote/address", "224.0.0.5", config_bad_address, "multicast");
  check_value("/tunnels/tokyo/remote/address", "2001:db8::1", config_family_mismatch,
              "2001:db8::1 are ends of one tunnel", "/tunnels/tokyo");
  check_value("/tunnels/tokyo/remote/address", "fe80::1", config_bad_address, "is a link-local address");
  check_value("/tunnels/tokyo/remote/address", "ff0e::1", config_bad_address, "is a multicast address");
  check_value("/tunnels/tokyo/local/alternatives", {"2001:db8::1"}, config_family_mismatch, "2001:db8::1",
              "/tunnels/tokyo");
  check_value("/ports/wan/addresses/0", "10.9.1.1", config_bad_address, "lacks a prefix length");
  check_value("/ports/wan/addresses/0", "10.9.1.1/33", config_bad_address, "");
  check_value("/routes/0/prefix", "10.0.0.1/8", config_bad_prefix, "its network is 10.0.0.0/8");
  check_value("/routes/0/prefix", "10/8", config_bad_prefix, "is not an IP prefix");
  check_value("/routes/0/via", "fe80::1", config_family_mismatch, "", "/routes/0");
  check_value("/ports/a-name-that-is-too-long", {{"device", "net_null0"}}, config_bad_name,
              "23 characters, at most 15");
  check_value("/ports/lo", {{"device", "net_null0"}}, config_bad_name, "kernel's own");
  check_value("/tunnels/tokyo/interface/name", "vti 0", config_bad_name, "position 4");
  check_value("/tunnels/tokyo/interface/name", "a\x1b[31m", config_bad_name, "\\u001b[31m");
  check_value("/tunnels/tokyo/interface/name", "", config_bad_name, "not empty");
  check_value("/ports/lan/device", "net null", config_bad_device, "net null");
  check_value("/tunnels/tokyo/local/id", "a\nb", config_bad_identity, "\"a\\nb\"");
  check_value("/tunnels/tokyo/selectors", {{"local", {"10.1.0.0/16"}}, {"remote", {"fd00::/8"}}},
              config_family_mismatch, "no family in common");
  Json nine = Json::array();
  for (int i = 0; i < 3; ++i) nine.push_back("10." + std::to_string(i) + ".0.0/16");
  check_value("/tunnels/tokyo/selectors", {{"local", nine}, {"remote", {"10.5.0.0/16", "10.6.0.0/16", "10.7.0.0/16"}}},
              config_out_of_range, "9 pairs");
}

TEST_CASE("what only one part may have is claimed once") {
  using namespace messages;
  check_value("/tunnels/tokyo/interface/name", "wan", config_duplicate, "\"wan\" is taken by \"/ports/wan\"");
  check_value("/ports/lan/addresses/0", "10.9.1.1/24", config_duplicate, "/ports/wan/addresses/0");
  check_value("/ports/lan/device", "net_af_packet0,iface=other", config_duplicate, "net_af_packet0");
  check_value("/ports/lan/device", "net_af_packet7,iface=wan-wire", config_duplicate, "wan-wire");
  check_value("/ports/lan/device", "net_af_packet7,iface=wan", config_duplicate, "\"wan\" is taken");
  check_value("/tunnels/tokyo/remote/address", "10.9.1.1", config_duplicate, "both ends", "/tunnels/tokyo");
  check_value("/routes/1", {{"prefix", "0.0.0.0/0"}, {"via", "10.9.1.253"}}, config_duplicate, "0.0.0.0/0",
              "/routes/1/prefix");
  Json twin = Json::parse(valid_text);
  twin["tunnels"]["osaka"] = twin["tunnels"]["tokyo"];
  twin["tunnels"]["osaka"]["interface"] = {{"name", "vti1"}};
  check_errors(twin.dump(), {{"/tunnels/osaka", &config_duplicate, "10.9.1.1 (a.lab) to 10.9.2.2 (10.9.2.2)"}});
}

TEST_CASE("proposals are known, and legacy ones stand only in the legacy profile") {
  using namespace messages;
  check_value("/tunnels/tokyo/ike/proposals", {"aes128gcm16-x25518"}, config_bad_proposal, "x25519 ecp256",
              "/tunnels/tokyo/ike/proposals/0");
  check_value("/tunnels/tokyo/esp/proposals", {"aes128gcm16", "rot13"}, config_bad_proposal, "aes256-sha512",
              "/tunnels/tokyo/esp/proposals/1");
  check_value("/tunnels/tokyo/ike/proposals", {"aes256-sha1-modp1024"}, config_legacy_proposal,
              "sha1, modp1024 in \"aes256-sha1-modp1024\"", "/tunnels/tokyo/ike/proposals/0");
  check_value("/tunnels/tokyo/ike/proposals", {"3des-sha256-modp2048"}, config_legacy_proposal, "3des in ",
              "/tunnels/tokyo/ike/proposals/0");
  check_value("/tunnels/tokyo/esp/proposals", {"aes256-sha256-modp1536"}, config_legacy_proposal, "modp1536 in ",
              "/tunnels/tokyo/esp/proposals/0");
  Json config = Json::parse(valid_text);
  config["tunnels"]["tokyo"]["profile"] = "legacy";
  config["tunnels"]["tokyo"]["ike"]["proposals"] = {"aes256-sha1-modp1024"};
  const Fixture fixture;
  CHECK(decode(config.dump(), fixture.directory()).has_value());
}

TEST_CASE("IKEv1 is spoken where a tunnel asks for it, and says no more than it can") {
  using namespace messages;
  const Fixture fixture;
  const auto connection = [&](const Json& ike, const char* proposal = "aes128gcm16") {
    Json config = Json::parse(valid_text);
    config["tunnels"]["tokyo"]["ike"] = ike;
    config["tunnels"]["tokyo"]["esp"]["proposals"] = {proposal};
    const auto decoded = decode(config.dump(), fixture.directory());
    REQUIRE(decoded.has_value());
    return decoded->tunnels.at("tokyo").connection;
  };
  CHECK(connection(Json::object()).version == ike::IkeVersion::v2);
  CHECK(connection("v2").version == ike::IkeVersion::v2);
  const auto v1 = connection("v1", "aes256-sha256-ecp256");
  CHECK(v1.version == ike::IkeVersion::v1);
  CHECK_FALSE(v1.aggressive);
  CHECK(v1.children.front().local_selectors.size() == 1);
  for (const auto& proposal : v1.ike_proposals) CHECK(proposal.in_ikev1());
  CHECK(connection({{"version", "v1"}, {"aggressive", true}}).aggressive);

  check_value("/tunnels/tokyo/ike", "v3", config_bad_choice, "v1, v2");
  check_value("/tunnels/tokyo/ike", {{"version", "ikev1"}, {"aggressive", true}}, config_bad_choice, "v1, v2",
              "/tunnels/tokyo/ike/version");
  check_value("/tunnels/tokyo/ike/aggressive", true, config_aggressive_without_v1, "v2");
  check_value("/tunnels/tokyo/ike", {{"version", "v1"}, {"proposals", {"aes128gcm16-prfsha256-ecp256"}}},
              config_not_in_ikev1, "aes128gcm16-prfsha256-ecp256", "/tunnels/tokyo/ike/proposals");
  check_value("/tunnels/tokyo/ike", {{"version", "v1"}, {"proposals", {"aes128-sha256-x25519"}}}, config_not_in_ikev1,
              "aes128-sha256-x25519", "/tunnels/tokyo/ike/proposals");
  for (const char* esp : {"chacha20poly1305", "aes128gcm16-esn", "aes128gcm16-x25519"}) {
    Json config = Json::parse(valid_text);
    config["tunnels"]["tokyo"]["ike"] = "v1";
    config["tunnels"]["tokyo"]["esp"]["proposals"] = {esp};
    check_errors(config.dump(), {{"/tunnels/tokyo/esp/proposals", &config_not_in_ikev1, esp}});
  }
}

TEST_CASE("routes that cannot work are refused") {
  using namespace messages;
  check_errors(R"({"ports": {"wan": {"device": "net_null0", "addresses": ["10.9.1.1/24"]}}, "tunnels": {"t": {
      "interface": {"name": "vti0"}, "local": {"address": "10.9.1.1"}, "remote": {"address": "10.9.2.2"},
      "psk_file": "psk/tokyo", "selectors": {"remote": ["10.0.0.0/8"]}, "routes": ["10.0.0.0/8", "192.0.2.0/24"]}}})",
               {{"/tunnels/t/routes/0", &config_route_loop, "covers the peer 10.9.2.2"},
                {"/tunnels/t/routes/1", &config_route_outside_selectors, "192.0.2.0/24 is not within 10.0.0.0/8"}});
  Json config = Json::parse(valid_text);
  config["tunnels"]["tokyo"]["routes"] = {"10.0.0.0/8"};
  config["routes"].push_back({{"prefix", "10.9.2.2/32"}, {"via", "10.9.1.254"}});
  const Fixture fixture;
  CHECK(decode(config.dump(), fixture.directory()).has_value());
}

TEST_CASE("psk files are read, and never quoted") {
  using namespace messages;
  const std::string at = "/tunnels/tokyo/psk_file";
  check_value(at, "swordfish", config_psk_unreadable, "No such file or directory (relative to \"/tmp/config-test-");
  check_value(at, "psk", config_psk_unreadable, "not a regular file");
  check_value(at, "psk/empty", config_psk_length, "empty");
  check_value(at, "psk/newline", config_psk_length, "empty");
  check_value(at, "psk/long", config_psk_length, "more than 256");
  check_value(at, "psk/exposed", config_psk_exposed, "mode 0644");
  check_value(at, "psk/fifo", config_psk_unreadable, "not a regular file");
  check_value(at, 17, config_wrong_type, "a string is wanted");
  const Fixture fixture;
  const auto pasted = decode(with(at, "P@ssw0rd1234"), fixture.directory());
  REQUIRE_FALSE(pasted.has_value());
  CHECK(describe(pasted.error()).find("P@ssw0rd1234") == std::string::npos);
  const auto longest = decode(with(at, "psk/longest"), fixture.directory());
  REQUIRE(longest.has_value());
  CHECK(longest->tunnels.at("tokyo").connection.psk->size() == 256);
}

TEST_CASE("files that cannot be read are reported") {
  const Fixture fixture;
  const auto missing = load(fixture.directory() / "none.json");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().at(0).error.message == &messages::file_unreadable);
  const auto directory = load(fixture.directory());
  REQUIRE_FALSE(directory.has_value());
  CHECK(directory.error().at(0).error.detail.find("not a regular file") != std::string::npos);
  fixture.write("sekisho.json", valid_text, 0644);
  CHECK(load(fixture.directory() / "sekisho.json").has_value());
  fixture.write("open.json", valid_text, 0666);
  const auto open = load(fixture.directory() / "open.json");
  REQUIRE_FALSE(open);
  CHECK(open.error().at(0).error.message == &messages::config_writable);
  fixture.write("long.json", std::string(max_config_size + 1, ' '));
  const auto longer = load(fixture.directory() / "long.json");
  REQUIRE_FALSE(longer);
  CHECK(longer.error().at(0).error.message == &messages::config_too_large);
}

}  // namespace sekisho::config
