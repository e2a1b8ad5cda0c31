// Prefixes and what belongs to each, by the longest one that holds an address.
#pragma once

#include <map>
#include <set>
#include <utility>

#include "base/address.h"

namespace sekisho::config {

template <typename T>
class PrefixMap {
 public:
  using Entry = std::pair<const Prefix, T>;

  // What was added first for a prefix stays.
  void add(const Prefix& prefix, T value) {
    entries_.emplace(prefix, std::move(value));
    lengths_.emplace(prefix.family(), prefix.length());
  }

  // Of less than `below` bits; nullptr where there is none.
  const Entry* longest(const IpAddress& address, unsigned below = 129) const {
    const Entry* best = nullptr;
    for (const auto& [family, length] : lengths_) {
      if (family != address.family() || length >= below) continue;
      if (const auto found = entries_.find(Prefix(address, length)); found != entries_.end()) best = &*found;
    }
    return best;
  }

 private:
  std::map<Prefix, T> entries_;
  std::set<std::pair<Family, unsigned>> lengths_;  // that there are; the longest last
};

}  // namespace sekisho::config
