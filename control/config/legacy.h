// The algorithms that a tunnel of the legacy profile alone may name; ike::IkeProposal::legacy() and EspProposal's are
// true of the proposals that name one.
#pragma once

#include <string_view>
#include <vector>

#include "control/ike/connection.h"

namespace sekisho::config {

constexpr bool is_legacy(crypto::EncryptionId id) { return id == crypto::EncryptionId::des3; }
constexpr bool is_legacy(crypto::PrfId id) { return id == crypto::PrfId::hmac_sha1; }
constexpr bool is_legacy(crypto::IntegrityId id) { return id == crypto::IntegrityId::hmac_sha1_96; }
constexpr bool is_legacy(crypto::KeyExchangeId id) { return crypto::weak(id); }

// Those that a proposal names, as a configuration writes them.
inline std::vector<std::string_view> legacy_algorithms(const ike::IkeProposal& proposal) {
  std::vector<std::string_view> names;
  if (is_legacy(proposal.sk.encryption)) names.emplace_back("3des");
  if (is_legacy(proposal.sk.integrity))
    names.push_back(crypto::name(proposal.sk.integrity));
  else if (is_legacy(proposal.prf))
    names.push_back(crypto::name(proposal.prf));
  if (is_legacy(proposal.key_exchange)) names.push_back(crypto::name(proposal.key_exchange));
  return names;
}
inline std::vector<std::string_view> legacy_algorithms(const ike::EspProposal& proposal) {
  if (is_legacy(proposal.pfs)) return {crypto::name(proposal.pfs)};
  return {};
}

}  // namespace sekisho::config
