// The way into the network namespaces of VRFs, which takes CAP_SYS_ADMIN: a doorkeeper enters /run/netns/NAME, lets it
// forward, and opens there what control needs to work in it from outside.
#pragma once

#include <string_view>

#include "base/message.h"
#include "base/unique_fd.h"
#include "control/kernel/netlink.h"
#include "control/main/doorkeeper.h"

namespace sekisho::control {

class NamespaceDoor {
 public:
  // Hires the doorkeeper; no namespace need exist yet.
  // Errors: SKO-SYS-002.
  static Result<NamespaceDoor> open();

  // What `ip netns add NAME` has made. It forwards packets of both families from now on, with a loose reverse path
  // check (RFC 3704 section 2.4). Waits for the child, a second at most.
  // Errors: SKO-RTG-040.
  Result<kernel::NamespaceSockets> enter(std::string_view name);

 private:
  explicit NamespaceDoor(Doorkeeper keeper) : keeper_(std::move(keeper)) {}
  Doorkeeper keeper_;
};

}  // namespace sekisho::control
