// Checks every field of a command, taken by itself: ids below their bounds, enumerations in range, texts terminated,
// addresses of a family, ranges in order (an SA: by sa/sa.h). What a command refers to is checked against the tables
// (manager/plan.h). Pure functions; the detail of an Error is written for the operator.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/message.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

Result<void> validate(const ipc::PortSet& command);
Result<void> validate(const ipc::PortRemove& command);
Result<void> validate(const ipc::TunnelSet& command);
Result<void> validate(const ipc::TunnelRemove& command);
Result<void> validate(const ipc::NextHopSet& command);
Result<void> validate(const ipc::RouteSet& command);
Result<void> validate(const ipc::RouteRemove& command);
Result<void> validate(const ipc::SaAdd& command);
Result<void> validate(const ipc::SaRemove& command);

// Nothing where there is no NUL.
template <size_t Capacity>
std::optional<std::string> text_of(const ipc::Text<Capacity>& text) {
  const std::string_view all(text.chars.data(), Capacity);
  const size_t end = all.find('\0');
  if (end == std::string_view::npos) return {};
  return std::string(all.substr(0, end));
}

// Cuts what does not fit.
template <size_t Capacity>
ipc::Text<Capacity> as_ipc_text(std::string_view text) {
  ipc::Text<Capacity> result;
  text.substr(0, Capacity - 1).copy(result.chars.data(), Capacity - 1);
  return result;
}

// Nothing where the family is neither 4 nor 6.
std::optional<IpAddress> address_of(const ipc::Address& address);
ipc::Address as_ipc_address(const IpAddress& address);
// Nothing where family or length are wrong or host bits are set.
std::optional<Prefix> prefix_of(const ipc::Address& address, uint8_t length);

}  // namespace sekisho::dataplane
