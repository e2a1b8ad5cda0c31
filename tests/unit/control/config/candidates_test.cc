#include "control/config/candidates.h"

#include <catch2/catch.hpp>

#include "base/messages/config.h"
#include "control/config/warnings.h"
#include "tests/unit/control/config/fixture.h"
#include "tests/unit/crypto/authority.h"

namespace sekisho::config {
namespace {

ike::Connection to_any_peer(const char* name, const char* proposal = "aes128gcm16-prfsha256-x25519") {
  ike::Connection connection{.name = name};
  connection.local = *IpAddress::parse("10.9.1.1");
  connection.remote = IpAddress::any(Family::ipv4);
  connection.ike_proposals = {ike::IkeProposal::parse(proposal).value()};
  return connection;
}

std::optional<std::string> difference(const ike::Connection& first, const ike::Connection& second) {
  Candidates candidates;
  CHECK_FALSE(candidates.difference(first));
  return candidates.difference(second);
}

}  // namespace

TEST_CASE("what differs before the identity is known is named") {
  const ike::Connection first = to_any_peer("berlin");
  CHECK_FALSE(difference(first, to_any_peer("tokyo")));
  CHECK(difference(first, to_any_peer("tokyo", "aes256-sha256-modp2048")) ==
        "tunnel berlin comes first, with other ike.proposals");
  ike::Connection second = to_any_peer("tokyo");
  second.encapsulation = ike::Encapsulation::force;
  second.fragmentation = false;
  CHECK(difference(first, second) == "tunnel berlin comes first, with other esp.encapsulation, ike.fragmentation");
}

TEST_CASE("what is decided by the identity may differ") {
  ike::Connection second = to_any_peer("tokyo");
  second.remote_id = *ike::Identity::parse("b.lab");
  second.psk = std::make_shared<SecretBytes>(16);
  second.mobike = false;
  CHECK_FALSE(difference(to_any_peer("berlin"), second));
}

TEST_CASE("the keys of IKEv1 are decided before, and fragments it has none") {
  ike::Connection first = to_any_peer("berlin", "aes256-sha256-modp2048"), second = first;
  first.version = second.version = ike::IkeVersion::v1;
  second.fragmentation = false;
  first.psk = std::make_shared<SecretBytes>(16);
  second.psk = std::make_shared<SecretBytes>(16);
  CHECK_FALSE(difference(first, second));
  second.psk = std::make_shared<SecretBytes>(17);
  CHECK(difference(first, second) == "tunnel berlin comes first, with other psk_file");
}

TEST_CASE("one of IKEv1 by certificates does not stand in for those by keys") {
  ike::Connection first = to_any_peer("berlin", "aes256-sha256-modp2048"), second = first, third = first;
  for (ike::Connection* each : {&first, &second, &third}) each->version = ike::IkeVersion::v1;
  const testing::Credential credential = testing::root_authority();
  first.local_auth = {{credential.certificate()}, std::make_shared<const crypto::PrivateKey>(credential.private_key())};
  second.name = "osaka";
  second.psk = std::make_shared<SecretBytes>(16);
  third.psk = std::make_shared<SecretBytes>(17);
  Candidates candidates;
  CHECK_FALSE(candidates.difference(first));
  CHECK_FALSE(candidates.difference(second));
  CHECK(candidates.difference(third) == "tunnel osaka comes first, with other psk_file");
}

TEST_CASE("another version, local or remote address tells them apart, and an alternative that both have does not") {
  const ike::Connection first = to_any_peer("berlin");
  const auto altered = [](auto alter) {
    ike::Connection connection = to_any_peer("tokyo", "aes256-sha256-modp2048");
    alter(connection);
    return connection;
  };
  const IpAddress other = *IpAddress::parse("10.9.1.2");
  CHECK_FALSE(difference(first, altered([&](auto& each) { each.version = ike::IkeVersion::v1; })));
  CHECK_FALSE(difference(first, altered([&](auto& each) { each.remote = *IpAddress::parse("10.9.2.2"); })));
  CHECK_FALSE(difference(first, altered([&](auto& each) { each.local = other; })));
  CHECK(difference(first, altered([&](auto& each) {
                     each.local = other;
                     each.other_locals = {*IpAddress::parse("10.9.1.1")};
                   })));
}

TEST_CASE("a tunnel for whose peer another one decides is warned of") {
  const Fixture fixture;
  Json text = Json::parse(valid_text);
  Json& tokyo = text["tunnels"]["tokyo"];
  tokyo["remote"] = {{"address", "any"}, {"id", "b.lab"}};
  tokyo["start"] = "respond";
  tokyo["routes"] = {"10.2.0.0/24"};
  text["tunnels"]["berlin"] = tokyo;
  Json& berlin = text["tunnels"]["berlin"];
  berlin["interface"] = {{"name", "vti1"}};
  berlin["remote"]["id"] = "c.lab";
  berlin["routes"] = {"10.3.0.0/24"};
  const auto alike = decode(text.dump(), fixture.directory());
  if (!alike) FAIL(describe(alike.error()));
  CHECK(warnings(*alike, WallTime{}).empty());
  berlin["ike"] = {{"fragmentation", false}};
  const auto config = decode(text.dump(), fixture.directory());
  if (!config) FAIL(describe(config.error()));
  const auto warned = warnings(*config, WallTime{});
  REQUIRE(warned.size() == 1);
  CHECK(warned[0].tunnel == "tokyo");
  CHECK(warned[0].error.message == &messages::config_candidates_differ);
  CHECK(warned[0].error.detail.find("berlin") != std::string::npos);
}

}  // namespace sekisho::config
