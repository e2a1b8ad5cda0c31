// Which of the gateway's own addresses can be used now. Until the first word about it, all are taken to be there.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "control/ike/connection.h"

namespace sekisho::ike {

class LocalAddresses {
 public:
  LocalAddresses() = default;
  explicit LocalAddresses(const std::vector<IpAddress>& usable)
      : usable_(std::set<IpAddress>(usable.begin(), usable.end())) {}

  bool has(const IpAddress& address) const { return !usable_ || usable_->contains(address); }
  // The connection's first address that is there; nothing where none is.
  std::optional<IpAddress> best(const Connection& connection) const {
    if (connection.local.is_any() || has(connection.local)) return connection.local;
    for (const IpAddress& address : connection.other_locals)
      if (has(address)) return address;
    return {};
  }

 private:
  std::optional<std::set<IpAddress>> usable_;
};

}  // namespace sekisho::ike
