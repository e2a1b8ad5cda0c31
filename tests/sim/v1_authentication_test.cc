// IKEv1 by RSA certificates: who is believed in main mode, at either end, and who is not.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/certified.h"

namespace sekisho::sim {
namespace {

using namespace testing;

Parties parties() { return {.version = ike::IkeVersion::v1}; }
const Chain& chain() { return chain_of(ike::IkeVersion::v1); }

// A refused responder does not hear of it: what refuses is the initiator, and nothing proves who sent what it refuses.
void expect_refusal_by_a(const Change& change_a, const Change& change_b, const Message& at_a) {
  expect_refusal(parties(), change_a, change_b, &at_a, nullptr);
}
void expect_refusal_by_b(const Change& change_a, const Change& change_b, const Message& at_b) {
  expect_refusal(parties(), change_a, change_b, &messages::ike_authentication_failed, &at_b);
}

Change having(const Credential& own) { return sim::having(own, chain()); }

}  // namespace

TEST_CASE("until when the peer's certificate holds is known") {
  for_seeds(3, [](World& world) {
    world.version = ike::IkeVersion::v1;
    start(world, {}, {}, chain());
    world.run_for(2s);
    world.expect_settled(tunnel);
    expect_certified(world, chain());
  });
}

TEST_CASE("v1: RSA certificates authenticate both ends, with every hash") {
  for (const char* ike :
       {"aes128-sha1-modp1024", "aes256-sha256-ecp256", "3des-sha384-modp2048", "aes128-sha512-ecp521"}) {
    INFO(ike);
    const Change proposal = [&](ike::Connection& c) { c.ike_proposals = {*ike::IkeProposal::parse(ike)}; };
    expect_up(parties(), proposal, proposal);
  }
}

TEST_CASE("v1: certificates survive a network that loses, repeats and reorders, and a NAT") {
  for_seeds(60, [](World& world) {
    world.version = ike::IkeVersion::v1;
    if (world.random().below(2) == 0) world.nat = IpAddress::parse("10.9.9.9");
    world.network = {.loss = 0.3, .duplication = 0.2, .shortest = 1ms, .longest = 300ms};
    start(world, {}, {}, chain());
    world.run_until([&] { return world.up(tunnel); }, 300s);
    world.settle(120s);
    world.expect_settled(tunnel);
    // Each new ISAKMP SA authenticates anew.
    world.step(world.b, ike::RekeyIke{tunnel});
    world.settle(60s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("v1: a distinguished name is an identity, and so is an address") {
  const auto id = [](const char* text) { return ike::Identity::parse(text).value(); };
  expect_up(
      parties(),
      [&](ike::Connection& c) {
        c.local_id = id("C=JP, O=Lab, CN=a");
        c.remote_id = id("C=JP, O=lab, CN=B");  // compared as RFC 5280 does
      },
      [&](ike::Connection& c) {
        c.local_id = id("C=JP, O=Lab, CN=b");
        c.remote_id = id("C=JP, O=Lab, CN=a");
      });
  const Credential addressed =
      chain().middle.issue({.subject = "CN=a", .alternative_names = "IP:10.9.1.1", .key_type = "RSA"});
  expect_up(
      parties(),
      [&](ike::Connection& c) {
        having(addressed)(c);
        c.local_id = id("10.9.1.1");
      },
      [&](ike::Connection& c) { c.remote_id = id("10.9.1.1"); });
}

TEST_CASE("v1: a valid certificate of somebody else is refused") {
  const Credential c = chain().gateway("c", "RSA");
  expect_refusal_by_b(having(c), {}, messages::ike_identity_not_certified);
  expect_refusal_by_a({}, having(c), messages::ike_identity_not_certified);
  const Change named_c = [&](ike::Connection& connection) {
    having(c)(connection);
    connection.local_id = *ike::Identity::parse("c.lab");
  };
  expect_refusal_by_b(named_c, {}, messages::ike_unknown_identity);
  expect_refusal_by_a({}, named_c, messages::ike_peer_not_authentic);
}

TEST_CASE("v1: a certificate without the key is refused") {
  const auto other = std::make_shared<const crypto::PrivateKey>(chain().gateway("a", "RSA").private_key());
  const Change stolen = [&](ike::Connection& c) { c.local_auth.private_key = other; };
  expect_refusal_by_b(stolen, {}, messages::ike_peer_not_authentic);
  expect_refusal_by_a({}, stolen, messages::ike_peer_not_authentic);
}

TEST_CASE("v1: the signature is looked at after the chain and before revocation lists") {
  using namespace messages;
  const auto other = std::make_shared<const crypto::PrivateKey>(chain().gateway("a", "RSA").private_key());
  const Change stolen = [&](ike::Connection& c) { c.local_auth.private_key = other; };
  const Change revoking = [](ike::Connection& c) {
    c.remote_auth = trusting(chain().root, {list(chain().middle.list_pem({chain().a}))});
  };
  const Change of_another_root = [](ike::Connection& c) { c.remote_auth = trusting(testing::root_authority()); };
  expect_refusal_by_b(stolen, revoking, ike_peer_not_authentic);
  expect_refusal_by_b({}, revoking, ike_bad_certificate);
  expect_refusal_by_b(stolen, of_another_root, ike_bad_certificate);
}

TEST_CASE("v1: certificates that are not to be trusted are refused") {
  using namespace messages;
  for (const Change& change : distrusting(chain())) {
    expect_refusal_by_b({}, change, ike_bad_certificate);
    expect_refusal_by_a(change, {}, ike_bad_certificate);
  }
  for (const Change& change : not_to_be_trusted(chain(), "RSA")) expect_refusal_by_b(change, {}, ike_bad_certificate);
}

TEST_CASE("v1: one method for both ends: the other one is no proposal in common, and both are shown") {
  const auto expect = [](const Change& change_a, const Change& change_b, const std::string& mine,
                         const std::string& theirs) {
    for_seeds(1, [&](World& world) {
      world.version = ike::IkeVersion::v1;
      start(world, change_a, change_b, chain());
      world.run_for(3s);
      const auto failure = world.b.engine->connections().at(0).last_failure;
      if (!failure || failure->message != &messages::ike_no_proposal || !failure->mismatch)
        throw Violation("another failure than no proposal in common");
      if (failure->mismatch->ours != std::vector{mine} || failure->mismatch->theirs != std::vector{theirs})
        throw Violation("not shown side by side");
    });
  };
  const std::string plain = "aes128-sha256-ecp256", signing = plain + " with RSA signatures";
  expect(by_psk, {}, signing, plain);
  expect({}, by_psk, plain, signing);
}

TEST_CASE("v1: what is not in IKEv1 makes no SA, whoever configured it") {
  const Change aggressive = [](ike::Connection& c) { c.aggressive = true; };
  const Change with_ppk = [](ike::Connection& c) { c.ppk = ike::PostQuantumKey{"blue", secret("whale"), true}; };
  const Credential ecdsa = chain().gateway("a", "P-256");
  const Change half = [](ike::Connection& c) {
    c.remote_auth = {};
    c.psk = secret("swordfish");
  };
  for (const Change& change : {aggressive, with_ppk, having(ecdsa), half}) {
    for_seeds(1, [&](World& world) {
      world.version = ike::IkeVersion::v1;
      start(world, change, change, chain());
      world.run_for(10s);
      if (!world.a.engine->ike_sas().empty() || !world.b.engine->ike_sas().empty()) throw Violation("an SA was begun");
    });
  }
}

TEST_CASE("v1: of two connections to one peer the method that it offers picks one") {
  for_seeds(1, [](World& world) {
    world.version = ike::IkeVersion::v1;
    ike::Connection by_key = certified(world, world.b, chain());
    by_psk(by_key);
    by_key.name = "another";
    world.step(world.b, ike::SetConnection{by_key});
    start(world, {}, {}, chain());
    world.run_for(2s);
    world.expect_settled(tunnel);
  });
}

}  // namespace sekisho::sim
