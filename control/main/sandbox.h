// The system calls that sekisho-control may make once it runs: those of its loop, its files and its memory. What is not
// on the list answers ENOSYS, as an older kernel would, so a library that probes for a newer call falls back. Above all
// there is no way to start a program, to trace or look into another process, to mount, or to open a network socket: the
// ones that exist stay, and new ones are UNIX sockets alone.
#pragma once

#include "base/message.h"

namespace sekisho::control {

// For this process and for good. Requires no_new_privs or CAP_SYS_ADMIN.
Result<void> enter_sandbox();

}  // namespace sekisho::control
