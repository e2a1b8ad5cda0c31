// Reading of proposals. What is known is asked of the parsers themselves, so the lists in errors are never out of date.
#include <fmt/format.h>

#include <array>
#include <string>

#include "base/esp_suite.h"
#include "base/messages/config.h"
#include "control/config/fields.h"
#include "control/config/legacy.h"

namespace sekisho::config {
namespace {

constexpr std::array encryption_names = {"aes128gcm16", "aes256gcm16", "chacha20poly1305", "aes128", "aes256", "3des"};
constexpr std::array integrity_names = {"sha256", "sha384", "sha512", "sha1"};
constexpr std::array prf_names = {"prfsha256", "prfsha384", "prfsha512", "prfsha1"};
constexpr std::array group_names = {"x25519",   "ecp256",   "ecp384",   "ecp521",  "modp2048",
                                    "modp3072", "modp4096", "modp1536", "modp1024"};

// Those of `names` with which form(name) parses.
template <typename Proposal, typename Names, typename Form>
std::string known(const Names& names, Form form) {
  std::string list;
  for (const std::string_view name : names)
    if (Proposal::parse(form(std::string(name)))) list += fmt::format("{}{}", list.empty() ? "" : " ", name);
  return list;
}

const std::string& known_for_ike() {
  static const std::string text = [] {
    using ike::IkeProposal;
    const auto aead = known<IkeProposal>(encryption_names, [](auto name) { return name + "-prfsha256-modp2048"; });
    const auto plain = known<IkeProposal>(encryption_names, [](auto name) { return name + "-sha256-modp2048"; });
    const auto prf = known<IkeProposal>(prf_names, [](auto name) { return "aes128gcm16-" + name + "-modp2048"; });
    const auto auth = known<IkeProposal>(integrity_names, [](auto name) { return "aes128-" + name + "-modp2048"; });
    const auto groups = known<IkeProposal>(group_names, [](auto name) { return "aes128gcm16-prfsha256-" + name; });
    return fmt::format("(AEAD: {}) with (PRF: {}), or (cipher: {}) with (integrity: {}); then (group: {})", aead, prf,
                       plain, auth, groups);
  }();
  return text;
}

const std::string& known_for_esp() {
  static const std::string text = [] {
    std::array<std::string_view, esp_suite_count> suites;
    for (size_t i = 0; i < esp_suite_count; ++i) suites[i] = esp_suites[i].name;
    return fmt::format("(suite: {}), then if wanted (PFS group: {}) and esn",
                       known<ike::EspProposal>(suites, [](auto name) { return name; }),
                       known<ike::EspProposal>(group_names, [](auto name) { return "aes128gcm16-" + name; }));
  }();
  return text;
}

template <typename Proposal>
std::optional<Proposal> read(const Node& node, Profile profile, const std::string& (*known_here)()) {
  const auto text = node.text();
  if (!text) return {};
  auto proposal = Proposal::parse(*text);
  if (!proposal) {
    node.fail(messages::config_bad_proposal, fmt::format("{}; known: {}", shown(*text), known_here()));
    return {};
  }
  if (proposal->legacy() && profile != Profile::legacy) {
    node.fail(messages::config_legacy_proposal,
              fmt::format("{} in {}", fmt::join(legacy_algorithms(*proposal), ", "), shown(*text)));
    return {};
  }
  return proposal;
}

}  // namespace

std::optional<ike::IkeProposal> read_ike_proposal(const Node& node, Profile profile) {
  return read<ike::IkeProposal>(node, profile, known_for_ike);
}

std::optional<ike::EspProposal> read_esp_proposal(const Node& node, Profile profile) {
  return read<ike::EspProposal>(node, profile, known_for_esp);
}

}  // namespace sekisho::config
