// Routes in a rte_fib or rte_fib6, past what these of DPDK 22.11 do wrong:
//
// - For a route that they do not have they reserve second-level tables, and lose count of them: rte_fib6 gives none
// back
//   when a route goes, rte_fib gives back what it did not take for a route that led where the one around it does, and
//   either says that it is full when it is not. A route that changes reserves nothing. So a route is first put into the
//   tree that they keep, with what its addresses have so far, the next hop of the route around it, and then changed.
// - Where two routes side by side end where the address space does (192.0.0.0/3 and 224.0.0.0/3, or 0.0.0.0/1 and
//   128.0.0.0/1), a change of the route around them (128.0.0.0/1, a default route) is written over all addresses. So
//   that is done in pieces.
//
// The caller sees to it that there is room (Fib::fits()).
#pragma once

#include <rte_fib.h>
#include <rte_fib6.h>

#include "base/address.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

// Adds the route or changes it. False: it could not be.
bool set_route(rte_fib* fib, const Prefix& prefix, ipc::NextHopId next_hop);
bool set_route(rte_fib6* fib, const Prefix& prefix, ipc::NextHopId next_hop);
// False: there is no such route, or it could not be.
bool remove_route(rte_fib* fib, const Prefix& prefix);
bool remove_route(rte_fib6* fib, const Prefix& prefix);

}  // namespace sekisho::dataplane
