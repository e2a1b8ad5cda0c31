#include <catch2/catch.hpp>

#include "base/messages/config.h"
#include "control/config/diff.h"
#include "control/config/encode.h"
#include "tests/unit/control/config/certificate_fixture.h"

namespace sekisho::config {
namespace {

using namespace sekisho::testing;

Json with(const std::string& key, const Json& value) {
  Json config = certified();
  const Json::json_pointer pointer("/tunnels/tokyo" + key);
  if (value.is_null())
    config[pointer.parent_pointer()].erase(pointer.back());
  else
    config[pointer] = value;
  return config;
}

// One error, at `at` (below the tunnel).
void check_error(const CertificateFixture& fixture, const Json& config, const std::string& at, const Message& message,
                 const std::string& detail) {
  const auto decoded = decode(config.dump(), fixture.directory());
  REQUIRE_FALSE(decoded.has_value());
  INFO(describe(decoded.error()));
  REQUIRE(decoded.error().size() == 1);
  CHECK(decoded.error()[0].pointer == "/tunnels/tokyo" + at);
  CHECK(decoded.error()[0].error.message == &message);
  CHECK(decoded.error()[0].error.detail.find(detail) != std::string::npos);
}

ike::Connection connection(const CertificateFixture& fixture, const Json& config) {
  auto decoded = decode(config.dump(), fixture.directory());
  if (!decoded) FAIL(describe(decoded.error()));
  return decoded->tunnels.at("tokyo").connection;
}

}  // namespace

TEST_CASE("certificates, keys and authorities are read") {
  const CertificateFixture fixture;
  const ike::Connection both = connection(fixture, certified());
  CHECK(both.local_auth.by_certificate());
  CHECK(both.local_auth.certificates.size() == 2);  // the root stays at home
  CHECK(both.remote_auth.by_certificate());
  CHECK(both.psk == nullptr);
  CHECK_FALSE(both.legacy_signatures);
  CHECK(connection(fixture, with("/profile", "legacy")).legacy_signatures);
  // Without an id the certificate's subject is the identity.
  CHECK(connection(fixture, with("/local/id", nullptr)).local_id.text() == "C=JP, O=Lab, CN=a");
  CHECK(connection(fixture, with("/local/id", "C=JP, O=lab, CN=A")).local_id.text() == "C=JP, O=Lab, CN=a");
}

TEST_CASE("each end has its own kind of authentication") {
  const CertificateFixture fixture;
  Json config = certified();
  config["tunnels"]["tokyo"]["remote"] = {{"address", "10.9.2.2"}, {"auth", "psk"}};
  check_error(fixture, config, "", messages::config_missing_key, "psk_file");
  config["tunnels"]["tokyo"]["psk_file"] = "psk/tokyo";
  const ike::Connection mixed = connection(fixture, config);
  CHECK(mixed.local_auth.by_certificate());
  CHECK_FALSE(mixed.remote_auth.by_certificate());
  CHECK(mixed.psk != nullptr);
}

TEST_CASE("what is wrong with keys and certificates is said at its place") {
  using namespace messages;
  const CertificateFixture fixture;
  check_error(fixture, with("/local/certificate", nullptr), "/local", config_missing_key, "certificate");
  check_error(fixture, with("/local/private_key", nullptr), "/local", config_missing_key, "private_key");
  check_error(fixture, with("/local/auth", "eap"), "/local/auth", config_bad_choice, "psk, certificate");
  check_error(fixture, with("/local/private_key", "none.key"), "/local/private_key", config_bad_private_key, "No such");
  check_error(fixture, with("/local/private_key", "exposed.key"), "/local/private_key", config_bad_private_key, "0644");
  check_error(fixture, with("/local/private_key", "root.pem"), "/local/private_key", config_bad_private_key, "mode");
  check_error(fixture, with("/local/private_key", "psk/tokyo"), "/local/private_key", config_bad_private_key,
              "no private");
  check_error(fixture, with("/local/private_key", "other.key"), "/local/private_key", config_key_mismatch, "CN=a");
  check_error(fixture, with("/local/certificate", "psk/tokyo"), "/local/certificate", config_bad_certificate,
              "no cert");
  check_error(fixture, with("/local/certificate", "psk"), "/local/certificate", config_bad_certificate, "regular");
  check_error(fixture, with("/local/id", "b.lab"), "/local/id", config_not_certified, "b.lab is not in");
  check_error(fixture, with("/remote/authorities", nullptr), "/remote", config_missing_key, "authorities");
  check_error(fixture, with("/remote/authorities", Json::array()), "/remote/authorities", config_out_of_range,
              "0 files");
  check_error(fixture, with("/remote/authorities/0", "writable.pem"), "/remote/authorities/0", config_bad_certificate,
              "0666");
  check_error(fixture, with("/remote/authorities/0", "x25519.pem"), "/remote/authorities", config_bad_certificate,
              "the key of CN=X");
  check_error(fixture, with("/remote/crls/0", "root.pem"), "/remote/crls/0", config_bad_certificate, "no revocation");
  check_error(fixture, with("/remote/require_crl", 1), "/remote/require_crl", config_wrong_type, "true or false");
  check_error(fixture, with("/remote/id", "keyid:b"), "/remote/id", config_not_certified, "keyid:b");
  check_error(fixture, with("/psk_file", "psk/tokyo"), "/psk_file", config_wrong_auth, "psk_file");
}

TEST_CASE("with IKEv1 both ends have RSA certificates in main mode, or both the pre-shared key") {
  using namespace messages;
  const CertificateFixture fixture;
  const Credential rsa =
      fixture.middle.issue({.subject = "CN=rsa", .alternative_names = "DNS:a.lab", .key_type = "RSA"});
  fixture.write("rsa.pem", rsa.certificate_pem(), 0644);
  fixture.write("rsa.key", rsa.key_pem());
  Json config = with("/ike", "v1");
  check_error(fixture, config, "/ike", config_proof_not_in_ikev1, "ECDSA P-256 key");
  Json& tunnel = config["tunnels"]["tokyo"];
  tunnel["local"]["certificate"] = "rsa.pem";
  tunnel["local"]["private_key"] = "rsa.key";
  CHECK(connection(fixture, config).version == ike::IkeVersion::v1);
  CHECK(connection(fixture, config).local_auth.by_certificate());
  tunnel["ike"] = {{"version", "v1"}, {"aggressive", true}};
  check_error(fixture, config, "/ike", config_proof_not_in_ikev1, "aggressive");
  tunnel["ike"] = {{"version", "v1"}};
  tunnel["ppk"] = {{"id", "blue"}, {"file", "psk/other"}, {"required", false}};
  check_error(fixture, config, "/ike", config_proof_not_in_ikev1, "ppk");
  tunnel.erase("ppk");
  tunnel["local"]["certificate"] = "root.crl";
  check_error(fixture, config, "/local/certificate", config_bad_certificate, "no cert");  // and nothing else
  tunnel["local"]["certificate"] = "rsa.pem";

  tunnel["psk_file"] = "psk/tokyo";
  const Json certificates = tunnel;
  const Json by_key = {{"address", "10.9.1.1"}, {"id", "a.lab"}},
             peer_by_key = {{"address", "10.9.2.2"}, {"id", "b.lab"}};
  tunnel["local"] = by_key;
  check_error(fixture, config, "/ike", config_proof_not_in_ikev1, "one end alone");
  tunnel["local"] = certificates["local"];
  tunnel["remote"] = peer_by_key;
  check_error(fixture, config, "/ike", config_proof_not_in_ikev1, "one end alone");
  tunnel["local"] = by_key;
  CHECK(connection(fixture, config).psk != nullptr);
  tunnel["ppk"] = {{"id", "blue"}, {"file", "psk/other"}, {"required", false}};
  check_error(fixture, config, "/ike", config_proof_not_in_ikev1, "ppk");
}

TEST_CASE("a post-quantum pre-shared key is read from its file") {
  using namespace messages;
  const CertificateFixture fixture;
  const auto ppk = connection(fixture, with("/ppk", {{"id", "blue"}, {"file", "psk/other"}, {"required", false}})).ppk;
  REQUIRE(ppk);
  CHECK(ppk->id == "blue");
  CHECK(as_text(ppk->key->view()) == "marlin");
  CHECK_FALSE(ppk->required);
  check_error(fixture, with("/ppk", {{"file", "psk/other"}}), "/ppk", config_missing_key, "id");
  check_error(fixture, with("/ppk", {{"id", ""}, {"file", "psk/other"}}), "/ppk/id", config_out_of_range, "0 bytes");
  check_error(fixture, with("/ppk", {{"id", "a"}, {"file", "psk/none"}}), "/ppk/file", config_psk_unreadable,
              "No such");
}

TEST_CASE("a file whose content changed is a change, and no content is shown") {
  const CertificateFixture fixture;
  const Json text = with("/ppk", {{"id", "blue"}, {"file", "psk/other"}});
  const auto running = decode(text.dump(), fixture.directory());
  REQUIRE(running.has_value());
  CHECK(diff(*running, *decode(text.dump(), fixture.directory())).empty());
  fixture.write("root.crl", fixture.root.list_pem({fixture.middle}), 0644);
  fixture.write("psk/other", "herring");
  const Plan plan = diff(*running, *decode(text.dump(), fixture.directory()));
  REQUIRE(plan.changes.size() == 2);
  CHECK(plan.changes[0].pointer == "/tunnels/tokyo/remote/crls");
  CHECK(plan.changes[1].pointer == "/tunnels/tokyo/ppk/file");
  CHECK(plan.changes[1].after == "changed");
  CHECK(plan.tunnels_set == std::vector<std::string>{"tokyo"});
  const std::string shown = to_json(plan).dump() + encode(running->tunnels.at("tokyo")).dump();
  for (const char* secret : {"marlin", "herring", "PRIVATE", "BEGIN"}) CHECK(shown.find(secret) == std::string::npos);
  CHECK(shown.find("own.key") != std::string::npos);
}

}  // namespace sekisho::config
