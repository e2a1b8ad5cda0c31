// SKO-RTG: routes, neighbours, interfaces, the kernel.
#pragma once

#include "base/message.h"

namespace sekisho::messages {

inline constexpr Message netlink_failed{"SKO-RTG-001", Severity::error, "kernel refused a network change",
                                        "A netlink request was answered with an error; the detail names both.",
                                        "Check CAP_NET_ADMIN and that no other program owns the interface or route."};

inline constexpr const Message* routing_messages[] = {&netlink_failed};

}  // namespace sekisho::messages
