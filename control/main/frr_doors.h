// The way to FRR's sockets, which only FRR's own user may open. Control gives up the right to do so; a child, made
// while it still has it, keeps that right and nothing else: it opens one of a few sockets of one directory and passes
// it on. All that it ever reads is one byte of control's. It ends when control does.
#pragma once

#include <string>

#include "base/message.h"
#include "base/unique_fd.h"

namespace sekisho::control {

enum class FrrDoor : uint8_t { zserv, zebra_vty, bgpd_vty };

class FrrDoors {
 public:
  // Makes the child; before the process has threads and before it gives up its privileges. FRR need not run yet, and
  // the directory ("/run/frr") need not exist.
  // Errors: SKO-SYS-002.
  static Result<FrrDoors> open(const std::string& directory);

  // A connected socket that does not block. Waits for the child, which waits for nobody.
  // Errors: SKO-RTG-012 where it is zebra's, else SKO-RTG-014.
  Result<UniqueFd> connect(FrrDoor door);

 private:
  explicit FrrDoors(UniqueFd child) : child_(std::move(child)) {}
  UniqueFd child_;
};

}  // namespace sekisho::control
