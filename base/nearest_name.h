// "Did you mean": the known name that a misspelt one is closest to.
#pragma once

#include <span>
#include <string_view>

namespace sekisho {

// Empty where none is close.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

}  // namespace sekisho
