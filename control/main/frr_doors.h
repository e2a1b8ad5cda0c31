// The way to FRR's sockets, which only FRR's own user may open: a doorkeeper opens one of a few sockets of one
// directory.
#pragma once

#include <string>

#include "base/message.h"
#include "base/unique_fd.h"
#include "control/main/doorkeeper.h"

namespace sekisho::control {

enum class FrrDoor : uint8_t { zserv, zebra_vty, bgpd_vty, bfdd_vty };

class FrrDoors {
 public:
  // Hires the doorkeeper. FRR need not run yet, and the directory ("/run/frr") need not exist.
  // Errors: SKO-SYS-002.
  static Result<FrrDoors> open(const std::string& directory);

  // A connected socket that does not block. Waits for the child, which waits for nobody.
  // Errors: SKO-RTG-012 where it is zebra's, 014 bgpd's, 038 bfdd's.
  Result<UniqueFd> connect(FrrDoor door);

 private:
  explicit FrrDoors(Doorkeeper keeper) : keeper_(std::move(keeper)) {}
  Doorkeeper keeper_;
};

}  // namespace sekisho::control
