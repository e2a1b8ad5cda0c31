// Checks every field of a command, taken by itself: ids below their bounds, enumerations in range, texts terminated,
// addresses of a family, ranges in order (an SA: by sa/sa.h). What a command refers to is checked against the tables
// (manager/staging.h). Pure functions; the detail of an Error is written for the operator.
#pragma once

#include <optional>

#include "base/address.h"
#include "base/message.h"
#include "ipc/schema.h"

namespace sekisho::dataplane {

Result<void> validate(const ipc::PortSet& command);
Result<void> validate(const ipc::PortRemove& command);
Result<void> validate(const ipc::TunnelSet& command);
Result<void> validate(const ipc::TunnelRemove& command);
Result<void> validate(const ipc::NextHopSet& command);
Result<void> validate(const ipc::NextHopGroupSet& command);
Result<void> validate(const ipc::RouteSet& command);
Result<void> validate(const ipc::RouteRemove& command);
Result<void> validate(const ipc::SaAdd& command);
Result<void> validate(const ipc::SaRemove& command);
Result<void> validate(const ipc::FilterAdd& command);
Result<void> validate(const ipc::FilterRuleAdd& command);
Result<void> validate(const ipc::FilterAttach& command);

// Nothing where family or length are wrong or host bits are set.
std::optional<Prefix> prefix_of(const ipc::Address& address, uint8_t length);

}  // namespace sekisho::dataplane
