// What every handler of one engine step works with in IKEv2.
#pragma once

#include "control/ike/context.h"

namespace sekisho::ike::v2 {

class IkeSaTable;
class CookieJar;

struct Context : ike::Context {
  IkeSaTable& sas;
  CookieJar& cookies;
};

}  // namespace sekisho::ike::v2
