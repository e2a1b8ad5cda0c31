#include "control/ike/connection.h"

#include <catch2/catch.hpp>

namespace sekisho::ike {

TEST_CASE("identities are told apart by their spelling") {
  using Type = Identity::Type;
  const auto check = [](const char* text, Type type, std::string value, const char* shown) {
    INFO(text);
    const auto identity = Identity::parse(text);
    REQUIRE(identity);
    CHECK(identity->type == type);
    CHECK(identity->value == value);
    CHECK(identity->text() == shown);
    CHECK(Identity::parse(identity->text()) == identity);
  };
  check("10.9.1.1", Type::ipv4_address, {"\x0a\x09\x01\x01", 4}, "10.9.1.1");
  check("2001:db8::1", Type::ipv6_address, {"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16}, "2001:db8::1");
  check("a.lab", Type::fqdn, "a.lab", "a.lab");
  check("@a.lab", Type::fqdn, "a.lab", "a.lab");
  check("@10.9.1.1", Type::fqdn, "10.9.1.1", "@10.9.1.1");
  check("user@a.lab", Type::rfc822_address, "user@a.lab", "user@a.lab");
  check("keyid:office", Type::key_id, "office", "keyid:office");
}

TEST_CASE("what is no identity is refused") {
  for (const char* text : {"", "@", "user@", "keyid:", "a lab", "172.16.0.0.100", "300.1.1.1", "2001:db8::g", "a\tb"})
    CHECK_FALSE(Identity::parse(text));
  CHECK(Identity::parse(std::string(255, 'a')));
  CHECK_FALSE(Identity::parse(std::string(256, 'a')));
}

TEST_CASE("a peer's identity is printable, whatever its bytes") {
  CHECK(Identity{Identity::Type::fqdn, std::string("a\n\0b\\", 5)}.text() == "@a\\x0a\\x00b\\x5c");
  CHECK(Identity{Identity::Type{9}, "\x30\x0a"}.text() == "type9:0\\x0a");
  CHECK(Identity{Identity::Type::ipv4_address, "abc"}.text() == "type1:abc");
  CHECK(Identity{Identity::Type::key_id, std::string(10000, 'x')}.text().size() < 200);
}

TEST_CASE("IKE proposals") {
  for (const char* text : {"aes128gcm16-prfsha256-x25519", "aes256gcm16-prfsha384-ecp384", "aes256-sha256-modp2048",
                           "aes256-sha1-modp1024", "aes128-sha512-ecp256", "aes128-sha256-prfsha512-modp4096",
                           "chacha20poly1305-prfsha256-x25519"}) {
    INFO(text);
    const auto proposal = IkeProposal::parse(text);
    REQUIRE(proposal);
    CHECK(proposal->text() == text);
  }
  const auto azure = IkeProposal::parse("aes256-sha1-modp1024").value();
  CHECK(azure.prf == crypto::PrfId::hmac_sha1);
  CHECK(azure.sk.key_bits == 256);
  CHECK(azure.sk.integrity == crypto::IntegrityId::hmac_sha1_96);
  CHECK(IkeProposal::parse("aes256-sha256-prfsha256-modp2048")->text() == "aes256-sha256-modp2048");

  for (const char* text :
       {"", "-", "aes256", "aes256-sha256", "aes128gcm16-x25519", "aes128gcm16-sha256-x25519",
        "aes128gcm16-sha256-prfsha256-x25519", "aes256-modp2048", "aes256-sha256-modp2048-x25519",
        "aes256-sha256-modp2048-", "aes192-sha256-modp2048", "AES256-sha256-modp2048", "aes256-sha256-sha256-modp2048",
        "aes256-none-modp2048", "aes256-sha256-none", "chacha20poly1305-sha256-x25519"})
    CHECK_FALSE(IkeProposal::parse(text));
}

TEST_CASE("ESP proposals") {
  for (const char* text : {"aes128gcm16", "aes128-sha1", "aes256-sha256-modp2048", "aes128gcm16-x25519-esn",
                           "aes256-sha512-ecp384-esn", "aes256gcm16-esn", "chacha20poly1305-x25519-esn"}) {
    INFO(text);
    const auto proposal = EspProposal::parse(text);
    REQUIRE(proposal);
    CHECK(proposal->text() == text);
  }
  CHECK(EspProposal::parse("aes256-sha512-ecp384-esn")->pfs == crypto::KeyExchangeId::ecp384);
  for (const char* text : {"", "aes128", "aes128-", "aes128gcm16-sha1", "aes128-md5", "aes128gcm16-esn-x25519",
                           "aes128gcm16-esn-esn", "aes128gcm16-", "aes128gcm16-none", "sha1-aes128"})
    CHECK_FALSE(EspProposal::parse(text));
}

TEST_CASE("what RFC 8221 and 8247 call legacy") {
  const auto ike = [](const char* text) { return IkeProposal::parse(text)->legacy(); };
  const auto esp = [](const char* text) { return EspProposal::parse(text)->legacy(); };
  CHECK(ike("aes256-sha1-modp2048"));
  CHECK(ike("aes256-sha256-modp1024"));
  CHECK(ike("aes128gcm16-prfsha1-x25519"));
  CHECK_FALSE(ike("aes256-sha256-modp2048"));
  CHECK(esp("aes128-sha1-modp1024"));
  CHECK_FALSE(esp("aes128-sha1"));
  CHECK_FALSE(esp("aes128-sha1-modp2048"));
}

}  // namespace sekisho::ike
