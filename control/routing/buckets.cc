#include "control/routing/buckets.h"

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

namespace sekisho::routing {
namespace {

struct Due {
  ipc::NextHopId next_hop;
  uint64_t weight;
  unsigned buckets = 1;
};

// The method of Sainte-Laguë: one bucket after the other goes to whose weight is the greatest for what it has already.
// The order in which the others get theirs does not depend on who else is there, so that none of them has less when one
// goes.
std::vector<Due> dues(std::span<const Share> shares) {
  std::vector<Due> all;
  for (const Share& share : shares) all.push_back({share.next_hop, share.weight});
  if (all.size() > ipc::group_buckets) {
    std::ranges::stable_sort(all, std::greater(), &Due::weight);
    all.resize(ipc::group_buckets);
  }
  const auto less = [](const Due& a, const Due& b) {
    return a.weight * (2 * b.buckets + 1) < b.weight * (2 * a.buckets + 1);
  };
  for (size_t given = all.size(); given < ipc::group_buckets; ++given) ++std::ranges::max_element(all, less)->buckets;
  return all;
}

}  // namespace

Buckets share_out(std::span<const Share> shares, const Buckets& before) {
  Buckets buckets{};
  if (shares.empty()) return buckets;
  const std::vector<Due> order = dues(shares);
  std::map<ipc::NextHopId, unsigned> left;
  for (const Due& due : order) left[due.next_hop] = due.buckets;
  std::vector<size_t> open;
  for (size_t i = 0; i < buckets.size(); ++i) {
    const auto owner = left.find(before[i]);
    if (owner == left.end() || owner->second == 0) {
      open.push_back(i);
      continue;
    }
    buckets[i] = owner->first;
    --owner->second;
  }
  auto next = open.begin();
  for (const Due& due : order)
    for (unsigned& count = left[due.next_hop]; count > 0; --count) buckets[*next++] = due.next_hop;
  return buckets;
}

}  // namespace sekisho::routing
