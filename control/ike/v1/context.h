// What every handler of one engine step works with in IKEv1.
#pragma once

#include "control/ike/context.h"

namespace sekisho::ike::v1 {

class SaTable;

struct Context : ike::Context {
  SaTable& sas;
};

}  // namespace sekisho::ike::v1
