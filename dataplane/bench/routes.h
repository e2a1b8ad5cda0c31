// Large routing tables: of IPv4 one that resembles the Internet's, of IPv6 as much of one as rte_fib6 can hold.
#pragma once

#include <vector>

#include "base/address.h"

namespace sekisho::dataplane::bench {

// `count` distinct prefixes, at most a million, the same at each call, clear of what a scenario itself uses
// (addresses.h).
//
// IPv4: anywhere, lengths spread about as in the Internet's table, where six of ten are /24 and none is longer.
// IPv6: up to 7,936 allocations of /32, each with a /41 and, within that, up to 125 prefixes of /48.
std::vector<Prefix> internet_prefixes(Family family, unsigned count);

}  // namespace sekisho::dataplane::bench
