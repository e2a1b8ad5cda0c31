#include "control/ike/v1/suite/proposals.h"

#include <algorithm>

#include "control/ike/v1/suite/transforms.h"

namespace sekisho::ike::v1::suite {
namespace {

using wire::EncapsulationMode;
using wire::Proposal;
using wire::SecurityAssociation;

bool udp(EncapsulationMode mode) {
  return mode == EncapsulationMode::udp_tunnel || mode == EncapsulationMode::draft_udp_tunnel;
}

// Another proposal of the same number is meant along with it (IPComp, AH); only ESP alone is spoken.
bool stands_alone(const SecurityAssociation& offered, const Proposal& proposal) {
  return std::ranges::count(offered.proposals, proposal.number, &Proposal::number) == 1;
}

std::optional<uint32_t> esp_spi(const Proposal& proposal) {
  if (proposal.protocol != wire::Protocol::esp || proposal.spi.size() != 4) return {};
  ByteReader reader(proposal.spi);
  const uint32_t spi = reader.u32();
  if (spi <= 255) return {};
  return spi;
}

bool stands_for(const EspTransform& theirs, const EspProposal& own, const Surroundings& surroundings) {
  const bool mode = surroundings.udp_encapsulation ? udp(theirs.mode) : theirs.mode == EncapsulationMode::tunnel;
  return theirs.suite == own.suite && theirs.pfs == own.pfs && mode &&
         surroundings.key_exchange == (theirs.pfs != crypto::KeyExchangeId::none);
}

Proposal with_only(const Proposal& proposal, const wire::Transform& transform) {
  return {proposal.number, proposal.protocol, proposal.spi, {transform}};
}

std::optional<ChosenEsp> choose(const Proposal& proposal, const EspProposal& own, const Surroundings& surroundings) {
  const auto spi = esp_spi(proposal);
  if (!spi) return {};
  for (const wire::Transform& transform : proposal.transforms)
    if (const auto theirs = read_esp_transform(transform); theirs && stands_for(*theirs, own, surroundings))
      return ChosenEsp{own.suite, theirs->pfs, *spi, theirs->lifetime, with_only(proposal, transform)};
  return {};
}

// An answer repeats one proposal with one transform.
const Proposal* single(const SecurityAssociation& answer) {
  if (answer.proposals.size() != 1 || answer.proposals.front().transforms.size() != 1) return nullptr;
  return &answer.proposals.front();
}

constexpr size_t longest_text = 480, most_texts = 32;

// What a proposal's transforms stand for, by the names of the configuration.
template <typename Name>
std::vector<std::string> texts_of(const SecurityAssociation& offered, const Name& name) {
  std::vector<std::string> list;
  for (const Proposal& proposal : offered.proposals)
    for (const wire::Transform& transform : proposal.transforms) {
      if (list.size() == most_texts) return list;
      list.push_back(name(proposal, transform).substr(0, longest_text));
    }
  return list;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) {
    list += (list.empty() ? "" : ", ") + text;
    if (list.size() > longest_text) return list.substr(0, longest_text) + "...";
  }
  return list;
}

std::string numbers_of(const wire::Transform& transform) {
  std::string text = "transform " + std::to_string(transform.id) + " (";
  for (const wire::Attribute& attribute : transform.attributes) {
    if (&attribute != transform.attributes.data()) text += " ";
    const auto number = attribute.number();
    text += std::to_string(attribute.type) + "=" + (number ? std::to_string(*number) : "...");
  }
  return text + ")";
}

std::string with(const IkeProposal& proposal, wire::IkeAuthentication authentication) {
  if (authentication == wire::IkeAuthentication::pre_shared_key) return proposal.text();
  if (authentication == wire::IkeAuthentication::rsa_signature) return proposal.text() + " with RSA signatures";
  return proposal.text() + " with authentication method " + std::to_string(static_cast<unsigned>(authentication));
}

std::string name_of(const Proposal&, const wire::Transform& transform) {
  const auto meaning = read_ike_transform(transform);
  return meaning ? with(meaning->proposal, meaning->authentication) : numbers_of(transform);
}

std::string esp_name_of(const Proposal& proposal, const wire::Transform& transform) {
  if (proposal.protocol != wire::Protocol::esp)
    return "protocol " + std::to_string(static_cast<unsigned>(proposal.protocol));
  const auto meaning = read_esp_transform(transform);
  if (!meaning) return numbers_of(transform);
  std::string text = EspProposal{meaning->suite, meaning->pfs, false}.text();
  if (udp(meaning->mode)) return text + " in UDP";
  if (meaning->mode != EncapsulationMode::tunnel)
    text += " in mode " + std::to_string(static_cast<unsigned>(meaning->mode));
  return text;
}

}  // namespace

