// The commands of a transaction, as the dataplane reads them.
#pragma once

#include <catch2/catch.hpp>
#include <cstring>
#include <optional>

#include "control/dp/transaction.h"

namespace sekisho::control {

// Nothing where it is another command.
template <ipc::Message T>
std::optional<T> as(const StoredCommand& command) {
  if (command.type != static_cast<uint16_t>(T::type)) return {};
  T value;
  REQUIRE(command.payload().size() == sizeof value);
  std::memcpy(&value, command.payload().data(), sizeof value);
  return value;
}

}  // namespace sekisho::control
