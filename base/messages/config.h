// SKO-CFG: the configuration file.
#pragma once

#include "base/message.h"

namespace sekisho::messages {

inline constexpr Message config_not_json{
    "SKO-CFG-001", Severity::error, "configuration is not JSON",
    "The file breaks the rules of JSON at the place that the detail names.",
    "Mend the syntax there; `sekisho config check FILE` shows the rest afterwards."};

inline constexpr const Message* config_messages[] = {&config_not_json};

}  // namespace sekisho::messages
