// How many second-level tables prefixes need in a rte_fib (dir24_8) or rte_fib6 (trie).
//
// The first level has an entry for each /24. A longer prefix needs a table of 256 entries for the /24 that it is in,
// and one more for the /32, the /40, ... that it is in and longer than. Prefixes in the same /24, /32, ... share its
// table:
//
//   length    to 24    25 to 32    33 to 40        ...    121 to 128
//   tables    0        1 (/24)     2 (/24, /32)           13 (/24, /32, ... /120)
#pragma once

#include <algorithm>

#include "base/address.h"

namespace sekisho::dataplane {

// Of the prefix alone.
inline unsigned second_level_tables(const Prefix& prefix) {
  return prefix.length() <= 24 ? 0 : (prefix.length() - 17) / 8;
}

// Those that both need.
inline unsigned shared_tables(const Prefix& one, const Prefix& other) {
  if (one.family() != other.family()) return 0;
  const ByteView bytes = one.address().bytes();
  const auto differ = std::ranges::mismatch(bytes, other.address().bytes()).in1;
  const auto common = static_cast<unsigned>(differ - bytes.begin());
  return std::min({second_level_tables(one), second_level_tables(other), common < 3 ? 0 : common - 2});
}

}  // namespace sekisho::dataplane