SecurityAssociation offer_ike(std::span<const IkeProposal> proposals, wire::IkeAuthentication authentication,
                              Duration lifetime) {
  Proposal proposal{.number = 1, .protocol = wire::Protocol::isakmp, .spi = {}, .transforms = {}};
  for (const IkeProposal& own : proposals)
    if (own.in_ikev1())
      proposal.transforms.push_back(make_ike_transform({own, authentication, {lifetime, 0}},
                                                       static_cast<uint8_t>(proposal.transforms.size() + 1)));
  return {{std::move(proposal)}};
}

std::optional<ChosenIke> select_ike(const SecurityAssociation& offered, std::span<const IkeProposal> ours,
                                    wire::IkeAuthentication authentication) {
  for (const IkeProposal& own : ours)
    for (const Proposal& proposal : offered.proposals) {
      if (proposal.protocol != wire::Protocol::isakmp) continue;
      for (const wire::Transform& transform : proposal.transforms)
        if (const auto theirs = read_ike_transform(transform);
            theirs && theirs->authentication == authentication && theirs->proposal == own)
          return ChosenIke{own, theirs->lifetime, {{with_only(proposal, transform)}}};
    }
  return {};
}

std::optional<ChosenIke> accept_ike(const SecurityAssociation& answer, std::span<const IkeProposal> offered,
                                    wire::IkeAuthentication authentication) {
  if (!single(answer)) return {};
  return select_ike(answer, offered, authentication);
}

SecurityAssociation offer_esp(std::span<const EspProposal> proposals, uint32_t spi, EncapsulationMode mode,
                              const Lifetime& lifetime) {
  ByteWriter writer;
  writer.u32(spi);
  Proposal proposal{.number = 1, .protocol = wire::Protocol::esp, .spi = std::move(writer).take(), .transforms = {}};
  for (const EspProposal& own : proposals)
    if (own.in_ikev1() && own.pfs == proposals.front().pfs)
      proposal.transforms.push_back(make_esp_transform({own.suite, own.pfs, mode, lifetime},
                                                       static_cast<uint8_t>(proposal.transforms.size() + 1)));
  return {{std::move(proposal)}};
}

std::string ChosenEsp::text() const { return EspProposal{suite, pfs, false}.text(); }

std::optional<ChosenEsp> select_esp(const SecurityAssociation& offered, std::span<const EspProposal> ours,
                                    const Surroundings& surroundings) {
  for (const EspProposal& own : ours)
    for (const Proposal& proposal : offered.proposals)
      if (stands_alone(offered, proposal))
        if (auto chosen = choose(proposal, own, surroundings)) return chosen;
  return {};
}

SecurityAssociation answer_esp(const ChosenEsp& chosen, uint32_t spi) {
  ByteWriter writer;
  writer.u32(spi);
  Proposal proposal = chosen.answer;
  proposal.spi = std::move(writer).take();
  return {{std::move(proposal)}};
}

std::optional<ChosenEsp> accept_esp(const SecurityAssociation& answer, std::span<const EspProposal> offered,
                                    const Surroundings& surroundings) {
  if (!single(answer)) return {};
  return select_esp(answer, offered, surroundings);
}

Mismatch mismatch(const SecurityAssociation& offered, std::span<const IkeProposal> ours,
                  wire::IkeAuthentication authentication) {
  Mismatch both{.kind = Mismatch::Kind::ike_proposal, .ours = {}, .theirs = texts_of(offered, name_of)};
  for (const IkeProposal& own : ours) both.ours.push_back(with(own, authentication));
  return both;
}

Mismatch mismatch(const SecurityAssociation& offered, std::span<const EspProposal> ours,
                  const Surroundings& surroundings) {
  Mismatch both{.kind = Mismatch::Kind::esp_proposal, .ours = {}, .theirs = texts_of(offered, esp_name_of)};
  for (const EspProposal& own : ours)
    both.ours.push_back(own.text() + (surroundings.udp_encapsulation ? " in UDP" : ""));
  return both;
}

std::string text(const Mismatch& mismatch) {
  return "offered: " + joined(mismatch.theirs) + "; accepted here: " + joined(mismatch.ours);
}

}  // namespace sekisho::ike::v1::suite
