// Two engines whose ends authenticate by certificates, and what becomes of them.
#pragma once

#include "base/message.h"
#include "tests/sim/chain.h"
#include "tests/sim/world.h"

namespace sekisho::sim {

// connection_of(), by certificates; the calendar stands at new_year.
ike::Connection certified(World& world, Node& node, const Chain& with);

using Change = std::function<void(ike::Connection&)>;
void by_psk(ike::Connection& connection);
Change having(const testing::Credential& own, const Chain& within);
// Ends that believe none of the chain's certificates: of another root, with revocation lists against both, without the
// lists that they require.
std::vector<Change> distrusting(const Chain& chain);
// Ends whose certificates nobody believes: without the intermediate one, too many, expired, not for
// signatures, for another use.
std::vector<Change> not_to_be_trusted(const Chain& chain, const std::string& key_type);

// Sets both ends' connections, changed so; an empty change is none.
void start(World& world, const Change& change_a, const Change& change_b, const Chain& with);

// What both ends speak, and whose certificates they have.
struct Parties {
  ike::IkeVersion version = ike::IkeVersion::v2;
  const Chain& chain = chain_of(version);
};
void expect_up(const Parties& parties, const Change& change_a, const Change& change_b);
// Each end knows until when the certificate of the other holds.
void expect_certified(const World& world, const Chain& chain);
// No child SA, and those errors at the ends; nullptr: none there.
void expect_refusal(const Parties& parties, const Change& change_a, const Change& change_b, const Message* at_a,
                    const Message* at_b);

}  // namespace sekisho::sim
