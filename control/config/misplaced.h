// Keys that stand where nothing has them, though something else does.
#pragma once

#include <string_view>

namespace sekisho::config {

// What has the key, for an operator; empty: nothing.
std::string_view home_of(std::string_view key);

}  // namespace sekisho::config
