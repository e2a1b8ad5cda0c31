// What another definition means for the SAs that a connection has.
#pragma once

#include "control/ike/connection.h"

namespace sekisho::ike {

enum class Difference : uint8_t {
  none,
  local,      // takes effect without new SAs: timers, retransmission, start mode
  negotiated  // the SAs made under one definition cannot stand under the other
};
Difference compare(const Connection& a, const Connection& b);

}  // namespace sekisho::ike
