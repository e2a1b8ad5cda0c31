#include "control/config/grade.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "control/config/legacy.h"
#include "tests/unit/control/config/fixture.h"

namespace sekisho::config {
namespace {

Config one_tunnel(const char* ike, const char* esp) {
  Config config;
  ike::Connection& connection = config.tunnels["tokyo"].connection;
  connection.ike_proposals = {ike::IkeProposal::parse(ike).value()};
  connection.children[0].esp_proposals = {ike::EspProposal::parse(esp).value()};
  return config;
}

std::vector<std::string> lines(const Config& config) {
  std::vector<std::string> all;
  for (const Grade& each : grade(config))
    all.push_back(std::string(each.protocol) + " " + std::string(each.kind) + " " + each.algorithm + " " +
                  std::string(name(each.level)));
  return all;
}

}  // namespace

TEST_CASE("algorithms stand where RFC 8247 and RFC 8221 put them") {
  CHECK(lines(one_tunnel("aes128gcm16-prfsha512-ecp256", "aes256gcm16")) ==
        std::vector<std::string>{"IKE encryption aes128gcm16 SHOULD", "IKE prf prfsha512 SHOULD+",
                                 "IKE key exchange ecp256 SHOULD", "ESP encryption aes256gcm16 MUST"});
  CHECK(lines(one_tunnel("aes256-sha1-modp1024", "aes128-sha1-modp2048")) ==
        std::vector<std::string>{"IKE encryption aes256 MUST", "IKE prf prfsha1 MUST-", "IKE integrity sha1 MUST-",
                                 "IKE key exchange modp1024 SHOULD NOT", "ESP encryption aes128 MUST",
                                 "ESP integrity sha1 MUST-", "ESP key exchange modp2048 MUST"});
  CHECK(lines(one_tunnel("3des-sha256-modp1536", "chacha20poly1305")) ==
        std::vector<std::string>{"IKE encryption 3des MAY", "IKE prf prfsha256 MUST", "IKE integrity sha256 MUST",
                                 "IKE key exchange modp1536 SHOULD NOT", "ESP encryption chacha20poly1305 SHOULD"});
  CHECK(lines(one_tunnel("chacha20poly1305-prfsha384-x25519", "aes256-sha384")) ==
        std::vector<std::string>{"IKE encryption chacha20poly1305 SHOULD", "IKE prf prfsha384 MAY",
                                 "IKE key exchange x25519 MAY", "ESP encryption aes256 MUST",
                                 "ESP integrity sha384 MAY"});
}

TEST_CASE("what no table names may be used, which another section says") {
  const std::vector<Grade> grades = grade(one_tunnel("aes128gcm16-prfsha256-x25519", "aes128-sha384"));
  CHECK(grades[1].source == "RFC 8247 section 2.2");
  CHECK(grades[2].source == "RFC 8247 section 1.2");
  CHECK(grades[4].source == "RFC 8221 section 1.2");
}

TEST_CASE("what the legacy profile alone may name is discouraged, whatever level the RFCs give it") {
  const auto discouraged_in = [](const char* ike, const char* esp, ike::IkeVersion version) {
    Config config = one_tunnel(ike, esp);
    config.tunnels["tokyo"].connection.version = version;
    std::string text;
    for (const Grade& each : grade(config))
      if (discouraged(each)) text += (text.empty() ? "" : " ") + each.algorithm;
    return text;
  };
  using enum ike::IkeVersion;
  CHECK(discouraged_in("3des-sha1-modp2048", "aes128-sha1", v2) == "3des prfsha1 sha1");
  CHECK(discouraged_in("3des-sha1-modp2048", "aes128-sha1-modp2048", v1) == "IKEv1 3des sha1");
  CHECK(discouraged_in("aes128-sha256-modp1536", "aes128gcm16-modp1024", v2) == "modp1536 modp1024");
  CHECK(discouraged_in("aes128-sha256-ecp256", "aes128-sha1", v2).empty());
  for (const char* text : {"3des-sha256-modp2048", "aes128-sha1-modp2048", "aes128gcm16-prfsha1-ecp256",
                           "aes128-sha256-modp1024", "aes128-sha256-modp2048", "aes128gcm16-prfsha256-x25519"}) {
    const auto proposal = ike::IkeProposal::parse(text);
    if (!proposal) continue;
    INFO(text);
    CHECK(proposal->legacy() != legacy_algorithms(*proposal).empty());
  }
}

TEST_CASE("of IKEv1 the version is graded, phase 1 as IKEv2 is, and the group of quick mode") {
  Config config = one_tunnel("aes256-sha1-modp1024", "aes256-sha256-modp1536");
  config.tunnels["tokyo"].connection.version = ike::IkeVersion::v1;
  CHECK(lines(config) == std::vector<std::string>{"IKE version IKEv1 deprecated", "IKE encryption aes256 MUST",
                                                  "IKE hash sha1 MUST-", "IKE key exchange modp1024 SHOULD NOT",
                                                  "ESP encryption aes256 MUST", "ESP integrity sha256 MUST",
                                                  "ESP key exchange modp1536 SHOULD NOT"});
  CHECK(discouraged(grade(config)[0]));
}

TEST_CASE("quick mode without PFS is weak, and a child SA of IKEv2 without it is not") {
  Config config = one_tunnel("aes256-sha256-ecp256", "aes128gcm16");
  CHECK(lines(config).back() == "ESP encryption aes128gcm16 MUST");
  config.tunnels["tokyo"].connection.version = ike::IkeVersion::v1;
  const Grade last = grade(config).back();
  CHECK(lines(config).back() == "ESP key exchange none weak");
  CHECK(discouraged(last));
  CHECK(last.source == "RFC 2409 section 5.5");
}

TEST_CASE("a pre-shared key that is too short is weak, and neither it nor its length is shown") {
  Config config = one_tunnel("aes128gcm16-prfsha256-x25519", "aes128gcm16");
  const auto with_key_of = [&](size_t octets) {
    config.tunnels["tokyo"].connection.psk = std::make_shared<SecretBytes>(octets);
    return lines(config).front();
  };
  CHECK(with_key_of(15) == "IKE pre-shared key under 16 octets weak");
  CHECK(with_key_of(1) == "IKE pre-shared key under 16 octets weak");
  CHECK(with_key_of(16) == "IKE encryption aes128gcm16 SHOULD");
}

TEST_CASE("what several proposals name is graded once, and each tunnel for itself") {
  Config config = one_tunnel("aes128gcm16-prfsha256-x25519", "aes128gcm16");
  const size_t once = grade(config).size();
  ike::Connection& connection = config.tunnels["tokyo"].connection;
  connection.ike_proposals.push_back(connection.ike_proposals[0]);
  connection.children.push_back(connection.children[0]);
  CHECK(grade(config).size() == once);
  config.tunnels["osaka"] = config.tunnels["tokyo"];
  CHECK(grade(config).size() == 2 * once);
}

TEST_CASE("the verdict on a file: nothing discouraged, something discouraged, not valid") {
  const Fixture fixture;
  const auto verdict = [&](std::string_view text) {
    fixture.write("sekisho.json", text);
    std::FILE* nowhere = std::fopen("/dev/null", "w");
    const int code = grade_file(fixture.directory() / "sekisho.json", false, nowhere);
    std::fclose(nowhere);
    return code;
  };
  auto sound = Json::parse(valid_text);
  sound["tunnels"]["tokyo"]["routes"] = {"10.2.0.0/24"};
  CHECK(verdict(sound.dump()) == 1);  // a short key
  fixture.write("psk/tokyo", "0123456789abcdef");
  CHECK(verdict(sound.dump()) == 0);
  CHECK(verdict(valid_text) == 1);  // no route into the tunnel
  auto legacy = sound;
  legacy["tunnels"]["tokyo"]["profile"] = "legacy";
  legacy["tunnels"]["tokyo"]["ike"]["proposals"] = {"aes256-sha1-modp1024"};
  CHECK(verdict(legacy.dump()) == 1);
  CHECK(verdict("{}x") == 1);
}

}  // namespace sekisho::config
