#include "control/config/grade.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "control/config/legacy.h"
#include "control/config/report.h"
#include "control/config/warnings.h"

namespace sekisho::config {
namespace {

template <typename Id>
struct Rule {
  Id id;
  Level level;
};

// What one section of an RFC says. What is in none of its tables may be used, which another section says.
template <typename Id, size_t count>
struct Table {
  std::string_view section, otherwise;
  std::array<Rule<Id>, count> rules;
};

using crypto::EncryptionId, crypto::PrfId, crypto::IntegrityId, crypto::KeyExchangeId;

constexpr std::string_view rest_of_ike = "RFC 8247 section 1.2", rest_of_esp = "RFC 8221 section 1.2";
constexpr Table<EncryptionId, 4> ike_encryption = {"RFC 8247 section 2.1",
                                                   rest_of_ike,
                                                   {{{EncryptionId::aes_cbc, Level::must},
                                                     {EncryptionId::aes_gcm_16, Level::should},
                                                     {EncryptionId::chacha20_poly1305, Level::should},
                                                     {EncryptionId::des3, Level::may}}}};
constexpr Table<PrfId, 3> ike_prf = {"RFC 8247 section 2.2",
                                     rest_of_ike,
                                     {{{PrfId::hmac_sha2_256, Level::must},
                                       {PrfId::hmac_sha2_512, Level::should_plus},
                                       {PrfId::hmac_sha1, Level::must_minus}}}};
constexpr Table<IntegrityId, 3> ike_integrity = {"RFC 8247 section 2.3",
                                                 rest_of_ike,
                                                 {{{IntegrityId::hmac_sha2_256_128, Level::must},
                                                   {IntegrityId::hmac_sha2_512_256, Level::should},
                                                   {IntegrityId::hmac_sha1_96, Level::must_minus}}}};
constexpr Table<KeyExchangeId, 4> key_exchange = {"RFC 8247 section 2.4",
                                                  rest_of_ike,
                                                  {{{KeyExchangeId::modp2048, Level::must},
                                                    {KeyExchangeId::ecp256, Level::should},
                                                    {KeyExchangeId::modp1536, Level::should_not},
                                                    {KeyExchangeId::modp1024, Level::should_not}}}};
constexpr Table<EspCipher, 3> esp_encryption = {"RFC 8221 section 5",
                                                rest_of_esp,
                                                {{{EspCipher::aes_cbc, Level::must},
                                                  {EspCipher::aes_gcm, Level::must},
                                                  {EspCipher::chacha20_poly1305, Level::should}}}};
// By the names in EspSuiteInfo.
constexpr Table<std::string_view, 3> esp_integrity = {
    "RFC 8221 section 6",
    rest_of_esp,
    {{{"sha256", Level::must}, {"sha512", Level::should}, {"sha1", Level::must_minus}}}};

class Grades {
 public:
  explicit Grades(std::string tunnel) : tunnel_(std::move(tunnel)) {}

  void add_version_1() { add({tunnel_, "IKE", "version", "IKEv1", Level::deprecated, "RFC 9395 section 3"}); }

  void add_psk(const SecretBytes& psk) {
    if (psk.size() < least_psk)
      add({tunnel_, "IKE", "pre-shared key", fmt::format("under {} octets", least_psk), Level::weak,
           "RFC 7296 section 2.15"});
  }

  void add(const ike::IkeProposal& proposal, ike::IkeVersion version) {
    const std::string text = proposal.text();
    add(ike_encryption, proposal.sk.encryption, "IKE", "encryption", text.substr(0, text.find('-')));
    if (version == ike::IkeVersion::v1) {
      // One hash serves as PRF and for integrity.
      add(ike_prf, proposal.prf, "IKE", "hash", crypto::name(proposal.sk.integrity));
      return add(key_exchange, proposal.key_exchange, "IKE", "key exchange", crypto::name(proposal.key_exchange));
    }
    add(ike_prf, proposal.prf, "IKE", "prf", crypto::name(proposal.prf));
    if (!proposal.sk.aead())
      add(ike_integrity, proposal.sk.integrity, "IKE", "integrity", crypto::name(proposal.sk.integrity));
    add(key_exchange, proposal.key_exchange, "IKE", "key exchange", crypto::name(proposal.key_exchange));
  }

  void add(EspSuite suite) {
    const std::string_view text = info(suite).name;
    const size_t dash = text.find('-');
    add(esp_encryption, info(suite).cipher, "ESP", "encryption", text.substr(0, dash));
    if (info(suite).combined_mode()) return;
    add(esp_integrity, text.substr(dash + 1), "ESP", "integrity", text.substr(dash + 1));
  }

