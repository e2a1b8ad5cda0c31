// Between the flat types of the schema and those of base/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "ipc/schema.h"

namespace sekisho::ipc {

// Nothing where there is no NUL.
template <size_t Capacity>
std::optional<std::string> to_string(const Text<Capacity>& text) {
  const std::string_view all(text.chars.data(), Capacity);
  const size_t end = all.find('\0');
  if (end == std::string_view::npos) return {};
  return std::string(all.substr(0, end));
}

// Cuts what does not fit.
template <size_t Capacity>
Text<Capacity> to_text(std::string_view text) {
  Text<Capacity> result;
  text.substr(0, Capacity - 1).copy(result.chars.data(), Capacity - 1);
  return result;
}

// Nothing where the family is neither 4 nor 6.
std::optional<IpAddress> to_address(const Address& address);
Address from_address(const IpAddress& address);

}  // namespace sekisho::ipc
