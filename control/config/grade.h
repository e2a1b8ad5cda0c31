// What the IETF requires of what a configuration lets peers agree on: RFC 8247 for IKE, RFC 8221 for ESP, and RFC 9395,
// by which IKEv1 is history; and where it is weak in other ways that RFCs warn of.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "control/config/config.h"

namespace sekisho::config {

// Where an algorithm stands. An RFC's "SHOULD+" and "MUST-" expect the level to rise, or to fall. What an RFC forbids
// has no name in a configuration. `weak`: no level is given, but the source says what it costs.
enum class Level : uint8_t { must, must_minus, should_plus, should, may, should_not, deprecated, weak };

struct Grade {
  std::string tunnel;
  std::string_view protocol;  // "IKE", "ESP"
  std::string_view kind;      // "version", "encryption", "prf", "hash", "integrity", "key exchange", "pre-shared key"
  std::string algorithm;      // as the configuration writes it
  Level level = Level::may;
  std::string_view source;  // "RFC 8247 section 2.1"
  bool legacy = false;      // no tunnel of the modern profile may name it
};

// A pre-shared key of fewer octets is weak: it cannot have the unpredictability of the keys that it vouches for.
inline constexpr size_t least_psk = 16;

// Each algorithm of each tunnel once, in the order in which the proposals name them. Phase 1 of IKEv1 is graded as
// IKEv2 is, though RFC 8247 does not speak of it (its section 1.3): what an algorithm is worth does not depend on the
// version. With IKEv1 quick mode without PFS is weak: all its keys hang on one key exchange. Of pre-shared keys only
// weak ones are there, without their length.
std::vector<Grade> grade(const Config& config);

std::string_view name(Level level);
// The RFCs advise against it, or warn of it; or it is only for peers that can do no better.
constexpr bool discouraged(const Grade& grade) { return grade.level >= Level::should_not || grade.legacy; }

// `sekisho-control --grade FILE`: writes the grades and warnings.h's warnings to `out`, as text or as {"valid",
// "errors", "grades", "warnings"}. The process's exit code: 0 where the file is valid, nothing in it is discouraged and
// there is no warning, else 1.
int grade_file(const std::filesystem::path& file, bool json, std::FILE* out);

}  // namespace sekisho::config
