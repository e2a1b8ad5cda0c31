// When that by which a tunnel's ends prove who they are runs out.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/message.h"
#include "control/ike/connection.h"

namespace sekisho::config {

struct Expiry {
  enum class Kind : uint8_t {
    own_certificate,  // intermediate ones included
    authority,
    revocation_list,
  };
  Kind kind{};
  std::string name;  // the subject, or the list's issuer; printable
  WallTime at{};     // notAfter, nextUpdate
};

// The soonest first. A list without nextUpdate has none.
std::vector<Expiry> expiries(const ike::Connection& connection);

// How much time is left: more than 30 days, that or less, 7 days or less, a day or less, none.
enum class Urgency : uint8_t { none, month, week, day, over };
Urgency urgency(WallTime at, WallTime now);

std::string_view word(Expiry::Kind kind);
// "2026-12-24 10:00 UTC"
std::string date_text(WallTime at);
// For an operator, of what is urgent.
Error notice(const Expiry& expiry, WallTime now);

}  // namespace sekisho::config
