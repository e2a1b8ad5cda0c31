// Several next hops that share the packets to a destination: a table that the flow's hash picks from.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "ipc/schema.h"

namespace sekisho::dataplane {

struct alignas(64) NextHopGroup {
  std::array<ipc::NextHopId, ipc::group_buckets> buckets{};  // of next hops, never of groups

  // By the hash's highest bits, which depend on all that went into it.
  ipc::NextHopId member(uint64_t hash) const {
    static_assert(std::has_single_bit(ipc::group_buckets));
    return buckets[hash >> (64 - std::countr_zero(ipc::group_buckets))];
  }
  friend bool operator==(const NextHopGroup&, const NextHopGroup&) = default;
};

// One step of a hash: the whole product of both, folded. Good where one of the two is not known to who chooses the
// other: hashes begin with a seed.
constexpr uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}
// An odd number with its bits well spread: of the golden ratio.
inline constexpr uint64_t mix_constant = 0x9e3779b97f4a7c15;

}  // namespace sekisho::dataplane
