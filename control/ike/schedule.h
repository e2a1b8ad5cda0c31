// Who is due when, by key: so that nobody has to be asked whose time has not come.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sekisho::ike {

template <typename Key>
class Schedule {
 public:
  // Replaces what was set for that key; nothing: it is not due at all.
  void set(const Key& key, std::optional<Instant> at) {
    const auto known = at_.find(key);
    if (known != at_.end()) {
      if (at == known->second) return;
      order_.erase({known->second, key});
      at_.erase(known);
    }
    if (!at) return;
    order_.emplace(*at, key);
    at_.emplace(key, *at);
  }
  std::optional<Instant> earliest() const {
    return order_.empty() ? std::nullopt : std::optional<Instant>(order_.begin()->first);
  }
  std::vector<Key> due(Instant now) const {
    std::vector<Key> keys;
    for (const auto& [at, key] : order_) {
      if (at > now) break;
      keys.push_back(key);
    }
    return keys;
  }

 private:
  std::set<std::pair<Instant, Key>> order_;
  std::map<Key, Instant> at_;
};

}  // namespace sekisho::ike
