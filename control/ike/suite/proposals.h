// Negotiation as pure functions (RFC 7296 sections 2.7, 3.3 and 3.3.6): what we offer, what we choose among a peer's
// proposals, and whether the peer chose something that we offered.
//
// A proposal on the wire lists any number of transforms of each type and stands for all their combinations; ours name
// one combination each. The responder's order of preference decides, which is ours where we choose.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "control/ike/connection.h"
#include "control/ike/failure.h"
#include "control/ike/wire/payloads.h"

namespace sekisho::ike::suite {

// ---------------------------------------------------------------------------------------------------------- IKE SA

// `spi`: nothing in IKE_SA_INIT, our new SPI in a rekey.
wire::SecurityAssociation offer_ike(std::span<const IkeProposal> proposals, std::optional<uint64_t> spi);

struct ChosenIke {
  IkeProposal proposal;
  std::optional<uint64_t> peer_spi;         // in a rekey, else nothing; never 0
  uint8_t number = 1;                       // of the peer's proposal
  std::vector<wire::Transform> transforms;  // one of each type that the peer's proposal has
};
// The first of ours that one of the offered allows; nothing: NO_PROPOSAL_CHOSEN. Whether the KE payload is of
// the chosen group is for the caller: where it is not, the answer is INVALID_KE_PAYLOAD with that group (section 1.3).
std::optional<ChosenIke> select_ike(const wire::SecurityAssociation& offered, std::span<const IkeProposal> ours);
// The answer to the offer that `chosen` came from. `spi`: ours, in a rekey.
wire::SecurityAssociation answer_ike(const ChosenIke& chosen, std::optional<uint64_t> spi);
// The initiator's check: the answer is one proposal, with one transform of each type, that we offered.
std::optional<ChosenIke> accept_ike(const wire::SecurityAssociation& answer, std::span<const IkeProposal> offered);

// -------------------------------------------------------------------------------------------------------- child SA

// The child that IKE_AUTH makes has no key exchange of its own (section 1.2), so its proposals carry no group and
// those that a peer sends nevertheless are passed over.
enum class ChildOrigin : uint8_t { ike_auth, create_child_sa };

wire::SecurityAssociation offer_esp(std::span<const EspProposal> proposals, uint32_t spi, ChildOrigin origin);

struct ChosenEsp {
  EspSuite suite{};
  bool esn = false;
  crypto::KeyExchangeId pfs = crypto::KeyExchangeId::none;  // not none: a KE payload of this group is mandatory
  uint32_t peer_spi = 0;                                    // never 0..255
  uint8_t number = 1;
  std::vector<wire::Transform> transforms;

  std::string text() const;  // "aes128gcm16-x25519-esn"
};
std::optional<ChosenEsp> select_esp(const wire::SecurityAssociation& offered, std::span<const EspProposal> ours,
                                    ChildOrigin origin);
wire::SecurityAssociation answer_esp(const ChosenEsp& chosen, uint32_t spi);
std::optional<ChosenEsp> accept_esp(const wire::SecurityAssociation& answer, std::span<const EspProposal> offered,
                                    ChildOrigin origin);

// -------------------------------------------------------------------------------------------------------- for people

// Both sides of a failed negotiation, for the detail of SKO-IKE-002 and SKO-IKE-006:
// "offered: aes256/aes128-sha1-prfsha1-modp1024; accepted here: aes128gcm16-prfsha256-x25519". What is known has its
// configuration name, anything else its number; a long offer is cut.
std::string compare(const wire::SecurityAssociation& offered, std::span<const IkeProposal> ours);
std::string compare(const wire::SecurityAssociation& offered, std::span<const EspProposal> ours);
// The same as lists, one entry for each proposal; of a long offer the first ones. `offered` without proposals: the peer
// did not say.
Mismatch mismatch(const wire::SecurityAssociation& offered, std::span<const IkeProposal> ours);
Mismatch mismatch(const wire::SecurityAssociation& offered, std::span<const EspProposal> ours);
// "aes128gcm16-prfsha256-x25519, aes256-sha256-prfsha256-modp2048"
std::string text(std::span<const IkeProposal> proposals);
std::string text(std::span<const EspProposal> proposals);

}  // namespace sekisho::ike::suite
