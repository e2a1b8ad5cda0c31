// SKO-DPL: the data plane and the channel to it.
#pragma once

#include "base/message.h"

namespace sekisho::messages {

inline constexpr Message channel_peer_violation{
    "SKO-DPL-001", Severity::error, "channel peer broke the protocol",
    "The other process wrote an index, length, type or version that cannot be right; it was disconnected.",
    "Run the same version of both daemons; if they are, report this message with the detail."};

inline constexpr const Message* dataplane_messages[] = {&channel_peer_violation};

}  // namespace sekisho::messages
