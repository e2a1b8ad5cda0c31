// Who is believed, and who is not: two engines that authenticate by certificate, by pre-shared key, one way each, and
// with post-quantum pre-shared keys.
#include <catch2/catch.hpp>

#include "base/messages/ike.h"
#include "tests/sim/certified.h"

namespace sekisho::sim {
namespace {

using namespace testing;

const Chain& chain() { return chain_of(ike::IkeVersion::v2); }

void expect_up(const Change& change_a, const Change& change_b, const Chain& with = chain()) {
  sim::expect_up({.chain = with}, change_a, change_b);
}

void expect_refusal(const Change& change_a, const Change& change_b, const Message& at_a, const Message& at_b) {
  sim::expect_refusal({}, change_a, change_b, &at_a, &at_b);
}

Change with_ppk(const std::string& id, const std::string& key, bool required) {
  return [=](ike::Connection& c) {
    by_psk(c);
    c.ppk = ike::PostQuantumKey{id, secret(key), required};
  };
}

}  // namespace

TEST_CASE("certificates of every type authenticate both ends") {
  for (const std::string type : {"RSA", "P-256", "P-384", "P-521", "ED25519"}) {
    INFO(type);
    expect_up({}, {}, Chain(type));
  }
  const Change legacy = [](ike::Connection& c) { c.legacy_signatures = true; };
  expect_up(legacy, {}, Chain("RSA"));
}

TEST_CASE("certificates survive a network that loses, repeats and reorders") {
  for_seeds(100, [](World& world) {
    world.network = {.loss = 0.3, .duplication = 0.2, .shortest = 1ms, .longest = 300ms};
    start(world, {}, {}, chain());
    world.run_for(30s);
    world.settle();
    world.expect_settled(tunnel);
  });
}

TEST_CASE("until when the peer's certificate holds is known, also of a rekeyed IKE SA") {
  for_seeds(3, [](World& world) {
    start(world, {}, {}, chain());
    world.run_for(2s);
    for (Node* node : {&world.a, &world.b}) {
      world.step(*node, ike::RekeyIke{tunnel});
      world.run_for(2s);
    }
    world.expect_settled(tunnel);
    expect_certified(world, chain());
  });
}

TEST_CASE("each end may authenticate in its own way") {
  expect_up(
      [](ike::Connection& c) {
        c.local_auth = {};
        c.psk = secret("swordfish");
      },
      [](ike::Connection& c) {
        c.remote_auth = {};
        c.psk = secret("swordfish");
      });
  expect_up(
      [](ike::Connection& c) {
        c.remote_auth = {};
        c.psk = secret("swordfish");
      },
      [](ike::Connection& c) {
        c.local_auth = {};
        c.psk = secret("swordfish");
      });
}

TEST_CASE("a distinguished name is an identity") {
  const auto id = [](const char* text) { return ike::Identity::parse(text).value(); };
  expect_up(
      [&](ike::Connection& c) {
        c.local_id = id("C=JP, O=Lab, CN=a");
        c.remote_id = id("C=JP, O=lab, CN=B");  // compared as RFC 5280 does
      },
      [&](ike::Connection& c) {
        c.local_id = id("C=JP, O=Lab, CN=b");
        c.remote_id = id("C=JP, O=Lab, CN=a");
      });
}

TEST_CASE("a valid certificate of somebody else is refused") {
  using namespace messages;
  const Change as_c = [](ike::Connection& c) { c.local_auth = by_certificate(chain().gateway("c", "P-256"), chain()); };
  expect_refusal(as_c, {}, ike_authentication_failed, ike_identity_not_certified);
  expect_refusal({}, as_c, ike_identity_not_certified, ike_authentication_failed);
  // Under its own name it is nobody whom the connection expects.
  const Change named_c = [&](ike::Connection& c) {
    as_c(c);
    c.local_id = *ike::Identity::parse("c.lab");
  };
  expect_refusal(named_c, {}, ike_authentication_failed, ike_unknown_identity);
}

TEST_CASE("a certificate without the key is refused") {
  const Change stolen = [](ike::Connection& c) {
    c.local_auth.private_key = std::make_shared<const crypto::PrivateKey>(chain().gateway("a", "P-256").private_key());
  };
  expect_refusal(stolen, {}, messages::ike_authentication_failed, messages::ike_peer_not_authentic);
  expect_refusal({}, stolen, messages::ike_peer_not_authentic, messages::ike_authentication_failed);
}

// Nothing is verified by a key that nobody certified, nor lists for who has not got the key.
TEST_CASE("the signature is looked at after the chain and before revocation lists") {
  using namespace messages;
  const Change stolen = [](ike::Connection& c) {
    c.local_auth.private_key = std::make_shared<const crypto::PrivateKey>(chain().gateway("a", "P-256").private_key());
  };
  const Change revoking = [](ike::Connection& c) {
    c.remote_auth = trusting(chain().root, {list(chain().middle.list_pem({chain().a}))});
  };
  const Change of_another_root = [](ike::Connection& c) { c.remote_auth = trusting(testing::root_authority()); };
  expect_refusal(stolen, revoking, ike_authentication_failed, ike_peer_not_authentic);
  expect_refusal({}, revoking, ike_authentication_failed, ike_bad_certificate);
  expect_refusal(stolen, of_another_root, ike_authentication_failed, ike_bad_certificate);
}

TEST_CASE("certificates that are not to be trusted are refused") {
  using namespace messages;
  for (const Change& change : distrusting(chain())) {
    expect_refusal({}, change, ike_authentication_failed, ike_bad_certificate);
    expect_refusal(change, {}, ike_bad_certificate, ike_authentication_failed);
  }
  for (const Change& change : not_to_be_trusted(chain(), "P-256"))
    expect_refusal(change, {}, ike_authentication_failed, ike_bad_certificate);
}

TEST_CASE("a revocation list that came later counts from the next authentication on") {
  for_seeds(1, [](World& world) {
    start(world, {}, {}, chain());
    world.run_for(2s);
    world.expect_settled(tunnel);
    ike::Connection at_b = certified(world, world.b, chain());
    at_b.remote_auth = trusting(chain().root, {list(chain().middle.list_pem({chain().a}))});
    world.step(world.b, ike::SetConnection{at_b});
    world.run_for(2s);
    world.expect_settled(tunnel);
    world.restart(world.a);
    world.a.data_path->calendar = new_year;
    world.step(world.a, ike::SetConnection{certified(world, world.a, chain())});
    world.run_for(2s);
    if (world.b.count(messages::ike_bad_certificate) == 0) throw Violation("a revoked peer was accepted");
  });
}

TEST_CASE("a method that is not the one demanded is refused in words") {
  using namespace messages;
  const Change own_psk = [](ike::Connection& c) {
    c.local_auth = {};
    c.psk = secret("swordfish");
  };
  expect_refusal(own_psk, {}, ike_authentication_failed, ike_wrong_auth_method);
  expect_refusal({}, own_psk, ike_wrong_auth_method, ike_authentication_failed);
  expect_refusal({}, by_psk, ike_authentication_failed, ike_wrong_auth_method);
}

TEST_CASE("of two connections between the same identities the peer's method picks one") {
  for_seeds(1, [](World& world) {
    ike::Connection by_key = certified(world, world.b, chain());
    by_psk(by_key);
    by_key.name = "another";
    world.step(world.b, ike::SetConnection{by_key});
    start(world, {}, {}, chain());
    world.run_for(2s);
    world.expect_settled(tunnel);
  });
}

TEST_CASE("post-quantum pre-shared keys are mixed in where both ends have them") {
  for (const bool required_a : {true, false})
    for (const bool required_b : {true, false})
      expect_up(with_ppk("blue", "whale", required_a), with_ppk("blue", "whale", required_b));
  const Change in_addition = [](ike::Connection& c) { c.ppk = ike::PostQuantumKey{"blue", secret("whale"), true}; };
  expect_up(in_addition, in_addition);
}

TEST_CASE("a post-quantum pre-shared key that is not required may be absent") {
  expect_up(with_ppk("blue", "whale", false), by_psk);
  expect_up(by_psk, with_ppk("blue", "whale", false));
  expect_up(with_ppk("blue", "whale", false), with_ppk("grey", "whale", false));
  const Change optional = [](ike::Connection& c) { c.ppk = ike::PostQuantumKey{"blue", secret("whale"), false}; };
  const Change other = [](ike::Connection& c) { c.ppk = ike::PostQuantumKey{"grey", secret("whale"), false}; };
  expect_up(optional, other);
}

TEST_CASE("a post-quantum pre-shared key that is required and absent or other makes no SA") {
  using namespace messages;
  expect_refusal(by_psk, with_ppk("blue", "whale", true), ike_authentication_failed, ike_no_ppk);
  expect_refusal(with_ppk("blue", "whale", true), with_ppk("grey", "whale", false), ike_authentication_failed,
                 ike_no_ppk);
  expect_refusal(with_ppk("blue", "whale", false), with_ppk("grey", "whale", true), ike_authentication_failed,
                 ike_no_ppk);
  for (const bool required : {true, false})
    expect_refusal(with_ppk("blue", "whale", required), with_ppk("blue", "shark", required), ike_authentication_failed,
                   ike_peer_not_authentic);
  // The initiator sees in clear that the peer has none; that is a hint, and then the reason.
  for_seeds(1, [](World& world) {
    start(world, with_ppk("blue", "whale", true), by_psk, chain());
    world.run_for(4s);
    if (world.a.count(messages::ike_no_ppk) != 1) throw Violation("not reported");
    if (!world.a.data_path->installed().empty()) throw Violation("an SA was installed");
  });
}

}  // namespace sekisho::sim
