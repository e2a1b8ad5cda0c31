// Negotiation of IKEv1 as pure functions (RFC 2408 section 4.2, RFC 2407 section 4.5, RFC 2409 appendix A): what we
// offer, what we choose among a peer's proposals, and whether the peer chose something that we offered.
//
// A transform is one whole combination, a proposal offers several of them, and what is chosen is sent back as it came.
// Lifetimes stand in the transforms as well; they do not have to agree: each end keeps to the shorter one.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "control/ike/connection.h"
#include "control/ike/failure.h"
#include "control/ike/v1/wire/payloads.h"

namespace sekisho::ike::v1::suite {

struct Lifetime {
  Duration time = Duration::zero();  // 0: none was given
  uint64_t kilobytes = 0;            // 0: none
};
// Of both the shorter, for each unit; what one side leaves out the other decides.
Lifetime shorter(const Lifetime& a, const Lifetime& b);
// The life type and duration attributes of a RESPONDER-LIFETIME notification (RFC 2407 section 4.6.3.1), there and
// back.
Bytes encode_lifetime(const Lifetime& lifetime);
Lifetime decode_lifetime(ByteView attributes);

// ---------------------------------------------------------------------------------------------------------- phase 1

// One proposal with a transform for each of ours.
wire::SecurityAssociation offer_ike(std::span<const IkeProposal> proposals, wire::IkeAuthentication authentication,
                                    Duration lifetime);

struct ChosenIke {
  IkeProposal proposal;
  Lifetime lifetime;                 // as the peer said
  wire::SecurityAssociation answer;  // that one transform, as it was offered
};
// The first of ours that is offered; nothing: NO-PROPOSAL-CHOSEN.
std::optional<ChosenIke> select_ike(const wire::SecurityAssociation& offered, std::span<const IkeProposal> ours,
                                    wire::IkeAuthentication authentication);
// The initiator's check: one proposal with one transform, and that is one of ours.
std::optional<ChosenIke> accept_ike(const wire::SecurityAssociation& answer, std::span<const IkeProposal> offered,
                                    wire::IkeAuthentication authentication);

// ---------------------------------------------------------------------------------------------------------- phase 2

// A quick mode has one KE payload, hence one group: the first proposal's. The proposals with another one are left out.
wire::SecurityAssociation offer_esp(std::span<const EspProposal> proposals, uint32_t spi, wire::EncapsulationMode mode,
                                    const Lifetime& lifetime);

struct ChosenEsp {
  EspSuite suite{};
  crypto::KeyExchangeId pfs = crypto::KeyExchangeId::none;
  uint32_t peer_spi = 0;  // never 0..255
  Lifetime lifetime;
  wire::Proposal answer;  // as it was offered, with the peer's SPI

  std::string text() const;  // "aes128-sha1-modp1024"
};
// What else of a quick mode a transform has to agree with.
struct Surroundings {
  bool key_exchange = false;       // a KE payload came along, so there is PFS, of the group that the transform names
  bool udp_encapsulation = false;  // a NAT was seen, so the mode is one of the UDP-encapsulated ones
};
std::optional<ChosenEsp> select_esp(const wire::SecurityAssociation& offered, std::span<const EspProposal> ours,
                                    const Surroundings& surroundings);
wire::SecurityAssociation answer_esp(const ChosenEsp& chosen, uint32_t spi);
std::optional<ChosenEsp> accept_esp(const wire::SecurityAssociation& answer, std::span<const EspProposal> offered,
                                    const Surroundings& surroundings);

// -------------------------------------------------------------------------------------------------------- for people

// Both sides of a failed negotiation, one entry for each transform; of a long offer the first ones. What is known has
// its configuration name, anything else its numbers; what the name does not say and the two ends must agree on as well
// stands behind it: "aes256-sha256-modp2048 with RSA signatures", "aes128gcm16 in UDP". `offered` without proposals:
// the peer did not say.
Mismatch mismatch(const wire::SecurityAssociation& offered, std::span<const IkeProposal> ours,
                  wire::IkeAuthentication authentication);
Mismatch mismatch(const wire::SecurityAssociation& offered, std::span<const EspProposal> ours,
                  const Surroundings& surroundings);
// For the detail of SKO-IKE-002 and SKO-IKE-006: "offered: aes256-sha1-modp1024; accepted here: aes128-sha256-ecp256".
std::string text(const Mismatch& mismatch);

}  // namespace sekisho::ike::v1::suite
