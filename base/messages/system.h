// SKO-SYS: the operating system, files, the processes themselves.
#pragma once

#include "base/message.h"

namespace sekisho::messages {

inline constexpr Message file_unreadable{"SKO-SYS-001", Severity::error, "file cannot be read",
                                         "The file does not exist, or this process may not read it.",
                                         "Check the path, the owner and the mode of the file."};
inline constexpr Message system_call_failed{"SKO-SYS-002", Severity::error, "system call failed",
                                            "The kernel refused an operation; the detail names it and the reason.",
                                            "Check privileges (CAP_NET_ADMIN) and resources; see the detail."};

inline constexpr const Message* system_messages[] = {&file_unreadable, &system_call_failed};

}  // namespace sekisho::messages
