// The messages for what may be wrong with the answers of one of FRR's daemons.
#pragma once

#include "base/message.h"

namespace sekisho::vty {

struct Faults {
  const Message& silent;    // not reached, gone, or too slow
  const Message& nonsense;  // a refusal, or no JSON as it is asked for
  const Message& verbose;   // more than is read
};

}  // namespace sekisho::vty