  void add_pfs(KeyExchangeId group, ike::IkeVersion version) {
    if (group != KeyExchangeId::none)
      add(key_exchange, group, "ESP", "key exchange", crypto::name(group));
    else if (version == ike::IkeVersion::v1)
      add({tunnel_, "ESP", "key exchange", "none", Level::weak, "RFC 2409 section 5.5"});
  }

  std::vector<Grade> take() && { return std::move(grades_); }

 private:
  template <typename Id, size_t count>
  void add(const Table<Id, count>& table, Id id, std::string_view protocol, std::string_view kind,
           std::string_view algorithm) {
    const auto found = std::ranges::find(table.rules, id, &Rule<Id>::id);
    const bool listed = found != table.rules.end();
    Grade grade{tunnel_,
                protocol,
                kind,
                std::string(algorithm),
                listed ? found->level : Level::may,
                listed ? table.section : table.otherwise};
    if constexpr (requires { is_legacy(id); }) grade.legacy = is_legacy(id);
    add(std::move(grade));
  }
  void add(Grade grade) {
    const bool known = std::ranges::any_of(grades_, [&](const Grade& each) {
      return each.protocol == grade.protocol && each.kind == grade.kind && each.algorithm == grade.algorithm;
    });
    if (!known) grades_.push_back(std::move(grade));
  }

  std::string tunnel_;
  std::vector<Grade> grades_;
};

std::string to_text(const std::vector<Grade>& grades) {
  constexpr auto row = "{:<16}  {:<8}  {:<14}  {:<16}  {:<10}  {:<7}  {}\n";
  std::string text = fmt::format(row, "TUNNEL", "PROTOCOL", "KIND", "ALGORITHM", "LEVEL", "PROFILE", "SOURCE");
  for (const Grade& each : grades)
    text += fmt::format(row, each.tunnel, each.protocol, each.kind, each.algorithm, name(each.level),
                        each.legacy ? "legacy" : "any", each.source);
  const auto count = std::ranges::count_if(grades, discouraged);
  return text + (count == 0 ? "nothing is discouraged\n" : fmt::format("discouraged: {}\n", count));
}

nlohmann::json to_json(const std::vector<Grade>& grades) {
  auto list = nlohmann::json::array();
  for (const Grade& each : grades)
    list.push_back({{"tunnel", each.tunnel},
                    {"protocol", each.protocol},
                    {"kind", each.kind},
                    {"algorithm", each.algorithm},
                    {"level", name(each.level)},
                    {"legacy", each.legacy},
                    {"discouraged", discouraged(each)},
                    {"source", each.source}});
  return list;
}

}  // namespace

std::string_view name(Level level) {
  constexpr std::array names = {"MUST", "MUST-", "SHOULD+", "SHOULD", "MAY", "SHOULD NOT", "deprecated", "weak"};
  return names.at(static_cast<size_t>(level));
}

std::vector<Grade> grade(const Config& config) {
  std::vector<Grade> all;
  for (const auto& [tunnel, settings] : config.tunnels) {
    const ike::Connection& connection = settings.connection;
    Grades grades(tunnel);
    if (connection.version == ike::IkeVersion::v1) grades.add_version_1();
    if (connection.psk) grades.add_psk(*connection.psk);
    for (const ike::IkeProposal& proposal : connection.ike_proposals) grades.add(proposal, connection.version);
    for (const ike::ChildDefinition& child : connection.children) {
      for (const ike::EspProposal& proposal : child.esp_proposals) {
        grades.add(proposal.suite);
        grades.add_pfs(proposal.pfs, connection.version);
      }
    }
    std::ranges::move(std::move(grades).take(), std::back_inserter(all));
  }
  return all;
}

int grade_file(const std::filesystem::path& file, bool json, std::FILE* out) {
  const auto config = load(file);
  if (!config) return check_file(file, json, out);
  const std::vector<Grade> grades = grade(*config);
  const std::vector<Warning> warned = warnings(*config, std::chrono::system_clock::now());
  const nlohmann::json verdict = {
      {"valid", true}, {"errors", nlohmann::json::array()}, {"grades", to_json(grades)}, {"warnings", to_json(warned)}};
  if (!write_out(json ? verdict.dump(2) + "\n" : to_text(grades) + to_text(warned), out)) return 1;
  return warned.empty() && std::ranges::none_of(grades, discouraged) ? 0 : 1;
}

}  // namespace sekisho::config
