// What the IETF requires of what a configuration lets peers agree on: RFC 8247 for IKEv2, RFC 8221 for ESP, and RFC
// 9395, by which IKEv1 is history.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "control/config/config.h"

namespace sekisho::config {

// Where an algorithm stands. An RFC's "SHOULD+" and "MUST-" expect the level to rise, or to fall. What an RFC forbids
// has no name in a configuration.
enum class Level : uint8_t { must, must_minus, should_plus, should, may, should_not, deprecated };

struct Grade {
  std::string tunnel;
  std::string_view protocol;  // "IKE", "ESP"
  std::string_view kind;      // "version", "encryption", "prf", "integrity", "key exchange"
  std::string algorithm;      // as the configuration writes it
  Level level = Level::may;
  std::string_view source;  // "RFC 8247 section 2.1"
};

// Each algorithm of each tunnel once, in the order in which the proposals name them. Of an IKEv1 tunnel only the
// version and ESP's algorithms: RFC 8247 says nothing about IKEv1 (its section 1.3).
std::vector<Grade> grade(const Config& config);

std::string_view name(Level level);
// The RFCs advise against it.
constexpr bool discouraged(Level level) { return level >= Level::should_not; }

// `sekisho-control --grade FILE`: writes the grades and warnings.h's warnings to `out`, as text or as {"valid",
// "errors", "grades", "warnings"}. The process's exit code: 0 where the file is valid, nothing in it is discouraged and
// there is no warning, else 1.
int grade_file(const std::filesystem::path& file, bool json, std::FILE* out);

}  // namespace sekisho::config
