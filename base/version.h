// The version of this build; both daemons and the CLI show it.
#pragma once

#include <string_view>

namespace sekisho {

std::string_view version();

}  // namespace sekisho
