// Proposals for people: the two lists that a failed negotiation is explained by.
#include <initializer_list>

#include "control/ike/suite/proposals.h"

namespace sekisho::ike::suite {
namespace {

using wire::Proposal;
using wire::SecurityAssociation;
using wire::Transform;
using wire::TransformType;

// A peer may offer hundreds of combinations; the log line stays a line, and a list within a screen.
constexpr size_t longest = 480;
constexpr size_t most_texts = 32;

std::string number(std::string_view kind, uint16_t id) { return std::string(kind) + std::to_string(id); }

std::string named(std::string_view name, std::string_view kind, uint16_t id) {
  return name.empty() ? number(kind, id) : std::string(name);
}

std::string encryption_text(const Transform& transform) {
  const std::string bits = transform.key_bits ? std::to_string(*transform.key_bits) : "";
  switch (static_cast<crypto::EncryptionId>(transform.id)) {
    case crypto::EncryptionId::des3:
      return "3des";
    case crypto::EncryptionId::aes_cbc:
      return "aes" + bits;
    case crypto::EncryptionId::aes_gcm_16:
      return "aes" + bits + "gcm16";
    case crypto::EncryptionId::chacha20_poly1305:
      return "chacha20poly1305";
  }
  return number("encr", transform.id) + (bits.empty() ? "" : "/" + bits);
}

std::string text(const Transform& transform) {
  const uint16_t id = transform.id;
  switch (transform.type) {
    case TransformType::encryption:
      return encryption_text(transform);
    case TransformType::prf:
      return named(crypto::name(crypto::PrfId{id}), "prf", id);
    case TransformType::integrity:
      return id == 0 ? "" : named(crypto::name(crypto::IntegrityId{id}), "integ", id);
    case TransformType::key_exchange:
      return id == 0 ? "nopfs" : named(crypto::name(crypto::KeyExchangeId{id}), "ke", id);
    case TransformType::esn:
      return id == 0 ? "noesn" : "esn";
  }
  return number(wire::name(transform.type) + ":", id);
}

std::string joined(const Proposal& proposal, TransformType type) {
  std::string list;
  for (const Transform& transform : proposal.transforms) {
    if (transform.type != type) continue;
    const std::string one = text(transform);
    if (!one.empty()) list += (list.empty() ? "" : "/") + one;
  }
  return type == TransformType::esn && list == "noesn" ? "" : list;
}

std::string text(const Proposal& proposal) {
  std::string words = proposal.protocol == wire::Protocol::ah ? "ah" : "";
  for (const TransformType type : {TransformType::encryption, TransformType::integrity, TransformType::prf,
                                   TransformType::key_exchange, TransformType::esn}) {
    const std::string list = joined(proposal, type);
    if (!list.empty()) words += (words.empty() ? "" : "-") + list;
  }
  for (const Transform& transform : proposal.transforms)
    if (transform.type < TransformType::encryption || transform.type > TransformType::esn)
      words += "-" + text(transform);
  return words;
}

std::string text(const SecurityAssociation& offered) {
  std::string list;
  for (const Proposal& proposal : offered.proposals) {
    list += (list.empty() ? "" : ", ") + text(proposal);
    if (list.size() > longest) return list.substr(0, longest) + "...";
  }
  return list;
}

template <typename Own>
std::string list_text(std::span<const Own> proposals) {
  std::string list;
  for (const Own& proposal : proposals) list += (list.empty() ? "" : ", ") + proposal.text();
  return list;
}

std::vector<std::string> texts(const SecurityAssociation& offered) {
  std::vector<std::string> list;
  for (const Proposal& proposal : offered.proposals) {
    if (list.size() == most_texts) break;
    list.push_back(text(proposal).substr(0, longest));
  }
  return list;
}

template <typename Own>
std::vector<std::string> texts(std::span<const Own> proposals) {
  std::vector<std::string> list;
  for (const Own& proposal : proposals) list.push_back(proposal.text());
  return list;
}

}  // namespace

std::string text(std::span<const IkeProposal> proposals) { return list_text(proposals); }
std::string text(std::span<const EspProposal> proposals) { return list_text(proposals); }

Mismatch mismatch(const SecurityAssociation& offered, std::span<const IkeProposal> ours) {
  return {Mismatch::Kind::ike_proposal, texts(ours), texts(offered)};
}
Mismatch mismatch(const SecurityAssociation& offered, std::span<const EspProposal> ours) {
  return {Mismatch::Kind::esp_proposal, texts(ours), texts(offered)};
}

std::string compare(const SecurityAssociation& offered, std::span<const IkeProposal> ours) {
  return "offered: " + text(offered) + "; accepted here: " + text(ours);
}
std::string compare(const SecurityAssociation& offered, std::span<const EspProposal> ours) {
  return "offered: " + text(offered) + "; accepted here: " + text(ours);
}

}  // namespace sekisho::ike::suite
