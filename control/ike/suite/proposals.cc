#include "control/ike/suite/proposals.h"

#include <algorithm>
#include <initializer_list>

namespace sekisho::ike::suite {
namespace {

using wire::Proposal;
using wire::Protocol;
using wire::SecurityAssociation;
using wire::Transform;
using wire::TransformType;
using Transforms = std::vector<Transform>;

template <typename Id>
Transform make(TransformType type, Id id, std::optional<uint16_t> key_bits = {}) {
  return {type, static_cast<uint16_t>(id), key_bits, false};
}

// AES comes in several key lengths and must name one; the others must not (RFC 7296 section 3.3.5).
Transform encryption(crypto::EncryptionId id, uint16_t key_bits) {
  const bool variable = id == crypto::EncryptionId::aes_cbc || id == crypto::EncryptionId::aes_gcm_16;
  return make(TransformType::encryption, id, variable ? std::optional(key_bits) : std::nullopt);
}

Transforms transforms_of(const IkeProposal& proposal) {
  Transforms transforms = {encryption(proposal.sk.encryption, proposal.sk.key_bits)};
  if (!proposal.sk.aead()) transforms.push_back(make(TransformType::integrity, proposal.sk.integrity));
  transforms.push_back(make(TransformType::prf, proposal.prf));
  transforms.push_back(make(TransformType::key_exchange, proposal.key_exchange));
  return transforms;
}

crypto::EncryptionId encryption_of(const EspSuiteInfo& suite) {
  switch (suite.cipher) {
    case EspCipher::aes_gcm:
      return crypto::EncryptionId::aes_gcm_16;
    case EspCipher::chacha20_poly1305:
      return crypto::EncryptionId::chacha20_poly1305;
    case EspCipher::aes_cbc:
      break;
  }
  return crypto::EncryptionId::aes_cbc;
}

crypto::IntegrityId integrity_of(const EspSuiteInfo& suite) {
  switch (suite.auth_key) {
    case 20:
      return crypto::IntegrityId::hmac_sha1_96;
    case 32:
      return crypto::IntegrityId::hmac_sha2_256_128;
    case 48:
      return crypto::IntegrityId::hmac_sha2_384_192;
    case 64:
      return crypto::IntegrityId::hmac_sha2_512_256;
    default:
      return crypto::IntegrityId::none;
  }
}

// One suite with ESN or without; the caller decides on the group.
Transforms transforms_of(EspSuite suite, bool esn) {
  const EspSuiteInfo& about = info(suite);
  Transforms transforms = {encryption(encryption_of(about), static_cast<uint16_t>(about.cipher_key * 8))};
  if (!about.combined_mode()) transforms.push_back(make(TransformType::integrity, integrity_of(about)));
  transforms.push_back(make(TransformType::esn, esn ? crypto::EsnId::esn : crypto::EsnId::no_esn));
  return transforms;
}

bool offers(const Proposal& proposal, TransformType type) {
  return std::ranges::any_of(proposal.transforms, [type](const Transform& t) { return t.type == type; });
}

// A transform with an attribute that is not understood must not be chosen (section 3.3.6); ours have none, so equality
// covers it.
bool offers(const Proposal& proposal, const Transform& transform) {
  return std::ranges::find(proposal.transforms, transform) != proposal.transforms.end();
}

// A proposal with a type of transform that is not understood must be refused whole (section 3.3.6).
bool only_types(const Proposal& proposal, std::initializer_list<TransformType> known) {
  return std::ranges::all_of(proposal.transforms,
                             [known](const Transform& t) { return std::ranges::find(known, t.type) != known.end(); });
}

// The types for which NONE may stand in an offer in place of leaving the type out: integrity with an AEAD (section
// 3.3.2), the group of a child (section 3.3.6).
std::optional<Transform> none_of(TransformType type) {
  if (type == TransformType::integrity) return make(type, crypto::IntegrityId::none);
  if (type == TransformType::key_exchange) return make(type, crypto::KeyExchangeId::none);
  return {};
}

// The transforms to answer where `wanted` is a combination that `offered` stands for: one of each type that it lists.
std::optional<Transforms> choose(const Proposal& offered, Transforms wanted,
                                 std::initializer_list<TransformType> types) {
  if (!only_types(offered, types)) return {};
  for (const TransformType type : types) {
    const bool named = std::ranges::find(wanted, type, &Transform::type) != wanted.end();
    if (named || !offers(offered, type)) continue;
    const auto none = none_of(type);
    if (!none) return {};
    wanted.push_back(*none);
  }
  if (!std::ranges::all_of(wanted, [&](const Transform& transform) { return offers(offered, transform); })) return {};
  return wanted;
}

// Whether an answer is exactly `wanted`, in any order, with NONE allowed where it is the same as nothing.
bool answers(const Proposal& answer, Transforms wanted) {
  Transforms given = answer.transforms;
  std::erase_if(given, [](const Transform& transform) { return transform == none_of(transform.type); });
  return std::ranges::is_permutation(given, wanted);
}

uint64_t read_spi(const Bytes& spi) {
  ByteReader reader(spi);
  return spi.size() == 8 ? reader.u64() : reader.u32();
}

Bytes write_spi(std::optional<uint64_t> spi) {
  ByteWriter writer;
  if (spi) writer.u64(*spi);
  return std::move(writer).take();
}

Bytes write_spi(uint32_t spi) {
  ByteWriter writer;
  writer.u32(spi);
  return std::move(writer).take();
}

// An SPI that an SA can have; IKE's may be missing (wire checked the size).
bool usable_spi(const Proposal& proposal) {
  if (proposal.protocol == Protocol::ike) return proposal.spi.empty() || read_spi(proposal.spi) != 0;
  return proposal.spi.size() == 4 && read_spi(proposal.spi) > 255;
}

std::optional<uint64_t> ike_spi(const Proposal& proposal) {
  if (proposal.spi.empty()) return {};
  return read_spi(proposal.spi);
}

}  // namespace

// ------------------------------------------------------------------------------------------------------------ IKE SA

SecurityAssociation offer_ike(std::span<const IkeProposal> proposals, std::optional<uint64_t> spi) {
  SecurityAssociation payload;
  for (const IkeProposal& proposal : proposals)
    payload.proposals.push_back(
        {static_cast<uint8_t>(payload.proposals.size() + 1), Protocol::ike, write_spi(spi), transforms_of(proposal)});
  return payload;
}

std::optional<ChosenIke> select_ike(const SecurityAssociation& offered, std::span<const IkeProposal> ours) {
  for (const IkeProposal& own : ours)
    for (const Proposal& theirs : offered.proposals) {
      if (theirs.protocol != Protocol::ike || !usable_spi(theirs)) continue;
      auto transforms = choose(
          theirs, transforms_of(own),
          {TransformType::encryption, TransformType::integrity, TransformType::prf, TransformType::key_exchange});
      if (transforms) return ChosenIke{own, ike_spi(theirs), theirs.number, std::move(*transforms)};
    }
  return {};
}

SecurityAssociation answer_ike(const ChosenIke& chosen, std::optional<uint64_t> spi) {
  return {{{chosen.number, Protocol::ike, write_spi(spi), chosen.transforms}}};
}

std::optional<ChosenIke> accept_ike(const SecurityAssociation& answer, std::span<const IkeProposal> offered) {
  if (answer.proposals.size() != 1) return {};
  const Proposal& theirs = answer.proposals.front();
  if (theirs.protocol != Protocol::ike || !usable_spi(theirs)) return {};
  for (const IkeProposal& own : offered)
    if (answers(theirs, transforms_of(own))) return ChosenIke{own, ike_spi(theirs), theirs.number, theirs.transforms};
  return {};
}

// ---------------------------------------------------------------------------------------------------------- child SA

namespace {

Transforms with_group(Transforms transforms, crypto::KeyExchangeId group) {
  if (group != crypto::KeyExchangeId::none) transforms.push_back(make(TransformType::key_exchange, group));
  return transforms;
}

crypto::KeyExchangeId group_of(const EspProposal& proposal, ChildOrigin origin) {
  return origin == ChildOrigin::ike_auth ? crypto::KeyExchangeId::none : proposal.pfs;
}

// What our proposal stands for, best first: with ESN where it is wanted, then without.
std::vector<bool> esn_choices(const EspProposal& proposal) {
  return proposal.esn ? std::vector{true, false} : std::vector{false};
}

// The offer as it counts in its exchange: in IKE_AUTH without groups.
Proposal stripped(Proposal proposal, ChildOrigin origin) {
  if (origin == ChildOrigin::ike_auth)
    std::erase_if(proposal.transforms, [](const Transform& t) { return t.type == TransformType::key_exchange; });
  return proposal;
}

std::optional<ChosenEsp> select_esp(const Proposal& offered, const EspProposal& own, ChildOrigin origin) {
  const crypto::KeyExchangeId group = group_of(own, origin);
  for (const bool esn : esn_choices(own)) {
    auto transforms =
        choose(offered, with_group(transforms_of(own.suite, esn), group),
               {TransformType::encryption, TransformType::integrity, TransformType::key_exchange, TransformType::esn});
    if (transforms)
      return ChosenEsp{
          own.suite, esn, group, static_cast<uint32_t>(read_spi(offered.spi)), offered.number, std::move(*transforms)};
  }
  return {};
}

}  // namespace

std::string ChosenEsp::text() const { return EspProposal{suite, pfs, esn}.text(); }

SecurityAssociation offer_esp(std::span<const EspProposal> proposals, uint32_t spi, ChildOrigin origin) {
  SecurityAssociation payload;
  for (const EspProposal& own : proposals) {
    Proposal proposal{1, Protocol::esp, write_spi(spi),
                      with_group(transforms_of(own.suite, own.esn), group_of(own, origin))};
    if (own.esn) proposal.transforms.push_back(make(TransformType::esn, crypto::EsnId::no_esn));
    // Those that differ in the group alone are the same without it.
    const auto same = [&](const Proposal& other) { return other.transforms == proposal.transforms; };
    if (std::ranges::any_of(payload.proposals, same)) continue;
    proposal.number = static_cast<uint8_t>(payload.proposals.size() + 1);
    payload.proposals.push_back(std::move(proposal));
  }
  return payload;
}

std::optional<ChosenEsp> select_esp(const SecurityAssociation& offered, std::span<const EspProposal> ours,
                                    ChildOrigin origin) {
  for (const EspProposal& own : ours)
    for (const Proposal& theirs : offered.proposals) {
      if (theirs.protocol != Protocol::esp || !usable_spi(theirs)) continue;
      if (auto chosen = select_esp(stripped(theirs, origin), own, origin)) return chosen;
    }
  return {};
}

SecurityAssociation answer_esp(const ChosenEsp& chosen, uint32_t spi) {
  return {{{chosen.number, Protocol::esp, write_spi(spi), chosen.transforms}}};
}

std::optional<ChosenEsp> accept_esp(const SecurityAssociation& answer, std::span<const EspProposal> offered,
                                    ChildOrigin origin) {
  if (answer.proposals.size() != 1) return {};
  const Proposal& theirs = answer.proposals.front();
  if (theirs.protocol != Protocol::esp || !usable_spi(theirs)) return {};
  for (const EspProposal& own : offered)
    for (const bool esn : esn_choices(own)) {
      const crypto::KeyExchangeId group = group_of(own, origin);
      if (answers(theirs, with_group(transforms_of(own.suite, esn), group)))
        return ChosenEsp{own.suite,        esn, group, static_cast<uint32_t>(read_spi(theirs.spi)), theirs.number,
                         theirs.transforms};
    }
  return {};
}

}  // namespace sekisho::ike::suite
