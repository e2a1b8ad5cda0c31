// What is offered, chosen and accepted, in the ways that field devices put it.
#include "control/ike/v1/suite/proposals.h"

#include <catch2/catch.hpp>

#include "control/ike/v1/suite/identities.h"
#include "control/ike/v1/suite/transforms.h"
#include "control/ike/v1/wire/message.h"

namespace sekisho::ike::v1::suite {
namespace {

using std::chrono::seconds;
using wire::Attribute;
using wire::EncapsulationMode;
using wire::IkeAuthentication;

constexpr auto psk = IkeAuthentication::pre_shared_key;

template <typename Proposal>
std::vector<Proposal> parse(std::initializer_list<const char*> texts) {
  std::vector<Proposal> list;
  for (const char* text : texts) list.push_back(Proposal::parse(text).value());
  return list;
}
std::vector<IkeProposal> ike(std::initializer_list<const char*> texts) { return parse<IkeProposal>(texts); }
std::vector<EspProposal> esp(std::initializer_list<const char*> texts) { return parse<EspProposal>(texts); }

wire::Transform raw(uint8_t id, std::initializer_list<std::pair<uint16_t, uint64_t>> attributes) {
  wire::Transform transform{.number = 1, .id = id, .attributes = {}};
  for (const auto& [type, value] : attributes) transform.attributes.push_back(Attribute::make(type, value));
  return transform;
}

std::string chosen(const wire::SecurityAssociation& offered, std::initializer_list<const char*> ours) {
  const auto choice = select_ike(offered, ike(ours), psk);
  return choice ? choice->proposal.text() : "none";
}

wire::SecurityAssociation esp_offer(std::vector<wire::Transform> transforms) {
  return {{{1, wire::Protocol::esp, {0xc0, 0xff, 0xee, 1}, std::move(transforms)}}};
}

}  // namespace

TEST_CASE("v1: what IKEv1 cannot say is known") {
  for (const char* text :
       {"aes128-sha1-modp1024", "3des-sha1-modp1536", "aes256-sha512-ecp521", "aes256-sha256-modp2048"})
    CHECK(IkeProposal::parse(text)->in_ikev1());
  for (const char* text : {"aes128gcm16-prfsha256-modp2048", "aes128-sha1-x25519", "aes128-sha1-prfsha256-modp2048"})
    CHECK_FALSE(IkeProposal::parse(text)->in_ikev1());
  for (const char* text : {"aes128-sha1", "aes256gcm16-modp1024", "aes256-sha256-ecp256"})
    CHECK(EspProposal::parse(text)->in_ikev1());
  for (const char* text : {"chacha20poly1305", "aes128-sha1-x25519", "aes128gcm16-esn"})
    CHECK_FALSE(EspProposal::parse(text)->in_ikev1());
}

TEST_CASE("v1: every transform says what it was made from") {
  for (const char* cipher : {"aes128", "aes256", "3des"})
    for (const char* hash : {"sha1", "sha256", "sha384", "sha512"})
      for (const char* group :
           {"modp1024", "modp1536", "modp2048", "modp3072", "modp4096", "ecp256", "ecp384", "ecp521"}) {
        const auto proposal = IkeProposal::parse(std::string(cipher) + "-" + hash + "-" + group).value();
        const auto back = read_ike_transform(make_ike_transform({proposal, psk, {seconds(28800), 7}}, 1));
        REQUIRE(back);
        CHECK(back->proposal.text() == proposal.text());
        CHECK(back->authentication == psk);
        CHECK(back->lifetime.time == seconds(28800));
        CHECK(back->lifetime.kilobytes == 7);
      }
  for (const EspSuiteInfo& suite : esp_suites) {
    const auto proposal = EspProposal::parse(suite.name).value();
    if (!proposal.in_ikev1()) continue;
    const auto back = read_esp_transform(make_esp_transform(
        {proposal.suite, crypto::KeyExchangeId::modp1024, EncapsulationMode::udp_tunnel, {seconds(3600), 4608000}}, 3));
    REQUIRE(back);
    CHECK(back->suite == proposal.suite);
    CHECK(back->pfs == crypto::KeyExchangeId::modp1024);
    CHECK(back->lifetime.kilobytes == 4608000);
  }
}

TEST_CASE("v1: of a peer's list our order decides, and the transform goes back as it came") {
  // The way of routers: one proposal, the transforms with the lifetime first, in bytes that no number of ours has.
  wire::Transform odd = raw(1, {{11, 1}, {12, 28800}, {1, 7}, {14, 128}, {2, 2}, {3, 1}, {4, 2}});
  odd.number = 9;
  odd.attributes[1] = {12, {0, 0, 0x70, 0x80}, false};
  const wire::SecurityAssociation offered{
      {{3, wire::Protocol::isakmp, {}, {raw(1, {{1, 5}, {2, 2}, {3, 1}, {4, 2}}), odd}}}};
  CHECK(chosen(offered, {"aes128-sha1-modp1024", "3des-sha1-modp1024"}) == "aes128-sha1-modp1024");
  CHECK(chosen(offered, {"3des-sha1-modp1024", "aes128-sha1-modp1024"}) == "3des-sha1-modp1024");
  CHECK(chosen(offered, {"aes256-sha1-modp1024"}) == "none");
  const auto choice = select_ike(offered, ike({"aes128-sha1-modp1024"}), psk);
  REQUIRE(choice);
  CHECK(choice->lifetime.time == seconds(28800));
  REQUIRE(choice->answer.proposals.size() == 1);
  CHECK(choice->answer.proposals[0].number == 3);
  CHECK(choice->answer.proposals[0].transforms == std::vector{odd});
  CHECK_FALSE(select_ike(offered, ike({"aes128-sha1-modp1024"}), IkeAuthentication::rsa_signature));
}

TEST_CASE("v1: what is not understood, doubled or missing is not chosen") {
  const auto offer = [](wire::Transform transform) {
    return wire::SecurityAssociation{{{1, wire::Protocol::isakmp, {}, {std::move(transform)}}}};
  };
  const auto refused = [&](wire::Transform transform) {
    return chosen(offer(std::move(transform)), {"aes128-sha1-modp1024"}) == "none";
  };
  CHECK_FALSE(refused(raw(1, {{1, 7}, {14, 128}, {2, 2}, {3, 1}, {4, 2}})));
  CHECK(refused(raw(2, {{1, 7}, {14, 128}, {2, 2}, {3, 1}, {4, 2}})));            // another transform than KEY_IKE
  CHECK(refused(raw(1, {{1, 7}, {14, 128}, {2, 1}, {3, 1}, {4, 2}})));            // MD5
  CHECK(refused(raw(1, {{1, 7}, {2, 2}, {3, 1}, {4, 2}})));                       // AES without a key length
  CHECK(refused(raw(1, {{1, 7}, {14, 128}, {2, 2}, {3, 1}})));                    // no group
  CHECK(refused(raw(1, {{1, 7}, {14, 128}, {2, 2}, {3, 1}, {4, 31}})));           // no group of IKEv1
  CHECK(refused(raw(1, {{1, 7}, {14, 128}, {2, 2}, {3, 65001}, {4, 2}})));        // XAUTH
  CHECK(refused(raw(1, {{1, 7}, {14, 128}, {2, 2}, {3, 1}, {4, 2}, {13, 1}})));   // a PRF of its own
  CHECK(refused(raw(1, {{1, 7}, {14, 128}, {2, 2}, {2, 2}, {3, 1}, {4, 2}})));    // twice
  CHECK(refused(raw(1, {{1, 7}, {14, 128}, {2, 2}, {3, 1}, {4, 2}, {12, 60}})));  // a duration of no type
  wire::SecurityAssociation esp_only = offer(raw(1, {{1, 7}, {14, 128}, {2, 2}, {3, 1}, {4, 2}}));
  esp_only.proposals[0].protocol = wire::Protocol::esp;
  CHECK(chosen(esp_only, {"aes128-sha1-modp1024"}) == "none");
}

TEST_CASE("v1: an answer is one transform that was offered") {
  const auto ours = ike({"aes256-sha256-modp2048", "aes128-sha1-modp1024"});
  const auto offered = offer_ike(ours, psk, seconds(3600));
  REQUIRE(offered.proposals.size() == 1);
  CHECK(offered.proposals[0].transforms.size() == 2);
  CHECK_FALSE(accept_ike(offered, ours, psk));
  wire::SecurityAssociation answer = offered;
  answer.proposals[0].transforms.erase(answer.proposals[0].transforms.begin());
  REQUIRE(accept_ike(answer, ours, psk));
  CHECK(accept_ike(answer, ours, psk)->proposal.text() == "aes128-sha1-modp1024");
  CHECK_FALSE(accept_ike(answer, ike({"aes256-sha256-modp2048"}), psk));
}

TEST_CASE("v1: phase 2 as routers and clouds offer it") {
  const auto cisco = raw(12, {{1, 1}, {2, 3600}, {1, 2}, {2, 4608000}, {4, 1}, {5, 2}, {3, 2}, {6, 128}});
  const auto ours = esp({"aes256-sha256-modp1024", "aes128-sha1-modp1024"});
  const auto choice = select_esp(esp_offer({cisco}), ours, {.key_exchange = true});
  REQUIRE(choice);
  CHECK(choice->text() == "aes128-sha1-modp1024");
  CHECK(choice->peer_spi == 0xc0ffee01);
  CHECK(choice->lifetime.time == seconds(3600));
  CHECK(choice->lifetime.kilobytes == 4608000);
  const auto answer = answer_esp(*choice, 0xdeadbeef);
  CHECK(answer.proposals[0].spi == Bytes{0xde, 0xad, 0xbe, 0xef});
  CHECK(answer.proposals[0].transforms == std::vector{cisco});
  CHECK(accept_esp(answer, ours, {.key_exchange = true})->peer_spi == 0xdeadbeef);

  CHECK_FALSE(select_esp(esp_offer({cisco}), ours, {.key_exchange = false}));  // PFS without a KE payload
  CHECK_FALSE(select_esp(esp_offer({cisco}), ours, {.key_exchange = true, .udp_encapsulation = true}));
  CHECK_FALSE(select_esp(esp_offer({cisco}), esp({"aes128-sha1"}), {.key_exchange = true}));
}

TEST_CASE("v1: UDP encapsulation has two numbers, and both fit behind a NAT alone") {
  const auto ours = esp({"aes128gcm16"});
  for (const uint64_t mode : {3, 61443}) {
    const auto offer = esp_offer({raw(20, {{4, mode}, {6, 128}})});
    CHECK(select_esp(offer, ours, {.udp_encapsulation = true}));
    CHECK_FALSE(select_esp(offer, ours, {}));
  }
  CHECK_FALSE(select_esp(esp_offer({raw(20, {{4, 2}, {6, 128}})}), ours, {}));  // transport mode
}

TEST_CASE("v1: a proposal that goes with IPComp is not ESP alone, and small SPIs are reserved") {
  const auto ours = esp({"aes128gcm16"});
  auto offer = esp_offer({raw(20, {{4, 1}, {6, 128}})});
  REQUIRE(select_esp(offer, ours, {}));
  offer.proposals.push_back({1, wire::Protocol::ipcomp, {0, 1}, {raw(2, {})}});
  CHECK_FALSE(select_esp(offer, ours, {}));
  offer.proposals[1].number = 2;
  CHECK(select_esp(offer, ours, {}));
  offer.proposals[0].spi = {0, 0, 0, 255};
  CHECK_FALSE(select_esp(offer, ours, {}));
}

TEST_CASE("v1: a quick mode offers one group only") {
  const auto offer = offer_esp(esp({"aes256-sha256-modp2048", "aes128-sha1-modp2048", "aes128-sha1-modp1024"}), 0x1000,
                               EncapsulationMode::tunnel, {seconds(3600), 0});
  CHECK(offer.proposals[0].transforms.size() == 2);
}

TEST_CASE("v1: the shorter lifetime holds, and travels in RESPONDER-LIFETIME") {
  const Lifetime both = shorter({seconds(3600), 0}, {seconds(28800), 1000});
  CHECK(both.time == seconds(3600));
  CHECK(both.kilobytes == 1000);
  CHECK(shorter({}, {seconds(5), 0}).time == seconds(5));
  const Lifetime back = decode_lifetime(encode_lifetime({seconds(86400), 102'400'000}));
  CHECK(back.time == seconds(86400));
  CHECK(back.kilobytes == 102'400'000);
  CHECK(decode_lifetime(Bytes{1, 2, 3}).time == Duration::zero());
}

TEST_CASE("v1: a failed negotiation shows both sides") {
  const auto offered = offer_ike(ike({"aes256-sha1-modp1024"}), psk, seconds(60));
  const auto modern = ike({"aes128-sha256-modp2048"});
  CHECK(text(mismatch(offered, modern, psk)) == "offered: aes256-sha1-modp1024; accepted here: aes128-sha256-modp2048");
  CHECK(text(mismatch(offered, modern, wire::IkeAuthentication::rsa_signature)) ==
        "offered: aes256-sha1-modp1024; accepted here: aes128-sha256-modp2048 with RSA signatures");
  CHECK(mismatch(offer_ike(modern, wire::IkeAuthentication{65001}, seconds(60)), modern, psk).theirs ==
        std::vector<std::string>{"aes128-sha256-modp2048 with authentication method 65001"});
  const auto strange = esp_offer({raw(3, {{4, 1}, {5, 1}})});
  CHECK(text(mismatch(strange, esp({"aes128-sha1"}), {})) ==
        "offered: transform 3 (4=1 5=1); accepted here: aes128-sha1");
  CHECK(mismatch({}, esp({"aes128-sha1", "aes256gcm16"}), {.udp_encapsulation = true}).ours ==
        std::vector<std::string>{"aes128-sha1 in UDP", "aes256gcm16 in UDP"});
  // However much a peer offers, what is kept of it is bounded.
  wire::SecurityAssociation long_offer = strange;
  long_offer.proposals.resize(wire::max_proposals, strange.proposals.front());
  CHECK(mismatch(long_offer, esp({"aes128-sha1"}), {}).theirs.size() == 32);
}

TEST_CASE("v1: selectors become identities and back") {
  const struct {
    const char *first, *last;
    wire::IdType type;
  } cases[] = {
      {"10.1.2.3", "10.1.2.3", wire::IdType::ipv4_address},
      {"10.1.0.0", "10.1.255.255", wire::IdType::ipv4_subnet},
      {"0.0.0.0", "255.255.255.255", wire::IdType::ipv4_subnet},
      {"10.1.0.1", "10.1.0.9", wire::IdType::ipv4_range},
      {"2001:db8::1", "2001:db8::1", wire::IdType::ipv6_address},
      {"2001:db8::", "2001:db8::ffff", wire::IdType::ipv6_subnet},
      {"2001:db8::1", "2001:db8::2", wire::IdType::ipv6_range},
  };
  for (const auto& [first, last, type] : cases) {
    const TrafficSelector selector{IpAddress::parse(first).value(), IpAddress::parse(last).value()};
    const auto payload = encode_selector(selector);
    CHECK(payload.id_type == type);
    CHECK(decode_selector(payload) == selector);
  }
  TrafficSelector http{IpAddress::parse("10.1.0.1").value(), IpAddress::parse("10.1.0.1").value(), 6, 80, 80};
  CHECK(decode_selector(encode_selector(http)) == http);
  CHECK_FALSE(decode_selector({wire::IdType::ipv4_subnet, 0, 0, {10, 0, 0, 0, 255, 0, 255, 0}}));
  CHECK_FALSE(decode_selector({wire::IdType::ipv4_range, 0, 0, {10, 0, 0, 9, 10, 0, 0, 1}}));
  CHECK_FALSE(decode_selector({wire::IdType::fqdn, 0, 0, {'a'}}));
  // Host bits of a subnet count for nothing.
  CHECK(decode_selector({wire::IdType::ipv4_subnet, 0, 0, {10, 1, 2, 3, 255, 255, 0, 0}})->text() == "10.1.0.0/16");
}

TEST_CASE("v1: identities of phase 1 are those of the connection") {
  for (const char* text : {"192.168.1.1", "a.lab", "user@a.lab", "keyid:office", "2001:db8::1"}) {
    const Identity identity = Identity::parse(text).value();
    CHECK(decode_identity(encode_identity(identity)) == identity);
  }
}

}  // namespace sekisho::ike::v1::suite
