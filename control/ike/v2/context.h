// What every handler of one engine step works with in IKEv2.
#pragma once

#include "control/ike/context.h"
#include "control/ike/local_addresses.h"

namespace sekisho::ike::v2 {

class IkeSaTable;
class CookieJar;

struct Context : ike::Context {
  IkeSaTable& sas;
  CookieJar& cookies;
  const LocalAddresses& local_addresses;
};

}  // namespace sekisho::ike::v2
