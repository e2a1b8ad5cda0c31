#include "control/ike/suite/proposals.h"

#include <catch2/catch.hpp>

#include "tests/unit/control/ike/samples.h"

namespace sekisho::ike::suite {
namespace {

using wire::Protocol;
using wire::SecurityAssociation;
using wire::Transform;
using wire::TransformType;

template <typename Own>
std::vector<Own> parse(std::initializer_list<const char*> texts) {
  std::vector<Own> list;
  for (const char* text : texts) list.push_back(Own::parse(text).value());
  return list;
}
std::vector<IkeProposal> ike(std::initializer_list<const char*> texts) { return parse<IkeProposal>(texts); }
std::vector<EspProposal> esp(std::initializer_list<const char*> texts) { return parse<EspProposal>(texts); }

constexpr Transform encr(uint16_t id, std::optional<uint16_t> bits = {}) {
  return {TransformType::encryption, id, bits};
}
constexpr Transform prf(uint16_t id) { return {TransformType::prf, id}; }
constexpr Transform integ(uint16_t id) { return {TransformType::integrity, id}; }
constexpr Transform ke(uint16_t id) { return {TransformType::key_exchange, id}; }
constexpr Transform esn(uint16_t id) { return {TransformType::esn, id}; }

SecurityAssociation ike_sa(std::vector<Transform> transforms) {
  return {{{1, Protocol::ike, {}, std::move(transforms)}}};
}
SecurityAssociation esp_sa(std::vector<Transform> transforms) {
  return {{{1, Protocol::esp, from_hex("c0ffee01"), std::move(transforms)}}};
}

std::string chosen_ike(const SecurityAssociation& offered, const std::vector<IkeProposal>& ours) {
  const auto chosen = select_ike(offered, ours);
  return chosen ? chosen->proposal.text() : "none";
}
std::string chosen_esp(const SecurityAssociation& offered, const std::vector<EspProposal>& ours,
                       ChildOrigin origin = ChildOrigin::create_child_sa) {
  const auto chosen = select_esp(offered, ours, origin);
  return chosen ? chosen->text() : "none";
}

}  // namespace

TEST_CASE("IKE: the responder's preference decides") {
  const auto offered =
      offer_ike(ike({"aes256-sha1-modp1024", "aes256-sha256-modp2048", "aes128gcm16-prfsha256-x25519"}), {});
  const auto chosen = select_ike(
      offered, ike({"aes256gcm16-prfsha384-ecp384", "aes128gcm16-prfsha256-x25519", "aes256-sha256-modp2048"}));
  REQUIRE(chosen);
  CHECK(chosen->proposal.text() == "aes128gcm16-prfsha256-x25519");
  CHECK(chosen->number == 3);
  CHECK_FALSE(chosen->peer_spi);
  CHECK(chosen_ike(offered, ike({"aes256gcm16-prfsha384-ecp384"})) == "none");
}

TEST_CASE("IKE: a peer's transform sets stand for all combinations") {
  // One proposal with many transforms each, as strongSwan and Windows send it.
  const auto offered = ike_sa({encr(3), encr(12, 128), encr(12, 256), encr(999, 256), integ(2), integ(12), integ(14),
                               prf(2), prf(5), prf(7), ke(2), ke(14), ke(31)});
  CHECK(chosen_ike(offered, ike({"aes256-sha256-modp2048"})) == "aes256-sha256-modp2048");
  CHECK(chosen_ike(offered, ike({"aes256-sha512-x25519"})) == "aes256-sha512-x25519");
  CHECK(chosen_ike(offered, ike({"aes128-sha1-prfsha256-modp1024"})) == "aes128-sha1-prfsha256-modp1024");
  CHECK(chosen_ike(offered, ike({"aes256-sha384-modp2048"})) == "none");
  CHECK(chosen_ike(offered, ike({"aes256gcm16-prfsha256-modp2048"})) == "none");
}

TEST_CASE("IKE: key lengths count") {
  const auto ours = ike({"aes256-sha256-modp2048"});
  CHECK(chosen_ike(ike_sa({encr(12, 128), integ(12), prf(5), ke(14)}), ours) == "none");
  CHECK(chosen_ike(ike_sa({encr(12), integ(12), prf(5), ke(14)}), ours) == "none");
  CHECK(chosen_ike(ike_sa({encr(12, 256), integ(12), prf(5), ke(14)}), ours) == "aes256-sha256-modp2048");
  Transform odd = encr(12, 256);
  odd.unknown_attribute = true;
  CHECK(chosen_ike(ike_sa({odd, integ(12), prf(5), ke(14)}), ours) == "none");
}

TEST_CASE("IKE: an AEAD stands without integrity, or with NONE") {
  const auto ours = ike({"aes128gcm16-prfsha256-x25519"});
  CHECK(chosen_ike(ike_sa({encr(20, 128), prf(5), ke(31)}), ours) != "none");
  CHECK(chosen_ike(ike_sa({encr(20, 128), integ(12), prf(5), ke(31)}), ours) == "none");
  const auto chosen = select_ike(ike_sa({encr(20, 128), integ(0), prf(5), ke(31)}), ours);
  REQUIRE(chosen);
  // The answer has one transform of each type that was offered.
  const auto answer = answer_ike(*chosen, {});
  CHECK(answer.proposals.at(0).transforms == std::vector{encr(20, 128), prf(5), ke(31), integ(0)});
  CHECK(chosen_ike(ike_sa({encr(12, 256), integ(0), prf(5), ke(14)}), ike({"aes256-sha256-modp2048"})) == "none");
}

TEST_CASE("IKE: a transform type that is not understood spoils its proposal only") {
  const Transform additional_ke{TransformType{6}, 36};  // RFC 9370
  auto offered = ike_sa({encr(20, 128), prf(5), ke(31), additional_ke});
  CHECK(chosen_ike(offered, ike({"aes128gcm16-prfsha256-x25519"})) == "none");
  offered.proposals.push_back({2, Protocol::ike, {}, {encr(20, 128), prf(5), ke(31)}});
  CHECK(select_ike(offered, ike({"aes128gcm16-prfsha256-x25519"})).value().number == 2);
  CHECK(chosen_ike(ike_sa({encr(20, 128), prf(5), ke(31), esn(0)}), ike({"aes128gcm16-prfsha256-x25519"})) == "none");
}

TEST_CASE("IKE: proposals with a part missing or for ESP are not chosen") {
  const auto ours = ike({"aes256-sha256-modp2048"});
  CHECK(chosen_ike(ike_sa({}), ours) == "none");
  CHECK(chosen_ike(ike_sa({encr(12, 256), integ(12), prf(5)}), ours) == "none");
  CHECK(chosen_ike(ike_sa({encr(12, 256), integ(12), ke(14)}), ours) == "none");
  CHECK(chosen_ike({{{1, Protocol::esp, from_hex("c0ffee01"), {encr(12, 256), integ(12), prf(5), ke(14)}}}}, ours) ==
        "none");
  CHECK(chosen_ike({}, ours) == "none");
}

TEST_CASE("IKE: a rekey carries SPIs") {
  const auto ours = ike({"aes256-sha256-modp2048"});
  const auto chosen = select_ike(offer_ike(ours, 0x0102030405060708), ours);
  REQUIRE(chosen);
  CHECK(chosen->peer_spi == 0x0102030405060708);
  const auto accepted = accept_ike(answer_ike(*chosen, 0x1112131415161718), ours);
  REQUIRE(accepted);
  CHECK(accepted->peer_spi == 0x1112131415161718);
  CHECK_FALSE(select_ike(offer_ike(ours, 0), ours));
}

TEST_CASE("IKE: the initiator accepts only what it offered") {
  const auto ours = ike({"aes128gcm16-prfsha256-x25519", "aes256-sha256-modp2048"});
  CHECK(accept_ike(ike_sa({ke(14), prf(5), integ(12), encr(12, 256)}), ours)->proposal.text() ==
        "aes256-sha256-modp2048");
  CHECK(accept_ike(ike_sa({encr(20, 128), prf(5), ke(31), integ(0)}), ours));
  CHECK_FALSE(accept_ike(ike_sa({encr(20, 128), prf(5), ke(14)}), ours));          // a mix of two
  CHECK_FALSE(accept_ike(ike_sa({encr(20, 128), prf(5), ke(31), ke(14)}), ours));  // two of a type
  CHECK_FALSE(accept_ike(ike_sa({encr(20, 128), encr(20, 128), prf(5), ke(31)}), ours));
  CHECK_FALSE(accept_ike(ike_sa({encr(20, 256), prf(5), ke(31)}), ours));
  CHECK_FALSE(accept_ike(ike_sa({encr(20, 128), prf(5)}), ours));
  CHECK_FALSE(accept_ike(offer_ike(ours, {}), ours));  // two proposals
  CHECK_FALSE(accept_ike({}, ours));
}

TEST_CASE("ESP: each suite is offered, chosen and accepted") {
  for (const EspSuiteInfo& suite : esp_suites) {
    const std::vector<EspProposal> ours = {EspProposal::parse(suite.name).value()};
    for (const ChildOrigin origin : {ChildOrigin::ike_auth, ChildOrigin::create_child_sa}) {
      const auto chosen = select_esp(offer_esp(ours, 0xc0ffee01, origin), ours, origin);
      REQUIRE(chosen);
      CHECK(info(chosen->suite).name == suite.name);
      CHECK(chosen->peer_spi == 0xc0ffee01);
      CHECK_FALSE(chosen->esn);
      const auto accepted = accept_esp(answer_esp(*chosen, 0xc0ffee02), ours, origin);
      REQUIRE(accepted);
      CHECK(accepted->suite == chosen->suite);
      CHECK(accepted->peer_spi == 0xc0ffee02);
    }
  }
}

TEST_CASE("ESP: ESN where both want it") {
  const auto with = esp({"aes128gcm16-esn"}), without = esp({"aes128gcm16"});
  const auto negotiate = [](const auto& initiator, const auto& responder) {
    return chosen_esp(offer_esp(initiator, 0xc0ffee01, ChildOrigin::create_child_sa), responder);
  };
  CHECK(negotiate(with, with) == "aes128gcm16-esn");
  CHECK(negotiate(with, without) == "aes128gcm16");
  CHECK(negotiate(without, with) == "aes128gcm16");
  CHECK(chosen_esp(esp_sa({encr(20, 128), esn(1)}), without) == "none");
  CHECK(chosen_esp(esp_sa({encr(20, 128), esn(1)}), with) == "aes128gcm16-esn");
  CHECK(chosen_esp(esp_sa({encr(20, 128)}), without) == "none");  // mandatory (section 3.3.3)
  CHECK(accept_esp(esp_sa({encr(20, 128), esn(0)}), with, ChildOrigin::ike_auth)->esn == false);
  CHECK_FALSE(accept_esp(esp_sa({encr(20, 128), esn(1)}), without, ChildOrigin::ike_auth));
  CHECK_FALSE(accept_esp(esp_sa({encr(20, 128), esn(0), esn(1)}), with, ChildOrigin::ike_auth));
}

TEST_CASE("ESP: the PFS group counts in CREATE_CHILD_SA and nowhere else") {
  const auto pfs = esp({"aes128gcm16-x25519"}), plain = esp({"aes128gcm16"});
  CHECK(chosen_esp(esp_sa({encr(20, 128), ke(31), ke(14), esn(0)}), pfs) == "aes128gcm16-x25519");
  CHECK(chosen_esp(esp_sa({encr(20, 128), ke(31), esn(0)}), plain) == "none");
  CHECK(chosen_esp(esp_sa({encr(20, 128), esn(0)}), pfs) == "none");
  CHECK(chosen_esp(esp_sa({encr(20, 128), ke(31), ke(0), esn(0)}), plain) == "aes128gcm16");
  CHECK(chosen_esp(esp_sa({encr(20, 128), ke(31), esn(0)}), plain, ChildOrigin::ike_auth) == "aes128gcm16");

  const auto first = offer_esp(pfs, 0xc0ffee01, ChildOrigin::ike_auth);
  CHECK(first.proposals.at(0).transforms == std::vector{encr(20, 128), esn(0)});
  const auto chosen = select_esp(first, pfs, ChildOrigin::ike_auth);
  REQUIRE(chosen);
  CHECK(chosen->pfs == crypto::KeyExchangeId::none);
  CHECK(answer_esp(*chosen, 0xc0ffee02).proposals.at(0).transforms == std::vector{encr(20, 128), esn(0)});
  CHECK_FALSE(accept_esp(esp_sa({encr(20, 128), ke(31), esn(0)}), pfs, ChildOrigin::ike_auth));
  CHECK_FALSE(accept_esp(esp_sa({encr(20, 128), esn(0)}), pfs, ChildOrigin::create_child_sa));
  CHECK(accept_esp(esp_sa({encr(20, 128), ke(31), esn(0)}), pfs, ChildOrigin::create_child_sa)->pfs ==
        crypto::KeyExchangeId::x25519);

  // In IKE_AUTH, what differs in the group alone is offered once, and numbers stay without a gap.
  const auto merged =
      offer_esp(esp({"aes128gcm16-x25519", "aes128gcm16-ecp256", "aes256gcm16"}), 0xc0ffee01, ChildOrigin::ike_auth);
  REQUIRE(merged.proposals.size() == 2);
  CHECK(merged.proposals[1].number == 2);
}

TEST_CASE("ESP: an SPI that no SA can have is refused") {
  const auto ours = esp({"aes128gcm16"});
  for (const char* spi : {"00000000", "00000001", "000000ff"}) {
    auto sa = esp_sa({encr(20, 128), esn(0)});
    sa.proposals[0].spi = from_hex(spi);
    CHECK(chosen_esp(sa, ours) == "none");
    CHECK_FALSE(accept_esp(sa, ours, ChildOrigin::ike_auth));
  }
  auto ah = esp_sa({integ(12), esn(0)});
  ah.proposals[0].protocol = Protocol::ah;
  CHECK(chosen_esp(ah, esp({"aes128-sha256"})) == "none");
}

TEST_CASE("a failed negotiation is explained by both lists") {
  CHECK(
      compare(ike_sa({encr(12, 256), encr(12, 128), integ(2), prf(2), ke(2)}), ike({"aes128gcm16-prfsha256-x25519"})) ==
      "offered: aes256/aes128-sha1-prfsha1-modp1024; accepted here: aes128gcm16-prfsha256-x25519");
  CHECK(compare(esp_sa({encr(23, 256), integ(9), ke(0), ke(99), esn(0), esn(1), {TransformType{7}, 3}}),
                esp({"aes128gcm16", "aes256-sha256-modp2048-esn"})) ==
        "offered: encr23/256-integ9-nopfs/ke99-noesn/esn-TRANSFORM-7:3; accepted here: aes128gcm16, "
        "aes256-sha256-modp2048-esn");
  SecurityAssociation many;
  for (int i = 0; i < 60; ++i) many.proposals.push_back(esp_sa({encr(12, 256), integ(12), esn(0)}).proposals[0]);
  CHECK(compare(many, esp({"aes128gcm16"})).size() < 600);
}

}  // namespace sekisho::ike::suite
