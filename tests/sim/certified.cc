#include "tests/sim/certified.h"

namespace sekisho::sim {

using testing::Credential;

ike::Connection certified(World& world, Node& node, const Chain& with) {
  node.data_path->calendar = testing::new_year;
  ike::Connection connection = connection_of(world, node);
  connection.psk.reset();
  connection.local_auth = by_certificate(&node == &world.a ? with.a : with.b, with);
  connection.remote_auth = trusting(with.root);
  return connection;
}

void by_psk(ike::Connection& connection) {
  connection.local_auth = {};
  connection.remote_auth = {};
  connection.psk = secret("swordfish");
}

Change having(const Credential& own, const Chain& within) {
  return [own, &within](ike::Connection& c) { c.local_auth = by_certificate(own, within); };
}

std::vector<Change> distrusting(const Chain& chain) {
  const auto trust = [](ike::RemoteAuth auth) -> Change {
    return [auth = std::move(auth)](ike::Connection& c) { c.remote_auth = auth; };
  };
  return {trust(trusting(testing::root_authority())),
          trust(trusting(chain.root, {list(chain.root.list_pem({})), list(chain.middle.list_pem({chain.a, chain.b}))})),
          trust(trusting(chain.root, {}, crypto::RequireCrl::yes))};
}

std::vector<Change> not_to_be_trusted(const Chain& chain, const std::string& key_type) {
  const auto sending = [](size_t count) -> Change {
    return [count](ike::Connection& c) {
      const crypto::Certificate filling = c.local_auth.certificates.back();
      c.local_auth.certificates.resize(count, filling);
    };
  };
  const Credential expired = chain.middle.issue({.subject = "CN=a",
                                                 .alternative_names = "DNS:a.lab",
                                                 .key_type = key_type,
                                                 .not_before = testing::new_year - 9 * testing::day,
                                                 .not_after = testing::new_year - testing::day});
  const Credential no_signatures = chain.middle.issue(
      {.subject = "CN=a", .alternative_names = "DNS:a.lab", .key_usage = "keyEncipherment", .key_type = key_type});
  const Credential for_another_use = chain.middle.issue({.subject = "CN=a",
                                                         .alternative_names = "DNS:a.lab",
                                                         .extensions = {{"extendedKeyUsage", "critical,serverAuth"}},
                                                         .key_type = key_type});
  return {sending(1), sending(9), having(expired, chain), having(no_signatures, chain), having(for_another_use, chain)};
}

void start(World& world, const Change& change_a, const Change& change_b, const Chain& with) {
  ike::Connection at_b = certified(world, world.b, with), at_a = certified(world, world.a, with);
  if (change_a) change_a(at_a);
  if (change_b) change_b(at_b);
  world.step(world.b, ike::SetConnection{at_b});
  world.step(world.a, ike::SetConnection{at_a});
}

void expect_up(const Parties& parties, const Change& change_a, const Change& change_b) {
  for_seeds(3, [&](World& world) {
    world.version = parties.version;
    start(world, change_a, change_b, parties.chain);
    world.run_for(2s);
    world.expect_settled(tunnel);
  });
}

void expect_certified(const World& world, const Chain& chain) {
  const auto expect = [](const Node& node, const Credential& peer) {
    if (node.engine->ike_sas().at(0).certified_until != peer.certificate().not_after())
      throw Violation(node.name + " does not know how long its peer is certified");
  };
  expect(world.a, chain.b);
  expect(world.b, chain.a);
}

void expect_refusal(const Parties& parties, const Change& change_a, const Change& change_b, const Message* at_a,
                    const Message* at_b) {
  for_seeds(3, [&](World& world) {
    world.version = parties.version;
    start(world, change_a, change_b, parties.chain);
    world.run_for(3s);
    const auto expect = [](const Node& node, const Message* message) {
      const ike::Report* last = node.last_error();
      if ((last ? last->message : nullptr) != message)
        throw Violation(node.name + " reports something else than " +
                        std::string(message ? message->title : "no error"));
    };
    expect(world.a, at_a);
    expect(world.b, at_b);
    if (!world.a.data_path->installed().empty() || !world.b.data_path->installed().empty())
      throw Violation("an SA was installed");
    if (world.a.data_path->reserved() + world.b.data_path->reserved() != 0) throw Violation("an SPI leaked");
  });
}

}  // namespace sekisho::sim
