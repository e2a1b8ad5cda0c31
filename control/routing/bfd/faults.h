// What may be wrong with bfdd's answers is all one to who asks: nothing is known of the sessions.
#pragma once

#include "base/messages/routing.h"
#include "control/routing/vty/faults.h"

namespace sekisho::bfd {

inline constexpr vty::Faults faults{messages::bfdd_silent, messages::bfdd_silent, messages::bfdd_silent};

}  // namespace sekisho::bfd
