// How a group's buckets belong to its next hops (ipc::NextHopGroupSet).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>

#include "ipc/schema.h"

namespace sekisho::routing {

using Buckets = std::array<ipc::NextHopId, ipc::group_buckets>;

struct Share {
  ipc::NextHopId next_hop;
  uint32_t weight = 1;

  friend auto operator<=>(const Share&, const Share&) = default;
};

// Each next hop gets buckets by its weight, and one at least; the least weights get none where there are more next hops
// than buckets. What a next hop had `before` stays its own as far as it is due: where one goes, only its flows move;
// where one comes, flows move to it alone. Each next hop is named once, and none is 0.
Buckets share_out(std::span<const Share> shares, const Buckets& before);

}  // namespace sekisho::routing
