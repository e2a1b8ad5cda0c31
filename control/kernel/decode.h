// rtnetlink messages to objects. The kernel is trusted, but a message may be of a kind or hold attributes that this
// program does not know; what is not understood is skipped.
#pragma once

#include <optional>
#include <variant>

#include "control/kernel/objects.h"

struct nlmsghdr;

namespace sekisho::kernel {

enum class ChangeKind : uint8_t { present, gone };

struct Change {
  ChangeKind kind{};
  bool replaces = false;  // NLM_F_REPLACE: a route in place of the one with the same key
  std::variant<Link, LinkAddress, Route, Neighbour, NextHopObject> object;
};

// Nothing where the message is of no interest: other families, tables other than main and local, cloned routes.
std::optional<Change> decode(const nlmsghdr& message);

}  // namespace sekisho::kernel
