// What went wrong with a connection, kept for `sekisho explain tunnel NAME`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/message.h"

namespace sekisho::ike {

// Both sides of a negotiation that found nothing in common, written as the configuration writes them.
struct Mismatch {
  enum class Kind : uint8_t {
    ike_proposal,
    esp_proposal,
    selectors  // each begins with "local " or "remote ", as seen from here on both lists
  };
  Kind kind{};
  std::vector<std::string> ours;
  std::vector<std::string> theirs;  // empty: the peer refused ours and did not say what it takes
};

struct Failure {
  const Message* message = nullptr;
  std::string detail;
  std::optional<Mismatch> mismatch;
  Instant at{};
  bool authentic = true;  // false: anybody may have provoked it
};

}  // namespace sekisho::ike
