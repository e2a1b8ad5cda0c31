// The way into the network namespaces of VRFs, which takes CAP_SYS_ADMIN: a doorkeeper enters /run/netns/NAME, opens
// there what control needs to work in it from outside, and lets it forward. Any name will do: whoever has taken control
// over can so change every namespace that has one.
#pragma once

#include <expected>
#include <string_view>
#include <vector>

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

  static constexpr const char* directory = "/run/netns/";

  // What `ip netns add NAME` has made. Waits for the child, a quarter of a second at most.
  // Errors: SKO-RTG-040.
  Result<kernel::NamespaceSockets> enter(std::string_view name);
  // It forwards packets of both families from now on, with a loose reverse path check (RFC 3704 section 2.4). Likewise.
  Result<void> let_forward(std::string_view name);

 private:
  explicit NamespaceDoor(Doorkeeper keeper) : keeper_(std::move(keeper)) {}
  std::expected<std::vector<UniqueFd>, Error> ask(uint8_t what, std::string_view name);
  Doorkeeper keeper_;
};

}  // namespace sekisho::control
